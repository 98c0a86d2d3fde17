// Tells when a student that learns online has gone wrong: when the log loss of the window is worse than that
// of the last good window by more than a share of it.
//
//   DriftGuard guard(/*limit=*/0.1, /*patience=*/5);
//   switch (guard.Check(window.LogLoss(), window.LabelEntropy())) {   // whenever the window is full
//     case DriftGuard::Verdict::kRollBack: ...          // to the last good student; the window begins anew
//     case DriftGuard::Verdict::kAccept: ...            // the stream has changed for good: this is the new level
//     case DriftGuard::Verdict::kGood: ...
//   }
//   guard.Confirm(window.LogLoss());              // a checkpoint has proved good: this is the last good window
//
// The first window sets the reference, where it is no worse than `unlearned`, what the click rate alone
// gives, by the same share; a better one lowers it; Confirm sets it. While a stream is bad, the student is
// rolled back once a window, and so held; after `patience` times in a row the level is accepted, unless it is
// worse than twice `unlearned`. A limit of 0 finds everything good.
#ifndef TANDEM_SRC_ONLINE_DRIFT_GUARD_H_
#define TANDEM_SRC_ONLINE_DRIFT_GUARD_H_

#include <optional>

namespace tandem {

class DriftGuard {
 public:
  enum class Verdict { kGood, kRollBack, kAccept };

  DriftGuard(double limit, int patience) : limit_(limit), patience_(patience) {}

  Verdict Check(double logloss, double unlearned);
  void Confirm(double logloss);
  // A new base: nothing is known.
  void Reset() { Restore(std::nullopt, 0); }

  // Log loss of the last good window.
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
