// metrics.jsonl: written, cut where a run goes on.
#include "src/train/run_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

class RunLogTest : public testing::Test {
 protected:
  std::unique_ptr<RunLog> Open(int64_t step, int days) {
    absl::StatusOr<std::unique_ptr<RunLog>> log = RunLog::Open(fs_, path_, step, days);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  void Step(RunLog* log, int64_t step, bool labelled = true) const {
    LossTerms losses;
    losses.total = 0.75;
    losses.teacher_label = 0.5;
    EXPECT_TRUE(log->OnStep({step, day_, 100 * step, losses, labelled, 12.5}).ok());
  }
  void EndDay(RunLog* log, int64_t step) const {
    DayReport day{step, day_, 10, 0, 0, {}, {}};
    day.student.emplace().rows = 9;
    EXPECT_TRUE(log->OnDay(day).ok());
  }
  std::vector<Json> Lines(RunLog* log) {
    EXPECT_TRUE(log->Sync().ok());
    const std::string text = *fs_.ReadFile(path_);
    std::vector<Json> lines;
    for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
      lines.push_back(Json::parse(std::string(line)));
    return lines;
  }
  // The steps of the lines that are there.
  std::vector<int> Steps(RunLog* log) {
    std::vector<int> steps;
    for (const Json& line : Lines(log)) steps.push_back(line["step"]);
    return steps;
  }

  FileSystem& fs_ = FileSystem::Default();
  const ScratchDirectory scratch_;
  const std::string path_ = scratch_ / "metrics.jsonl";
  const std::string day_ = "2000-11-20";
};

TEST_F(RunLogTest, AStepAndADayAreALineEach) {
  const std::unique_ptr<RunLog> log = Open(0, 0);
  Step(log.get(), 4);
  EndDay(log.get(), 4);
  const std::vector<Json> lines = Lines(log.get());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], Json::parse(R"({"step":4,"day":"2000-11-20","rows":400,"losses":{"total":0.75,
      "teacher_label":0.5,"student_label":0,"logit":0,"hint":0},"rows_per_second":12.5,"format":2})"));
  EXPECT_EQ(lines[1]["rows"], 9) << "those that were scored";
  EXPECT_TRUE(lines[1]["progressive"].contains("student"));
  EXPECT_FALSE(lines[1]["progressive"].contains("teacher"));
}

TEST_F(RunLogTest, LabelTermsOfRowsWithoutALabelAreNull) {
  const std::unique_ptr<RunLog> log = Open(0, 0);
  Step(log.get(), 1, /*labelled=*/false);
  EXPECT_TRUE(Lines(log.get())[0]["losses"]["teacher_label"].is_null());
}

TEST_F(RunLogTest, WhatARunWroteAfterItsCheckpointIsDropped) {
  {
    const std::unique_ptr<RunLog> log = Open(0, 0);
    for (int step = 1; step <= 5; ++step) Step(log.get(), step);
    ASSERT_TRUE(log->Sync().ok());
  }
  const std::unique_ptr<RunLog> log = Open(3, 0);
  Step(log.get(), 4);
  EXPECT_EQ(Steps(log.get()), (std::vector<int>{1, 2, 3, 4}));
}

TEST_F(RunLogTest, ADayThatEndedAfterTheCheckpointOfItsLastStepIsDropped) {
  {
    const std::unique_ptr<RunLog> log = Open(0, 0);
    Step(log.get(), 2);
    EndDay(log.get(), 2);
    Step(log.get(), 4);
    EndDay(log.get(), 4);
    ASSERT_TRUE(log->Sync().ok());
  }
  EXPECT_EQ(Steps(Open(4, /*days=*/1).get()), (std::vector<int>{2, 2, 4}));
}

TEST_F(RunLogTest, AHalfWrittenLineIsDropped) {
  ASSERT_TRUE(WriteFileAtomically(fs_, path_, "{\"step\":1,\"format\":2}\n{\"step\":2,\"da").ok());
  const std::unique_ptr<RunLog> log = Open(9, 9);
  ASSERT_TRUE(log->LogLine("{\"step\":3}").ok());
  EXPECT_EQ(Steps(log.get()), (std::vector<int>{1, 3}));
}

TEST_F(RunLogTest, EveryLineBeginsWithItsStepAndEndsWithItsFormat) {
  const std::unique_ptr<RunLog> log = Open(0, 0);
  Step(log.get(), 4);
  EndDay(log.get(), 4);
  ASSERT_TRUE(log->LogLine("{\"step\":4,\"event\":\"base\"}").ok());
  ASSERT_TRUE(log->Sync().ok());
  const std::string text = *fs_.ReadFile(path_);
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    EXPECT_TRUE(absl::StartsWith(line, "{\"step\":4,")) << line;
    EXPECT_TRUE(absl::EndsWith(line, ",\"format\":2}")) << line;
  }
}

TEST_F(RunLogTest, AnotherFormatIsRefusedAndLeftAlone) {
  for (const std::string bytes : {"{\"step\":1,\"rows\":1,\"format\":3}\n", "{\"step\":1,\"rows\":1}\n"}) {
    ASSERT_TRUE(WriteFileAtomically(fs_, path_, bytes).ok());
    const absl::Status refused = RunLog::Open(fs_, path_, 9, 9).status();
    EXPECT_EQ(ExitCode(refused), kExitModel);
    EXPECT_NE(refused.message().find("metrics.jsonl: was written by a"), std::string::npos) << refused;
    EXPECT_EQ(*fs_.ReadFile(path_), bytes);
  }
}

}  // namespace
}  // namespace tandem
