// What a run tells: which steps, at what rate, to whom, and that an observer's error is the run's.
#include "src/train/run_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_file_system.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Heard : public RunObserver {
 public:
  absl::Status OnStep(const StepReport& step) override {
    steps.push_back(step.step);
    rates.push_back(step.rows_per_second);
    days.push_back(step.day);
    return answer;
  }
  absl::Status OnCheckpoint(const CheckpointReport& checkpoint) override {
    checkpoints.push_back(checkpoint.path);
    return answer;
  }
  std::vector<int64_t> steps;
  std::vector<double> rates;
  std::vector<std::string> days, checkpoints;
  absl::Status answer;
};

class RunReportsTest : public testing::Test {
 protected:
  RunOptions Options() {
    EXPECT_TRUE(fs_.CreateDirectories("run").ok());
    RunOptions options;
    options.run_dir = "run";
    options.days = {{"2026-01-01", {}}};
    options.quiet = true;
    options.observer = &heard_;
    return options;
  }
  void Begin() {
    EXPECT_TRUE(reports_.Open(state_).ok());
    reports_.Begin(state_);
  }
  // Steps of 100 rows, a second each.
  absl::Status Step() {
    clock_.Advance(1);
    state_.set_step(state_.step() + 1);
    state_.set_rows_trained(state_.rows_trained() + 100);
    StepResult result;
    result.terms.student_label = 0.5;
    return reports_.NoteStep("2026-01-01", RandomBatch(schema_, 4, 1), result, state_);
  }

  MemoryFileSystem fs_;
  ManualClock clock_;
  const proto::Experiment experiment_ = SmallExperiment("student { mlp { hidden: 4 } } method: STUDENT_ALONE",
                                                        "runtime { log_every_steps: 3 }");
  const Schema schema_{experiment_};
  proto::RunState state_;
  Heard heard_;
  const RunOptions options_ = Options();
  RunReports reports_{fs_, clock_, experiment_, schema_, options_, 1};
};

TEST_F(RunReportsTest, EachSoManyethStepIsToldAndTheLastOne) {
  Begin();
  for (int step = 0; step < 7; ++step) ASSERT_TRUE(Step().ok());
  EXPECT_THAT(heard_.steps, ElementsAre(3, 6));
  ASSERT_TRUE(reports_.TellStep().ok());
  ASSERT_TRUE(reports_.TellStep().ok()) << "once is enough";
  EXPECT_THAT(heard_.steps, ElementsAre(3, 6, 7));
  EXPECT_THAT(heard_.days, ElementsAre("2026-01-01", "2026-01-01", "2026-01-01"));
  EXPECT_THAT(heard_.rates, ElementsAre(100, 100, 100));
  ASSERT_TRUE(reports_.Sync().ok());
  EXPECT_THAT(
      std::vector<std::string>(absl::StrSplit(*fs_.ReadFile("run/metrics.jsonl"), '\n', absl::SkipEmpty())),
      SizeIs(3));
}

TEST_F(RunReportsTest, TheRateIsThatSinceTheLastReport) {
  Begin();
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(Step().ok());
  clock_.Advance(3);
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(Step().ok());
  EXPECT_THAT(heard_.rates, ElementsAre(100, 50));
}

TEST_F(RunReportsTest, AnObserversErrorIsTheRuns) {
  Begin();
  ASSERT_TRUE(reports_.TellCheckpoint({3, "run/checkpoints/step-3"}).ok());
  EXPECT_THAT(heard_.checkpoints, ElementsAre("run/checkpoints/step-3"));
  heard_.answer = absl::CancelledError("enough");
  ASSERT_TRUE(Step().ok());
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(std::string(Step().message()), HasSubstr("enough"));
}

TEST_F(RunReportsTest, WhatARunThatCameToNothingWroteCanBeRemoved) {
  Begin();
  reports_.Close();
  EXPECT_TRUE(fs_.RemoveAll("run/metrics.jsonl").ok());
}

}  // namespace
}  // namespace tandem
