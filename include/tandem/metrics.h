// Metrics of scores against labels: AUC, GAUC, log loss, normalised entropy, COPC. Exact: the scores are kept
// and sorted.
//
//   ScoreLog log;
//   log.Add(probability, label, weight, group);
//   const Metrics metrics = ComputeMetrics(log, /*with_groups=*/true);
//   if (metrics.auc.has_value()) { ... }        // undefined (one class only) is nullopt, never 0 or NaN
//   for (const CalibrationBin& bin : CalibrationBins(log, BinKind::kEqualCount, 10)) { ... }
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
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem {

// Scores of one tower with their labels; 20 bytes a row. Not thread-safe.
class ScoreLog {
 public:
  static constexpr uint64_t kNoGroup = 0;
  // The label is 0 or 1, the weight finite and not negative. `group` is a hash of the group's text; a row
  // without a group passes kNoGroup.
  void Add(float probability, float label, float weight, uint64_t group);
  // Appends the rows of another log.
  void Merge(const ScoreLog& other);
  // The rows whose place in `chosen` (of all rows) is `value`, in their order.
  ScoreLog Where(const std::vector<bool>& chosen, bool value) const;
  void Clear();

  // All rows as bytes, for a checkpoint in the middle of a day: the count as 8 bytes, then column by column
  // (groups, probabilities, labels, weights), little-endian.
  std::string Serialize() const;
  // The log that was serialised, or a ModelError: a size that doesn't fit the count, a label that isn't 0 or
  // 1, a weight that is negative or not finite.
  static absl::StatusOr<ScoreLog> Parse(absl::string_view bytes);

  int64_t rows() const { return static_cast<int64_t>(probabilities_.size()); }

  const std::vector<float>& probabilities() const { return probabilities_; }
  const std::vector<float>& labels() const { return labels_; }
  const std::vector<float>& weights() const { return weights_; }
  const std::vector<uint64_t>& groups() const { return groups_; }

 private:
  std::vector<float> probabilities_, labels_, weights_;
  std::vector<uint64_t> groups_;
};

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

// A bin of the reliability curve: rows of similar predictions, and what became of them.
struct CalibrationBin {
  int64_t rows = 0;
  double weight = 0;                           // sum of the rows' weights, more than 0
  double lowest = 0, highest = 0;              // predictions
  double mean_prediction = 0, click_rate = 0;  // means over weights
};

enum class BinKind {
  kEqualCount,  // about the same number of rows each; rows of one score are never parted
  kEqualWidth,  // [0, 1/n), [1/n, 2/n), ... [(n-1)/n, 1]
};

// At most `bins` bins (>= 1) by ascending prediction; bins without weight are left out. Empty where a
// probability isn't one.
std::vector<CalibrationBin> CalibrationBins(const ScoreLog& log, BinKind kind, int bins);

// [{"rows":577,"weight":577,"lowest":0.01,"highest":0.03,"mean_prediction":0.02,"click_rate":0.025},...]
std::string CalibrationToJson(const std::vector<CalibrationBin>& bins);

// What `evaluate` says of a tower.
struct Evaluation {
  Metrics all;
  // The rows whose group (user) training had seen, and the others; where that is known.
  std::optional<Metrics> seen, unseen;
  std::vector<CalibrationBin> calibration;  // ten of equal count
};

// `seen`: a row each, or empty where it isn't known.
Evaluation Evaluate(const ScoreLog& log, bool with_groups, const std::vector<bool>& seen);

// {"auc":...,...,"seen":{"rows":4711,"auc":...},"unseen":{...},"calibration":[...]}: the metrics of all rows
// first, as MetricsToJson has them.
std::string EvaluationToJson(const Evaluation& evaluation);

}  // namespace tandem

#endif  // TANDEM_METRICS_H_
