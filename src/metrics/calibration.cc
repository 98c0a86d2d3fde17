// Calibration: bins of rows by predicted probability, and what was clicked in each (tandem/metrics.h).
#include <glog/logging.h>

#include <algorithm>

#include "src/metrics/rank.h"
#include "tandem/evaluation.h"

namespace tandem {
namespace {

constexpr int kCalibrationBins = 10;

CalibrationBin BinOf(const ScoreLog& log, const Ranked* begin, const Ranked* end) {
  CalibrationBin bin;
  double predicted = 0, clicks = 0;
  for (const Ranked* row = begin; row != end; ++row) {
    const double weight = log.weights()[row->row()];
    bin.weight += weight;
    predicted += weight * log.probabilities()[row->row()];
    if (log.labels()[row->row()] > 0.5f) clicks += weight;
  }
  if (bin.weight <= 0) return bin;
  bin.rows = end - begin;
  bin.lowest = log.probabilities()[begin->row()];
  bin.highest = log.probabilities()[(end - 1)->row()];
  bin.mean_prediction = predicted / bin.weight;
  bin.click_rate = clicks / bin.weight;
  return bin;
}

}  // namespace

std::vector<CalibrationBin> CalibrationBins(const ScoreLog& log, BinKind kind, int bins) {
  CHECK_GE(bins, 1);
  std::vector<CalibrationBin> result;
  if (log.rows() == 0 || !AllAreProbabilities(log)) return result;
  const std::vector<Ranked> ranked = Rank(log, /*by_group=*/false);
  const Ranked* const all_begin = ranked.data();
  const Ranked* const all_end = all_begin + ranked.size();
  const Ranked* begin = all_begin;
  for (int b = 1; b <= bins; ++b) {
    const Ranked* end = all_end;
    if (kind == BinKind::kEqualWidth && b < bins) {
      end = std::partition_point(begin, all_end, [&](const Ranked& row) {
        return static_cast<double>(log.probabilities()[row.row()]) * bins < b;
      });
    } else if (kind == BinKind::kEqualCount && b < bins) {
      end = std::max(begin, all_begin + static_cast<int64_t>(ranked.size()) * b / bins);
      // The rest of the rows that are tied with the last one.
      while (end != begin && end != all_end && end->score() == (end - 1)->score()) ++end;
    }
    const CalibrationBin bin = BinOf(log, begin, end);
    if (bin.weight > 0) result.push_back(bin);
    begin = end;
  }
  return result;
}

Evaluation Evaluate(const ScoreLog& log, bool with_groups, const std::vector<bool>& seen) {
  Evaluation evaluation;
  evaluation.all = ComputeMetrics(log, with_groups);
  if (!seen.empty()) {
    evaluation.seen = ComputeMetrics(log.Where(seen, true), with_groups);
    evaluation.unseen = ComputeMetrics(log.Where(seen, false), with_groups);
  }
  evaluation.calibration = CalibrationBins(log, BinKind::kEqualCount, kCalibrationBins);
  return evaluation;
}

}  // namespace tandem
