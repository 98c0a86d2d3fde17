// How sure a difference of two models on the same rows is: one standard error of it.
//
//   const std::optional<double> error = AucError(candidate, &in_place);     // of the difference of the AUCs
//   if (loss > limit + 2 * error.value_or(0)) ...
//
// AUC by DeLong, DeLong & Clarke-Pearson (1988): every click has the share of the others that it is above,
// every other the share of the clicks that are above it, and the AUC's variance is the sum of the variances
// of the two means. With weights a row counts as much in each mean. Not set where an AUC is undefined, or the
// logs aren't of the same rows.
#ifndef TANDEM_SRC_METRICS_PAIRED_ERROR_H_
#define TANDEM_SRC_METRICS_PAIRED_ERROR_H_

#include <optional>

#include "tandem/metrics.h"

namespace tandem {

// Of the AUC of `a`, or, with `b`, of its difference to that of `b`.
std::optional<double> AucError(const ScoreLog& a, const ScoreLog* b = nullptr);
// Of the difference of the log losses.
std::optional<double> LogLossError(const ScoreLog& a, const ScoreLog& b);

}  // namespace tandem

#endif  // TANDEM_SRC_METRICS_PAIRED_ERROR_H_
