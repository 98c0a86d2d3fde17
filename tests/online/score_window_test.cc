// The sliding window of scores and its metrics.
#include "src/online/score_window.h"

#include <gtest/gtest.h>

#include "tandem/random.h"

namespace tandem {
namespace {

TEST(ScoreWindow, HoldsTheLastRowsOldestFirst) {
  ScoreWindow window(3);
  for (int i = 0; i < 5; ++i) {
    window.Add(static_cast<float>(i) / 10, i % 2 == 0 ? 1.0f : 0.0f, 1, i);
    EXPECT_EQ(window.full(), i >= 2);
  }
  const ScoreLog log = window.Log();
  EXPECT_EQ(log.groups(), (std::vector<uint64_t>{2, 3, 4}));
  EXPECT_EQ(window.rows(), 3);
  window.Clear();
  EXPECT_EQ(window.rows(), 0);
}

TEST(ScoreWindow, ItsMetricsAreThoseOfTheRowsInIt) {
  const Random random(1, RandomPurpose::kSynthetic, {});
  ScoreWindow window(100);
  ScoreLog last;
  for (int i = 0; i < 250; ++i) {
    const auto p = static_cast<float>(random.UniformDouble(3 * i));
    const float label = random.UniformDouble(3 * i + 1) < p ? 1.0f : 0.0f;
    const auto weight = static_cast<float>(random.UniformDouble(3 * i + 2));
    window.Add(p, label, weight, 0);
    if (i >= 150) last.Add(p, label, weight, 0);
  }
  const Metrics expected = ComputeMetrics(last, false);
  const Metrics actual = window.Compute(false);
  EXPECT_EQ(actual.rows, 100);
  EXPECT_EQ(*actual.auc, *expected.auc);
  EXPECT_EQ(*actual.logloss, *expected.logloss);
  EXPECT_EQ(*actual.copc, *expected.copc);
  EXPECT_DOUBLE_EQ(window.LogLoss(), *expected.logloss);
}

}  // namespace
}  // namespace tandem
