#include "src/init/leak.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace tandem {
namespace {

// Rows of the base rate that a rate starts from: a leak needs few to be seen; where readings are compared a value of few
// rows is to say little.
constexpr double kLeakPrior = 1;
constexpr double kPrior = 5;
constexpr double kLeakAuc = 0.99;
constexpr double kLeakExplained = 0.85;
constexpr int64_t kFewestOfAClass = 20;
constexpr int kMostLeakBins = 200;
constexpr int kFewestLeakBins = 10;
constexpr int64_t kRowsALeakBin = 100;
constexpr double kBeyondChance = 3;  // standard errors
constexpr double kPriorOfRare = 20;
constexpr double kHardlyBeyondChance = 1;

double Rate(const ValueCount& total, int half) {
  return (total.positives[half] + 0.5) / (total.rows[half] + 1.0);
}

double SmoothedRate(const ValueCount& count, int half, double base, double prior) {
  return (count.positives[half] + prior * base) / (count.rows[half] + prior);
}

ValueCount Sum(const std::vector<ValueCount>& groups) {
  ValueCount total;
  for (const ValueCount& group : groups) {
    for (const int half : {0, 1}) {
      total.rows[half] += group.rows[half];
      total.positives[half] += group.positives[half];
    }
  }
  return total;
}

double LogLoss(double rate, double positives, double rows) {
  return -(positives * std::log(rate) + (rows - positives) * std::log1p(-rate));
}

// Every group is scored by its rate in the other half. What isn't known of a value all values together say: that there is one
// may tell the label.
OneColumnScore ScoreGroups(const std::vector<ValueCount>& values, const ValueCount& missing) {
  std::vector<ValueCount> groups = values;
  groups.push_back(missing);
  const ValueCount present = Sum(values);
  const ValueCount total = Sum(groups);
  OneColumnScore score;
  double loss = 0, base_loss = 0, ordered = 0;
  double pairs = 0;
  for (const int half : {0, 1}) {
    const double base = Rate(total, 1 - half);
    struct Scored {
      double rate;
      double positives, negatives;
    };
    const double of_present = SmoothedRate(present, 1 - half, base, kLeakPrior);
    std::vector<Scored> scored;
    for (size_t g = 0; g < groups.size(); ++g) {
      const ValueCount& group = groups[g];
      if (group.rows[half] == 0) continue;
      const double rate = SmoothedRate(group, 1 - half, g < values.size() ? of_present : base, kLeakPrior);
      const double positives = group.positives[half], rows = group.rows[half];
      scored.push_back({rate, positives, rows - positives});
      loss += LogLoss(rate, positives, rows);
      base_loss += LogLoss(base, positives, rows);
    }
    std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.rate < b.rate; });
    double negatives_below = 0;
    for (size_t i = 0; i < scored.size();) {
      double positives = 0, negatives = 0;
      for (const double rate = scored[i].rate; i < scored.size() && scored[i].rate == rate; ++i) {
        positives += scored[i].positives;
        negatives += scored[i].negatives;
      }
      ordered += positives * (negatives_below + negatives / 2);
      negatives_below += negatives;
    }
    pairs += static_cast<double>(total.positives[half]) * (total.rows[half] - total.positives[half]);
    score.positives += total.positives[half];
    score.negatives += total.rows[half] - total.positives[half];
  }
  if (pairs > 0) score.auc = ordered / pairs;
  if (base_loss > 0) score.explained = 1 - loss / base_loss;
  return score;
}

// Edges of bins of equal numbers of rows.
std::vector<double> Edges(const std::vector<SampledNumber>& sample, int bins) {
  std::vector<double> values;
  for (const SampledNumber& number : sample) values.push_back(number.value);
  std::sort(values.begin(), values.end());
  std::vector<double> edges;
  for (int i = 1; i < bins && !values.empty(); ++i) {
    const double edge = values[values.size() * i / bins];
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  return edges;
}

size_t BinOf(const std::vector<double>& edges, double value) {
  return std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
}

void AddTo(ValueCount* count, const SampledNumber& number) {
  ++count->rows[number.half];
  count->positives[number.half] += number.positive ? 1 : 0;
}

}  // namespace

OneColumnScore ScoreValues(const ColumnProfile& column) {
  std::vector<ValueCount> groups;
  for (const auto& [hash, count] : column.values.sorted()) groups.push_back(count);
  // Of a sample of the values the missing rows would be too many.
  return ScoreGroups(groups, column.values.exact() ? column.missing : ValueCount());
}

OneColumnScore ScoreBins(const ColumnProfile& column, int bins) {
  const std::vector<double> edges = Edges(column.sample, bins);
  std::vector<ValueCount> groups(edges.size() + 1);
  for (const SampledNumber& number : column.sample) AddTo(&groups[BinOf(edges, number.value)], number);
  return ScoreGroups(
      groups, static_cast<int64_t>(column.sample.size()) == column.numbers ? column.missing : ValueCount());
}

OneColumnScore ScoreColumn(const ColumnProfile& column) {
  const OneColumnScore values = ScoreValues(column);
  if (column.numbers == 0 || 2 * column.numbers < column.present()) return values;
  const auto count = static_cast<int64_t>(column.sample.size()) / kRowsALeakBin;
  const OneColumnScore bins =
      ScoreBins(column, static_cast<int>(std::clamp<int64_t>(count, kFewestLeakBins, kMostLeakBins)));
  return bins.explained > values.explained ? bins : values;
}

bool IsLeakLike(const OneColumnScore& score) {
  return score.auc >= kLeakAuc && score.explained >= kLeakExplained && score.positives >= kFewestOfAClass &&
         score.negatives >= kFewestOfAClass;
}

bool TellsNothing(const ColumnProfile& column) {
  ValueCount total;
  const auto values = column.values.sorted();
  for (const auto& [hash, count] : values) {
    for (const int half : {0, 1}) {
      total.rows[half] += count.rows[half];
      total.positives[half] += count.positives[half];
    }
  }
  double gain = 0, squares = 0;
  for (const auto& [hash, count] : values) {
    for (const int half : {0, 1}) {
      const double base = Rate(total, 1 - half);
      const double rate = SmoothedRate(count, 1 - half, base, kPriorOfRare);
      const double better = LogLoss(base, count.positives[half], count.rows[half]) -
                            LogLoss(rate, count.positives[half], count.rows[half]);
      gain += better;
      squares += better * better;
    }
  }
  return gain < kHardlyBeyondChance * std::sqrt(squares);
}

OrderOrValues CompareOrderAndValues(const ColumnProfile& column, int bins) {
  const std::vector<double> edges = Edges(column.sample, bins);
  std::vector<ValueCount> by_bin(edges.size() + 1);
  std::map<double, ValueCount> by_value;
  ValueCount total;
  for (const SampledNumber& number : column.sample) {
    AddTo(&by_bin[BinOf(edges, number.value)], number);
    AddTo(&by_value[number.value], number);
    AddTo(&total, number);
  }
  double base_loss = 0, order_loss = 0, gain = 0, squares = 0;
  for (const SampledNumber& number : column.sample) {
    const int other = 1 - number.half;
    const double positive = number.positive ? 1 : 0;
    const double base = Rate(total, other);
    const double by_order = SmoothedRate(by_bin[BinOf(edges, number.value)], other, base, kPrior);
    const double by_itself = SmoothedRate(by_value[number.value], other, by_order, kPrior);
    base_loss += LogLoss(base, positive, 1);
    order_loss += LogLoss(by_order, positive, 1);
    const double better = LogLoss(by_order, positive, 1) - LogLoss(by_itself, positive, 1);
    gain += better;
    squares += better * better;
  }
  const auto n = static_cast<double>(column.sample.size());
  OrderOrValues result;
  if (n < 2 || base_loss <= 0) return result;
  result.by_order = 1 - order_loss / base_loss;
  result.by_values = result.by_order + gain / base_loss;
  result.values_better = gain > kBeyondChance * std::sqrt(std::max(0.0, squares - gain * gain / n));
  return result;
}

}  // namespace tandem
