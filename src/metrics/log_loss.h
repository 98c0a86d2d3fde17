// The log loss of a row: what its mean, the error of that, and the comparison of two models are made of.
//
//   LogLossOf(0.25, /*click=*/true);      // 1.386
//
// Probabilities are clipped to [1e-15, 1 - 1e-15] (tandem/metrics.h says why).
#ifndef TANDEM_SRC_METRICS_LOG_LOSS_H_
#define TANDEM_SRC_METRICS_LOG_LOSS_H_

#include <algorithm>
#include <cmath>

namespace tandem {

inline double ClippedProbability(double probability) {
  constexpr double kLeast = 1e-15;
  return std::clamp(probability, kLeast, 1 - kLeast);
}

inline double LogLossOf(double probability, bool click) {
  const double p = ClippedProbability(probability);
  return click ? -std::log(p) : -std::log1p(-p);
}

}  // namespace tandem

#endif  // TANDEM_SRC_METRICS_LOG_LOSS_H_
