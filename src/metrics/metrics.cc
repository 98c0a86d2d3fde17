#include "tandem/metrics.h"

#include <algorithm>
#include <cmath>

#include "src/metrics/log_loss.h"
#include "src/metrics/rank.h"

namespace tandem {
namespace {

// AUC of the rows [begin, end), sorted by score; undefined unless both labels have weight. `total`: their
// weight.
std::optional<double> AreaUnderCurve(const ScoreLog& log, const Ranked* begin, const Ranked* end,
                                     double* total) {
  double positives = 0, negatives = 0, ordered = 0;
  while (begin != end) {
    const uint32_t score = begin->score();
    double tied_positives = 0, tied_negatives = 0;
    for (; begin != end && begin->score() == score; ++begin) {
      const double weight = log.weights()[begin->row()];
      (log.labels()[begin->row()] > 0.5f ? tied_positives : tied_negatives) += weight;
    }
    ordered += tied_positives * (negatives + 0.5 * tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  *total = positives + negatives;
  if (positives <= 0 || negatives <= 0) return std::nullopt;
  return ordered / (positives * negatives);
}

std::optional<double> Auc(const ScoreLog& log) {
  const std::vector<Ranked> ranked = Rank(log, /*by_group=*/false);
  double total;
  return AreaUnderCurve(log, ranked.data(), ranked.data() + ranked.size(), &total);
}

std::optional<double> GroupedAuc(const ScoreLog& log) {
  const std::vector<Ranked> ranked = Rank(log, /*by_group=*/true);
  const Ranked* const end = ranked.data() + ranked.size();
  double sum = 0, weights = 0;
  for (const Ranked* begin = ranked.data(); begin != end;) {
    const Ranked* const next =
        std::find_if(begin, end, [begin](const Ranked& row) { return row.group != begin->group; });
    double weight;
    const std::optional<double> auc =
        begin->group == ScoreLog::kNoGroup ? std::nullopt : AreaUnderCurve(log, begin, next, &weight);
    if (auc.has_value()) {
      sum += weight * *auc;
      weights += weight;
    }
    begin = next;
  }
  if (weights <= 0) return std::nullopt;
  return sum / weights;
}

double Entropy(double probability) {
  return -probability * std::log(probability) - (1 - probability) * std::log1p(-probability);
}

void ComputeMeans(const ScoreLog& log, Metrics* metrics) {
  double weights = 0, predicted = 0, loss = 0;
  for (int64_t row = 0; row < log.rows(); ++row) {
    const double weight = log.weights()[row];
    const double probability = log.probabilities()[row];
    weights += weight;
    predicted += weight * probability;
    loss += weight * LogLossOf(probability, log.labels()[row] > 0.5f);
  }
  if (weights <= 0) return;
  metrics->logloss = loss / weights;
  if (predicted > 0) metrics->copc = metrics->positives / predicted;
  const double base_rate = metrics->positives / weights;
  if (base_rate > 0 && base_rate < 1) metrics->normalized_entropy = *metrics->logloss / Entropy(base_rate);
}

}  // namespace

Metrics ComputeMetrics(const ScoreLog& log, bool with_groups) {
  Metrics metrics;
  metrics.rows = log.rows();
  for (int64_t row = 0; row < log.rows(); ++row) {
    if (log.labels()[row] > 0.5f) metrics.positives += log.weights()[row];
  }
  if (with_groups)
    metrics.rows_without_group = std::count(log.groups().begin(), log.groups().end(), ScoreLog::kNoGroup);
  if (!AllAreProbabilities(log)) return metrics;
  metrics.auc = Auc(log);
  if (with_groups) metrics.gauc = GroupedAuc(log);
  ComputeMeans(log, &metrics);
  return metrics;
}

}  // namespace tandem
