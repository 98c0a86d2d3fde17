// Metrics of scores against labels: AUC, GAUC, log loss, normalised entropy, COPC. Exact: the scores are kept
// and sorted.
//
//   ScoreLog log;
//   log.Add(probability, label, weight, group);
//   const Metrics metrics = ComputeMetrics(log, /*with_groups=*/true);
//   if (metrics.auc.has_value()) { ... }        // undefined (one class only) is nullopt, never 0 or NaN
//
// All of them merge exactly: what is computed of a merged log is what one log of all the rows gives.
//
// Definitions: AUC counts ties one half and weighs a pair by the product of its weights; GAUC is the mean of
// the AUCs of the groups that have both labels, weighted by their rows' weights (Zhou et al. 2018, eq. 8), and
// rows without a group (0) are in none;
// log loss clips probabilities to [1e-15, 1 - 1e-15], far outside of what float32 tells from 0 or 1: a logit
// beyond 17 rounds to the probability 1, and on the wrong side it should be dear, not infinite; COPC is
// clicks over predicted clicks; normalised entropy is log loss over the entropy of the base rate (He et al.
// 2014, eq. 1). All are means over weights; a row of weight 0 changes none. Where a probability isn't one
// (NaN, or outside of [0, 1]) every metric is undefined. Sums are float64: log loss and COPC add in the order
// of the rows, AUC and GAUC in the order of the scores.
#ifndef TANDEM_METRICS_H_
#define TANDEM_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/score_log.h"

namespace tandem {

struct Metrics {
  int64_t rows = 0;
  double positives = 0;  // sum of weights
  std::optional<double> auc, logloss, gauc, copc, normalized_entropy;
  int64_t rows_without_group = 0;  // which GAUC leaves out; 0 where it isn't asked for
};

// `with_groups`: whether the groups mean anything; else GAUC is undefined.
Metrics ComputeMetrics(const ScoreLog& log, bool with_groups);

// {"auc":0.75,"logloss":...,"gauc":null,"copc":...,"normalized_entropy":...}: null where undefined, numbers
// printed so that they read back to the same double. With "rows_without_group" at the end where there are
// such.
std::string MetricsToJson(const Metrics& metrics);

}  // namespace tandem

#endif  // TANDEM_METRICS_H_
