// Calibration bins against their definitions, and metrics of merged logs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "tandem/evaluation.h"
#include "tandem/random.h"

namespace tandem {
namespace {

struct Row {
  float probability, label, weight;
  uint64_t group;
};

// Scores with ties, weights of 0 among others, in few groups.
std::vector<Row> RandomRows(uint64_t seed, int rows) {
  const Random random(seed, RandomPurpose::kSynthetic, {});
  std::vector<Row> result;
  for (int i = 0; i < rows; ++i) {
    const float score = std::round(random.Uniform(4 * i) * 40) / 40;
    result.push_back({score, random.Uniform(4 * i + 1) < score ? 1.0f : 0.0f,
                      static_cast<float>(random.Bits(4 * i + 2) % 4) / 2, random.Bits(4 * i + 3) % 9});
  }
  return result;
}

ScoreLog Log(const std::vector<Row>& rows) {
  ScoreLog log;
  for (const Row& row : rows) log.Add(row.probability, row.label, row.weight, row.group);
  return log;
}

// A bin by its definition: the rows that `holds` chooses.
template <typename Holds>
CalibrationBin BinByHand(const std::vector<Row>& rows, const Holds& holds) {
  CalibrationBin bin;
  double predicted = 0, clicks = 0;
  bin.lowest = 2;
  for (const Row& row : rows) {
    if (!holds(row.probability)) continue;
    ++bin.rows;
    bin.weight += row.weight;
    predicted += static_cast<double>(row.weight) * row.probability;
    clicks += row.weight * row.label;
    bin.lowest = std::min<double>(bin.lowest, row.probability);
    bin.highest = std::max<double>(bin.highest, row.probability);
  }
  bin.mean_prediction = predicted / bin.weight;
  bin.click_rate = clicks / bin.weight;
  return bin;
}

void ExpectNear(const CalibrationBin& expected, const CalibrationBin& actual) {
  EXPECT_EQ(expected.rows, actual.rows);
  EXPECT_EQ(expected.weight, actual.weight);
  EXPECT_EQ(expected.lowest, actual.lowest);
  EXPECT_EQ(expected.highest, actual.highest);
  EXPECT_NEAR(expected.mean_prediction, actual.mean_prediction, 1e-12);
  EXPECT_NEAR(expected.click_rate, actual.click_rate, 1e-12);
}

TEST(CalibrationBins, OfEqualWidthHoldTheirIntervals) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Row> rows = RandomRows(seed, 150);
    for (const int bins : {1, 4, 10}) {
      std::vector<CalibrationBin> expected;
      for (int b = 0; b < bins; ++b) {
        const CalibrationBin bin = BinByHand(
            rows, [&](double p) { return p * bins >= b && (p * bins < b + 1 || (b == bins - 1 && p == 1)); });
        if (bin.weight > 0) expected.push_back(bin);
      }
      const std::vector<CalibrationBin> actual = CalibrationBins(Log(rows), BinKind::kEqualWidth, bins);
      ASSERT_EQ(expected.size(), actual.size()) << "seed " << seed << ", " << bins << " bins";
      for (size_t b = 0; b < expected.size(); ++b) ExpectNear(expected[b], actual[b]);
    }
  }
}

TEST(CalibrationBins, OfEqualCountPartitionTheRowsByScore) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<Row> rows = RandomRows(seed, 150);
    for (Row& row : rows) row.weight += 1;  // no bin is left out
    for (const int bins : {1, 3, 10, 200}) {
      const std::vector<CalibrationBin> actual = CalibrationBins(Log(rows), BinKind::kEqualCount, bins);
      int64_t total = 0;
      double above = -1;
      for (const CalibrationBin& bin : actual) {
        EXPECT_GT(bin.lowest, above) << "tied rows were parted";
        ExpectNear(BinByHand(rows, [&](double p) { return p >= bin.lowest && p <= bin.highest; }), bin);
        above = bin.highest;
        total += bin.rows;
      }
      EXPECT_EQ(150, total);
    }
  }
}

TEST(CalibrationBins, OfEqualCountAreOfEqualCountWithoutTies) {
  ScoreLog log;
  for (int i = 0; i < 103; ++i) log.Add((i * 37 % 103) / 103.0f, i % 2, 1, 0);
  for (const CalibrationBin& bin : CalibrationBins(log, BinKind::kEqualCount, 10)) {
    EXPECT_GE(bin.rows, 10);
    EXPECT_LE(bin.rows, 11);
  }
}

TEST(CalibrationBins, ThereAreNoneOfNothing) {
  EXPECT_TRUE(CalibrationBins(ScoreLog(), BinKind::kEqualCount, 10).empty());
  EXPECT_TRUE(CalibrationBins(Log({{0.5f, 1, 0, 0}}), BinKind::kEqualWidth, 10).empty()) << "no weight";
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(CalibrationBins(Log({{0.5f, 1, 1, 0}, {nan, 1, 1, 0}}), BinKind::kEqualCount, 10).empty());
}

TEST(Evaluation, MergedLogsGiveWhatOneLogOfAllRowsGives) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Row> rows = RandomRows(seed, 200);
    const auto cut = rows.begin() + static_cast<int64_t>(seed) * 10;
    ScoreLog merged = Log({rows.begin(), cut});
    merged.Merge(Log({cut, rows.end()}));
    EXPECT_EQ(EvaluationToJson(Evaluate(Log(rows), true, {})), EvaluationToJson(Evaluate(merged, true, {})));
  }
}

TEST(Evaluation, SeenAndUnseenRowsArePartsOfAll) {
  const std::vector<Row> rows = RandomRows(3, 200);
  std::vector<Row> parts[2];
  std::vector<bool> seen;
  for (const Row& row : rows) {
    seen.push_back(row.group < 4);
    parts[row.group < 4].push_back(row);
  }
  const Evaluation evaluation = Evaluate(Log(rows), true, seen);
  EXPECT_EQ(MetricsToJson(ComputeMetrics(Log(parts[1]), true)), MetricsToJson(evaluation.seen.value()));
  EXPECT_EQ(MetricsToJson(ComputeMetrics(Log(parts[0]), true)), MetricsToJson(evaluation.unseen.value()));
  EXPECT_EQ(evaluation.all.rows, evaluation.seen->rows + evaluation.unseen->rows);

  const nlohmann::json json = nlohmann::json::parse(EvaluationToJson(evaluation));
  EXPECT_EQ(*evaluation.all.auc, json["auc"].get<double>());
  EXPECT_EQ(*evaluation.seen->auc, json["seen"]["auc"].get<double>());
  EXPECT_EQ(evaluation.unseen->rows, json["unseen"]["rows"].get<int64_t>());
  ASSERT_EQ(evaluation.calibration.size(), json["calibration"].size());
  EXPECT_EQ(evaluation.calibration[2].click_rate, json["calibration"][2]["click_rate"].get<double>());
}

TEST(Evaluation, WithoutKnowledgeOfUsersThereAreNoParts) {
  const std::string json = EvaluationToJson(Evaluate(Log(RandomRows(4, 50)), true, {}));
  EXPECT_EQ(std::string::npos, json.find("seen"));
}

}  // namespace
}  // namespace tandem
