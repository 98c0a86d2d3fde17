// Means over seeds, and the share of a gap that is closed.
#include <algorithm>
#include <cmath>

#include "src/compare/comparison.h"

namespace tandem {
namespace {

// A gap is one where the teacher is ahead by so many deviations of the difference.
constexpr double kGapDeviations = 3;
// Of one seed, which has no deviation: in AUC.
constexpr double kLeastGapOfOneSeed = 0.002;

std::optional<double> MeanOfMembers(const CompareCell& cell, MetricMember metric) {
  std::vector<std::optional<double>> values;
  for (const CompareTower& member : cell.members) values.push_back(member.metrics.all.*metric);
  const std::optional<MeanOverSeeds> mean = MeanOf(values);
  if (!mean.has_value()) return std::nullopt;
  return mean->mean;
}

std::optional<CompareTower> BestMember(const CompareCell& cell) {
  const auto best =
      std::max_element(cell.members.begin(), cell.members.end(),
                       [](const auto& a, const auto& b) { return a.metrics.all.auc < b.metrics.all.auc; });
  if (best == cell.members.end()) return std::nullopt;
  return *best;
}

}  // namespace

std::optional<MeanOverSeeds> MeanOf(const std::vector<std::optional<double>>& values) {
  if (values.empty()) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const std::optional<double>& value : values) {
    if (!value.has_value()) return std::nullopt;
    sum += *value;
  }
  MeanOverSeeds result;
  result.mean = sum / n;
  if (values.size() > 1) {
    double squares = 0;
    for (const std::optional<double>& value : values)
      squares += (*value - result.mean) * (*value - result.mean);
    result.deviation = std::sqrt(squares / (n - 1));
  }
  return result;
}

std::vector<std::optional<double>> ValuesOf(const CompareRow& row, TowerKind tower, MetricMember metric) {
  const auto value_of = [&](const std::optional<CompareTower>& of) {
    return of.has_value() ? of->metrics.all.*metric : std::nullopt;
  };
  std::vector<std::optional<double>> values;
  for (const CompareCell& cell : row.cells) {
    switch (tower) {
      case TowerKind::kTeacher:
        values.push_back(value_of(cell.teacher));
        break;
      case TowerKind::kStudent:
        values.push_back(value_of(cell.student));
        break;
      case TowerKind::kServed:
        values.push_back(value_of(cell.served));
        break;
      case TowerKind::kMembers:
        values.push_back(MeanOfMembers(cell, metric));
        break;
      case TowerKind::kBestMember:
        values.push_back(value_of(BestMember(cell)));
        break;
    }
  }
  return values;
}

std::vector<std::optional<double>> Differences(const std::vector<std::optional<double>>& a,
                                               const std::vector<std::optional<double>>& b) {
  std::vector<std::optional<double>> differences(std::min(a.size(), b.size()));
  for (size_t i = 0; i < differences.size(); ++i) {
    if (a[i].has_value() && b[i].has_value()) differences[i] = *a[i] - *b[i];
  }
  return differences;
}

GapClosed GapClosedOf(const std::vector<std::optional<double>>& student,
                      const std::vector<std::optional<double>>& student_alone,
                      const std::vector<std::optional<double>>& teacher) {
  const std::vector<std::optional<double>> gained = Differences(student, student_alone);
  const std::vector<std::optional<double>> gaps = Differences(teacher, student_alone);
  const std::optional<MeanOverSeeds> gain = MeanOf(gained), gap = MeanOf(gaps);
  GapClosed result;
  if (!gain.has_value() || !gap.has_value()) return result;
  const double least = gap->deviation.has_value() ? kGapDeviations * *gap->deviation : kLeastGapOfOneSeed;
  if (gap->mean <= 0 || gap->mean < least) {
    result.kind = GapClosed::kNoGap;
    return result;
  }
  result.kind = GapClosed::kDefined;
  result.share = gain->mean / gap->mean;
  std::vector<std::optional<double>> rest;
  for (size_t i = 0; i < gained.size(); ++i) rest.emplace_back(*gained[i] - result.share * *gaps[i]);
  if (const std::optional<double> deviation = MeanOf(rest)->deviation) {
    result.error = *deviation / (std::sqrt(static_cast<double>(rest.size())) * gap->mean);
  }
  return result;
}

GapClosed GapClosedBy(const Comparison& comparison, const CompareRow& row) {
  return GapClosedOf(ValuesOf(row, TowerKind::kStudent, &Metrics::auc),
                     ValuesOf(comparison.rows[row.alone], TowerKind::kStudent, &Metrics::auc),
                     ValuesOf(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher, &Metrics::auc));
}

std::vector<std::optional<bool>> TeacherIsIdentical(const Comparison& comparison, const CompareRow& row) {
  const CompareRow& alone = comparison.rows[comparison.teacher_alone];
  std::vector<std::optional<bool>> identical(row.cells.size());
  for (size_t i = 0; i < row.cells.size(); ++i) {
    if (row.cells[i].teacher.has_value() && !row.other_teacher)
      identical[i] = row.cells[i].teacher_checksum == alone.cells[i].teacher_checksum;
  }
  return identical;
}

}  // namespace tandem
