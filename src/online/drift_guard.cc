#include "src/online/drift_guard.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr double kErrors = 3, kClicks = 5;

double ExcessOf(const WindowLoss& window) {
  return window.unlearned > 0 ? window.logloss / window.unlearned - 1 : 0;
}

}  // namespace

double DriftGuard::Most(const WindowLoss& window) const {
  return window.unlearned * (1 + reference_.value_or(0) + limit_) + kErrors * window.error +
         kClicks / static_cast<double>(window.rows);
}

DriftGuard::Verdict DriftGuard::Check(const WindowLoss& window) {
  // A log loss that isn't a number is worse than any.
  if (limit_ == 0 || window.logloss <= Most(window)) {
    if (!reference_.has_value()) reference_ = std::max(ExcessOf(window), -limit_);
    return Verdict::kGood;
  }
  // No stream is so new that a student that has learned from it is twice as bad as its click rate: that is
  // divergence.
  if (rollbacks_in_a_row_ < patience_ || !(window.logloss <= 2 * window.unlearned)) {
    rollbacks_in_a_row_ = std::min(rollbacks_in_a_row_ + 1, patience_);
    return Verdict::kRollBack;
  }
  reference_ = ExcessOf(window);
  rollbacks_in_a_row_ = 0;
  return Verdict::kAccept;
}

void DriftGuard::Confirm(const WindowLoss& window) {
  const double excess = ExcessOf(window), before = reference_.value_or(std::max(excess, -limit_));
  reference_ = before + std::clamp(excess - before, -limit_ / 2, limit_ / 2);
  rollbacks_in_a_row_ = 0;
}

void DriftGuard::Restore(std::optional<double> reference, int rollbacks_in_a_row) {
  reference_ = reference;
  rollbacks_in_a_row_ = rollbacks_in_a_row;
}

}  // namespace tandem
