// Tells when a student that learns online has gone wrong.
//
//   DriftGuard guard(/*limit=*/0.1, /*patience=*/5);
//   switch (guard.Check(window)) {                        // whenever the window is full
//     case DriftGuard::Verdict::kRollBack: ...            // to the last good student; the window begins anew
//     case DriftGuard::Verdict::kAccept: ...              // the stream has changed for good: this is the new level
//     case DriftGuard::Verdict::kGood: ...
//   }
//   guard.Confirm(window);                                // a checkpoint has proved good: so is this window
//
// A window's excess is its log loss over that of its own click rate, less one. It may exceed the reference by the
// limit, by three standard errors, and by what five clicks make of a click rate. The first good window sets the
// reference, no better than the limit below the click rate; Confirm moves it, by half of the limit at most. After
// `patience` roll-backs in a row the level is accepted, unless it is worse than twice the click rate's. A limit of
// 0 finds everything good. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_DRIFT_GUARD_H_
#define TANDEM_SRC_ONLINE_DRIFT_GUARD_H_

#include <cstdint>
#include <optional>

namespace tandem {

struct WindowLoss {
  double logloss = 0;
  double unlearned = 0;  // of whoever says the window's click rate of every row
  double error = 0;      // one standard error of their difference
  int64_t rows = 1;
};

class DriftGuard {
 public:
  enum class Verdict { kGood, kRollBack, kAccept };

  DriftGuard(double limit, int patience) : limit_(limit), patience_(patience) {}

  Verdict Check(const WindowLoss& window);
  void Confirm(const WindowLoss& window);
  // The highest log loss with which the window is good.
  double Most(const WindowLoss& window) const;
  // A new base: nothing is known.
  void Reset() { Restore(std::nullopt, 0); }

  // The excess of good windows.
  std::optional<double> reference() const { return reference_; }
  int rollbacks_in_a_row() const { return rollbacks_in_a_row_; }
  void Restore(std::optional<double> reference, int rollbacks_in_a_row);

 private:
  const double limit_;
  const int patience_;
  std::optional<double> reference_;
  int rollbacks_in_a_row_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_DRIFT_GUARD_H_
