// Metrics of scores against labels: AUC, GAUC, log loss, normalised entropy, COPC. Exact: the scores are kept and sorted.
//
//   ScoreLog log;
//   log.Add(probability, label, weight, group);
//   Metrics m = ComputeMetrics(log);
//   if (m.auc) ...                                     // undefined (one class only) is nullopt, never 0 or NaN
//
// Definitions: AUC counts ties one half and weighs a pair by the product of its weights; GAUC is the mean of the AUCs of the groups
// that have both labels, weighted by their rows' weights (Zhou et al. 2018, eq. 8); log loss clips nothing (a probability of exactly 0
// or 1 on the wrong side is infinite, and so undefined); COPC is clicks over predicted clicks; normalised entropy is log loss
// over the entropy of the base rate (He et al. 2014, eq. 1). Sums are float64, in the order added.
#ifndef TANDEM_METRICS_H_
#define TANDEM_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

// Scores of one tower with their labels; 20 bytes a row. Not thread-safe.
class ScoreLog {
 public:
  // `group` is a hash of the group's text; logs without groups pass 0 and get no GAUC.
  void Add(float probability, float label, float weight, uint64_t group);
  // Appends the other's rows.
  void Merge(const ScoreLog& other);
  void Clear();
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
  double positives = 0;  // weighted
  std::optional<double> auc, logloss, gauc, copc, normalized_entropy;
};

// `with_groups`: whether the groups mean anything; else GAUC is undefined.
Metrics ComputeMetrics(const ScoreLog& log, bool with_groups);

// {"auc":0.75,"logloss":...,"gauc":null,...}, numbers printed so that they read back to the same double.
std::string MetricsToJson(const Metrics& metrics);

}  // namespace tandem

#endif  // TANDEM_METRICS_H_
