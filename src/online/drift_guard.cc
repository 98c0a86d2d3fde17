#include "src/online/drift_guard.h"

#include <algorithm>

namespace tandem {

DriftGuard::Verdict DriftGuard::Check(double logloss, double unlearned) {
  // A log loss that isn't a number is worse than any.
  if (limit_ == 0 || logloss <= reference_.value_or(unlearned) * (1 + limit_)) {
    reference_ = std::min(reference_.value_or(logloss), logloss);
    return Verdict::kGood;
  }
  // No stream is so new that a student that has learned from it is twice as bad as its click rate: that is
  // divergence.
  if (rollbacks_in_a_row_ < patience_ || !(logloss <= 2 * unlearned)) {
    rollbacks_in_a_row_ = std::min(rollbacks_in_a_row_ + 1, patience_);
    return Verdict::kRollBack;
  }
  Confirm(logloss);
  return Verdict::kAccept;
}

void DriftGuard::Confirm(double logloss) {
  reference_ = logloss;
  rollbacks_in_a_row_ = 0;
}

void DriftGuard::Restore(std::optional<double> reference, int rollbacks_in_a_row) {
  reference_ = reference;
  rollbacks_in_a_row_ = rollbacks_in_a_row;
}

}  // namespace tandem
