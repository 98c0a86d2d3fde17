// Scores that are kept, and restored from bytes.
#include "tandem/score_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "tandem/metrics.h"
#include "tandem/status.h"

namespace tandem {
namespace {

ScoreLog ThreeRows() {
  ScoreLog log;
  log.Add(0.25f, 1, 1, 0xfedcba9876543210u);
  log.Add(0.1f, 0, 0.5f, 7);
  log.Add(1.0f, 1, 3, 0);
  return log;
}

void ExpectEqual(const ScoreLog& expected, const ScoreLog& actual) {
  EXPECT_EQ(expected.probabilities(), actual.probabilities());
  EXPECT_EQ(expected.labels(), actual.labels());
  EXPECT_EQ(expected.weights(), actual.weights());
  EXPECT_EQ(expected.groups(), actual.groups());
}

TEST(ScoreLog, ReadsBackWhatItWrote) {
  const absl::StatusOr<ScoreLog> read = ScoreLog::Parse(ThreeRows().Serialize());
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectEqual(ThreeRows(), *read);

  const absl::StatusOr<ScoreLog> empty = ScoreLog::Parse(ScoreLog().Serialize());
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(0, empty->rows());
}

TEST(ScoreLog, ARestoredLogGoesOnAsTheOriginal) {
  ScoreLog log = ThreeRows();
  ScoreLog restored = ScoreLog::Parse(log.Serialize()).value();
  log.Add(0.7f, 0, 1, 7);
  restored.Add(0.7f, 0, 1, 7);
  EXPECT_EQ(MetricsToJson(ComputeMetrics(log, true)), MetricsToJson(ComputeMetrics(restored, true)));
}

TEST(ScoreLog, MergingAppends) {
  ScoreLog log = ThreeRows(), expected = ThreeRows();
  ScoreLog other;
  other.Add(0.4f, 0, 1, 9);
  expected.Add(0.4f, 0, 1, 9);
  log.Merge(other);
  ExpectEqual(expected, log);
  log.Clear();
  EXPECT_EQ(0, log.rows());
}

TEST(ScoreLog, ACutAnywhereIsRefused) {
  const std::string bytes = ThreeRows().Serialize();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::Status status = ScoreLog::Parse(bytes.substr(0, size)).status();
    ASSERT_EQ(kExitModel, ExitCode(status)) << size << " bytes: " << status;
  }
  EXPECT_FALSE(ScoreLog::Parse(bytes + "x").ok());
}

TEST(ScoreLog, ACountThatOverflowsIsRefused) {
  std::string bytes = ThreeRows().Serialize();
  for (const uint64_t count : {std::numeric_limits<uint64_t>::max(), uint64_t{1} << 62, uint64_t{4}}) {
    std::memcpy(&bytes[0], &count, sizeof(count));
    EXPECT_EQ(kExitModel, ExitCode(ScoreLog::Parse(bytes).status())) << count;
  }
}

TEST(ScoreLog, ValuesThatNoRowCanHaveAreRefused) {
  const float nan = std::nanf("");
  for (const float label : {0.5f, -1.0f, nan}) {
    ScoreLog log = ThreeRows();
    log.Add(0.5f, label, 1, 0);
    EXPECT_EQ(kExitModel, ExitCode(ScoreLog::Parse(log.Serialize()).status())) << "label " << label;
  }
  for (const float weight : {-1.0f, nan, std::numeric_limits<float>::infinity()}) {
    ScoreLog log = ThreeRows();
    log.Add(0.5f, 1, weight, 0);
    EXPECT_EQ(kExitModel, ExitCode(ScoreLog::Parse(log.Serialize()).status())) << "weight " << weight;
  }
}

}  // namespace
}  // namespace tandem
