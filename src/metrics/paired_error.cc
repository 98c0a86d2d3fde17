#include "src/metrics/paired_error.h"

#include <cmath>
#include <vector>

#include "src/metrics/log_loss.h"
#include "src/metrics/rank.h"

namespace tandem {
namespace {

struct Classes {
  double clicks = 0, others = 0;  // weights
};

Classes WeightsOf(const ScoreLog& log) {
  Classes weights;
  for (int64_t row = 0; row < log.rows(); ++row)
    (log.labels()[row] > 0.5f ? weights.clicks : weights.others) += log.weights()[row];
  return weights;
}

// By row: of a click the share of the others below it, of another row the share of the clicks above it; ties
// count one half.
std::vector<double> Placements(const ScoreLog& log, const Classes& weights) {
  const std::vector<Ranked> ranked = Rank(log, /*by_group=*/false);
  std::vector<double> placements(ranked.size());
  double clicks_below = 0, others_below = 0;
  for (size_t begin = 0, end = 0; begin < ranked.size(); begin = end) {
    double clicks = 0, others = 0;
    for (end = begin; end < ranked.size() && ranked[end].score() == ranked[begin].score(); ++end) {
      const uint32_t row = ranked[end].row();
      (log.labels()[row] > 0.5f ? clicks : others) += log.weights()[row];
    }
    for (size_t i = begin; i < end; ++i) {
      const uint32_t row = ranked[i].row();
      placements[row] = log.labels()[row] > 0.5f
                            ? (others_below + others / 2) / weights.others
                            : (weights.clicks - clicks_below - clicks / 2) / weights.clicks;
    }
    clicks_below += clicks;
    others_below += others;
  }
  return placements;
}

// Of the mean of the rows' values.
double VarianceOfMean(const ScoreLog& log, const std::vector<double>& values, bool of_clicks,
                      double weights) {
  double sum = 0, squares = 0;
  for (int64_t row = 0; row < log.rows(); ++row)
    if ((log.labels()[row] > 0.5f) == of_clicks) sum += log.weights()[row] * values[row];
  const double mean = sum / weights;
  for (int64_t row = 0; row < log.rows(); ++row) {
    if ((log.labels()[row] > 0.5f) != of_clicks) continue;
    const double part = log.weights()[row] * (values[row] - mean);
    squares += part * part;
  }
  return squares / (weights * weights);
}

bool SameRows(const ScoreLog& a, const ScoreLog& b) {
  return a.labels() == b.labels() && a.weights() == b.weights();
}

}  // namespace

std::optional<double> AucError(const ScoreLog& a, const ScoreLog* b) {
  const Classes weights = WeightsOf(a);
  if (weights.clicks <= 0 || weights.others <= 0 || !AllAreProbabilities(a)) return std::nullopt;
  std::vector<double> placements = Placements(a, weights);
  if (b != nullptr) {
    if (!SameRows(a, *b) || !AllAreProbabilities(*b)) return std::nullopt;
    const std::vector<double> others = Placements(*b, weights);
    for (size_t row = 0; row < placements.size(); ++row) placements[row] -= others[row];
  }
  return std::sqrt(VarianceOfMean(a, placements, true, weights.clicks) +
                   VarianceOfMean(a, placements, false, weights.others));
}

std::optional<double> LogLossError(const ScoreLog& a, const ScoreLog& b) {
  if (!SameRows(a, b) || !AllAreProbabilities(a) || !AllAreProbabilities(b)) return std::nullopt;
  const auto loss = [](const ScoreLog& log, int64_t row) {
    return LogLossOf(log.probabilities()[row], log.labels()[row] > 0.5f);
  };
  double weights = 0, sum = 0, squares = 0;
  for (int64_t row = 0; row < a.rows(); ++row) {
    weights += a.weights()[row];
    sum += a.weights()[row] * (loss(a, row) - loss(b, row));
  }
  if (weights <= 0) return std::nullopt;
  for (int64_t row = 0; row < a.rows(); ++row) {
    const double part = a.weights()[row] * (loss(a, row) - loss(b, row) - sum / weights);
    squares += part * part;
  }
  return std::sqrt(squares) / weights;
}

}  // namespace tandem
