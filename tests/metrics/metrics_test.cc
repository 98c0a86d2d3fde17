// AUC, GAUC, log loss and COPC against their definitions.
#include "tandem/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tandem/random.h"

namespace tandem {
namespace {

struct Row {
  float probability, label, weight;
  uint64_t group;
};

// Scores with many ties, in few groups, some of them with one label only.
std::vector<Row> RandomRows(uint64_t seed, int rows, bool weighted) {
  const Random random(seed, RandomPurpose::kSynthetic, {});
  std::vector<Row> result;
  for (int i = 0; i < rows; ++i) {
    const float score = std::floor(random.Uniform(4 * i) * 12) / 12;
    result.push_back({score, random.Uniform(4 * i + 1) < 0.3f + 0.4f * score ? 1.0f : 0.0f,
                      weighted ? static_cast<float>(random.Bits(4 * i + 2) % 4) : 1.0f,
                      1 + random.Bits(4 * i + 3) % 9});
  }
  return result;
}

ScoreLog Log(const std::vector<Row>& rows) {
  ScoreLog log;
  for (const Row& row : rows) log.Add(row.probability, row.label, row.weight, row.group);
  return log;
}

Metrics Compute(const std::vector<Row>& rows) { return ComputeMetrics(Log(rows), /*with_groups=*/true); }

// The definition: every pair of a positive and a negative, ties one half.
std::optional<double> PairwiseAuc(const std::vector<Row>& rows) {
  double ordered = 0, pairs = 0;
  for (const Row& positive : rows) {
    for (const Row& negative : rows) {
      if (positive.label != 1 || negative.label != 0) continue;
      const double weight = static_cast<double>(positive.weight) * negative.weight;
      const double order = positive.probability > negative.probability    ? 1
                           : positive.probability == negative.probability ? 0.5
                                                                          : 0;
      ordered += weight * order;
      pairs += weight;
    }
  }
  if (pairs == 0) return std::nullopt;
  return ordered / pairs;
}

TEST(Auc, EqualsItsDefinitionOverPairs) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    for (const bool weighted : {false, true}) {
      const std::vector<Row> rows = RandomRows(seed, 2 + 7 * seed, weighted);
      const std::optional<double> expected = PairwiseAuc(rows), auc = Compute(rows).auc;
      ASSERT_EQ(expected.has_value(), auc.has_value()) << "seed " << seed;
      if (!expected) continue;
      ASSERT_NEAR(*expected, *auc, 1e-12) << "seed " << seed << ", weighted " << weighted;
    }
  }
}

TEST(Auc, IsInvariantUnderMonotoneTransforms) {
  std::vector<Row> rows = RandomRows(3, 300, true);
  const Metrics before = Compute(rows);
  for (Row& row : rows) row.probability = row.probability * row.probability * 0.5f + 0.25f;
  const Metrics after = Compute(rows);
  EXPECT_EQ(before.auc, after.auc);
  EXPECT_EQ(before.gauc, after.gauc);
  EXPECT_NE(before.logloss, after.logloss);
}

TEST(Auc, TurnsAroundWithTheLabels) {
  std::vector<Row> rows = RandomRows(4, 200, true);
  const double before = Compute(rows).auc.value();
  for (Row& row : rows) row.label = 1 - row.label;
  EXPECT_NEAR(1 - before, Compute(rows).auc.value(), 1e-12);
}

TEST(Auc, IsExactAtItsEnds) {
  EXPECT_EQ(1.0, Compute({{0.1f, 0, 1, 0}, {0.9f, 1, 1, 0}}).auc);
  EXPECT_EQ(0.0, Compute({{0.1f, 1, 1, 0}, {0.9f, 0, 1, 0}}).auc);
  EXPECT_EQ(0.5, Compute({{0.4f, 1, 1, 0}, {0.4f, 0, 1, 0}, {0.4f, 0, 1, 0}}).auc);
  EXPECT_EQ(0.5, Compute({{0.0f, 1, 1, 0}, {-0.0f, 0, 1, 0}}).auc) << "-0 and 0 are a tie";
}

TEST(Gauc, IsTheWeightedMeanOverGroupsWithBothLabels) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Row> rows = RandomRows(100 + seed, 40, true);
    std::map<uint64_t, std::vector<Row>> groups;
    for (const Row& row : rows) groups[row.group].push_back(row);
    double sum = 0, weights = 0;
    for (const auto& [group, members] : groups) {
      const std::optional<double> auc = PairwiseAuc(members);
      if (!auc) continue;
      for (const Row& row : members) {
        sum += row.weight * *auc;
        weights += row.weight;
      }
    }
    ASSERT_NEAR(sum / weights, Compute(rows).gauc.value(), 1e-12) << "seed " << seed;
  }
}

TEST(Metrics, AWeightCountsAsThatManyRows) {
  const std::vector<Row> rows = RandomRows(5, 250, true);
  std::vector<Row> copies;
  for (const Row& row : rows) {
    for (int copy = 0; copy < row.weight; ++copy)
      copies.push_back({row.probability, row.label, 1, row.group});
  }
  const Metrics weighted = Compute(rows), copied = Compute(copies);
  EXPECT_EQ(copied.positives, weighted.positives);
  EXPECT_NEAR(copied.auc.value(), weighted.auc.value(), 1e-12);
  EXPECT_NEAR(copied.gauc.value(), weighted.gauc.value(), 1e-12);
  EXPECT_NEAR(copied.logloss.value(), weighted.logloss.value(), 1e-12);
  EXPECT_NEAR(copied.copc.value(), weighted.copc.value(), 1e-12);
  EXPECT_NEAR(copied.normalized_entropy.value(), weighted.normalized_entropy.value(), 1e-12);
}

TEST(Metrics, TheOrderOfTheRowsDoesNotMatter) {
  std::vector<Row> rows = RandomRows(6, 300, true);
  const Metrics before = Compute(rows);
  std::vector<Row> reversed(rows.rbegin(), rows.rend());
  const Metrics after = Compute(reversed);
  EXPECT_NEAR(before.auc.value(), after.auc.value(), 1e-12);
  EXPECT_NEAR(before.gauc.value(), after.gauc.value(), 1e-12);
  EXPECT_NEAR(before.logloss.value(), after.logloss.value(), 1e-12);
}

TEST(Metrics, AreRightOnAnExampleByHand) {
  const Metrics metrics = Compute({{0.75f, 1, 1, 1}, {0.25f, 0, 1, 1}, {0.5f, 0, 2, 2}});
  EXPECT_EQ(3, metrics.rows);
  EXPECT_EQ(1, metrics.positives);
  EXPECT_DOUBLE_EQ((2 * std::log(4.0 / 3) + 2 * std::log(2.0)) / 4, metrics.logloss.value());
  EXPECT_DOUBLE_EQ(0.5, metrics.copc.value());
  EXPECT_EQ(1.0, metrics.gauc);
  const double entropy = -0.25 * std::log(0.25) - 0.75 * std::log(0.75);
  EXPECT_DOUBLE_EQ(*metrics.logloss / entropy, metrics.normalized_entropy.value());
}

TEST(Metrics, OneLabelOnlyLeavesRankingUndefined) {
  const Metrics metrics = Compute({{0.3f, 0, 1, 0}, {0.6f, 0, 1, 0}, {0.9f, 1, 0, 0}});
  EXPECT_EQ(std::nullopt, metrics.auc);
  EXPECT_EQ(std::nullopt, metrics.gauc);
  EXPECT_EQ(std::nullopt, metrics.normalized_entropy);
  EXPECT_EQ(0.0, metrics.copc);
  EXPECT_TRUE(metrics.logloss.has_value());
}

TEST(Metrics, NoRowsLeaveEverythingUndefined) {
  EXPECT_EQ("{\"auc\":null,\"logloss\":null,\"gauc\":null,\"copc\":null,\"normalized_entropy\":null}",
            MetricsToJson(Compute({})));
}

TEST(Metrics, AProbabilityThatIsNoneLeavesEverythingUndefined) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -0.1f, 1.5f}) {
    const Metrics metrics = Compute({{0.3f, 0, 1, 0}, {0.6f, 1, 1, 0}, {bad, 1, 1, 0}});
    EXPECT_EQ(3, metrics.rows);
    EXPECT_EQ(std::nullopt, metrics.auc) << bad;
    EXPECT_EQ(std::nullopt, metrics.logloss) << bad;
  }
}

TEST(Gauc, RowsWithoutAGroupAreNoGroup) {
  const std::vector<Row> grouped = RandomRows(11, 200, false);
  std::vector<Row> with_others = grouped;
  // All of them together would be right, and drag GAUC up.
  for (int i = 0; i < 300; ++i) with_others.push_back({i < 150 ? 0.1f : 0.9f, i < 150 ? 0.0f : 1.0f, 1, 0});
  const Metrics known = Compute(grouped), all = Compute(with_others);
  EXPECT_EQ(known.gauc, all.gauc);
  EXPECT_NE(known.auc, all.auc);
  EXPECT_EQ(known.rows_without_group, 0);
  EXPECT_EQ(all.rows_without_group, 300);
  EXPECT_EQ(MetricsToJson(known).find("rows_without_group"), std::string::npos);
  EXPECT_NE(MetricsToJson(all).find(",\"rows_without_group\":300}"), std::string::npos);
  EXPECT_EQ(Compute({{0.5f, 1, 1, 0}, {0.4f, 0, 1, 0}}).gauc, std::nullopt);
}

TEST(Metrics, WithoutGroupsThereIsNoGauc) {
  EXPECT_EQ(std::nullopt, ComputeMetrics(Log(RandomRows(7, 50, false)), /*with_groups=*/false).gauc);
}

TEST(LogLoss, ARoundedProbabilityOnTheWrongSideIsDearAndFinite) {
  const double worst = -std::log(1e-15);
  EXPECT_NEAR(worst, Compute({{0, 1, 1, 0}}).logloss.value(), 1e-9);
  EXPECT_NEAR(worst, Compute({{1, 0, 1, 0}}).logloss.value(), 0.2) << "1 - 1e-15 isn't exact in double";
  EXPECT_NEAR(0, Compute({{1, 1, 1, 0}, {0, 0, 1, 0}}).logloss.value(), 1e-12);
}

TEST(LogLoss, TheClipIsFarFromWhatFloatsTellApart) {
  const float almost_one = std::nextafter(1.0f, 0.0f);
  EXPECT_DOUBLE_EQ(24 * std::log(2.0), Compute({{almost_one, 0, 1, 0}}).logloss.value());
  EXPECT_NEAR(30, Compute({{static_cast<float>(std::exp(-30.0)), 1, 1, 0}}).logloss.value(), 1e-6);
}

TEST(MetricsToJson, NumbersReadBackToTheSameDouble) {
  const Metrics metrics = Compute(RandomRows(8, 500, true));
  const nlohmann::json json = nlohmann::json::parse(MetricsToJson(metrics));
  EXPECT_EQ(5u, json.size());
  EXPECT_EQ(*metrics.auc, json["auc"].get<double>());
  EXPECT_EQ(*metrics.logloss, json["logloss"].get<double>());
  EXPECT_EQ(*metrics.gauc, json["gauc"].get<double>());
  EXPECT_EQ(*metrics.copc, json["copc"].get<double>());
  EXPECT_EQ(*metrics.normalized_entropy, json["normalized_entropy"].get<double>());
}

}  // namespace
}  // namespace tandem
