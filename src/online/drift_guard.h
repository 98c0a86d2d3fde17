// Tells when a student that learns online has gone wrong: when the window's log loss is further from that of the
// window's own click rate than it was in good windows, by more than a share of the latter, and by more than
// chance.
//
//   DriftGuard guard(/*limit=*/0.1, /*patience=*/5);
//   switch (guard.Check(window)) {                        // whenever the window is full
//     case DriftGuard::Verdict::kRollBack: ...            // to the last good student; the window begins anew
//     case DriftGuard::Verdict::kAccept: ...              // the stream has changed for good: this is the new level
//     case DriftGuard::Verdict::kGood: ...
//   }
//   guard.Confirm(window);                                // a checkpoint has proved good: so is this window
//
// What is compared is the excess, log loss over that of the click rate alone, less one: a stream whose rows become
// rarer clicks, or easier ones, changes both. A window may be worse than the reference by the limit, by three
// standard errors of its excess, and by what five clicks more or less make of a click rate.
//
// The first good window sets the reference, but to no better than the limit below the click rate; Confirm moves
// it towards a window, by half of the limit at most. So one easy user's burst doesn't set the standard. While a
// stream is bad, the student is rolled back once a window, and so held; after `patience` times in a row the level
// is accepted, unless it is worse than twice the click rate's. A limit of 0 finds everything good.
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
