// The checkpoints of a run: when one is due, what proves it, which stay.
#include "src/train/run_checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_file_system.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RunCheckpointsTest : public testing::Test {
 protected:
  RunCheckpointsTest()
      : experiment_(SmallExperiment("student { mlp { hidden: 4 } } method: STUDENT_ALONE",
                                    "runtime { keep_checkpoints: 2 }")),
        model_(experiment_, *FindKernels("auto").value(), /*trained=*/true) {
    options_.run_dir = "run";
    model_.Initialize();
  }
  RunCheckpoints Begun() {
    RunCheckpoints checkpoints(fs_, clock_, experiment_, model_.schema(), options_);
    checkpoints.Begin();
    checkpoints.NoteRows(RandomBatch(model_.schema(), 100, 1));
    return checkpoints;
  }
  absl::StatusOr<bool> Write(RunCheckpoints* checkpoints, int64_t step) {
    state_.set_step(step);
    return checkpoints->Write(model_, nullptr, state_, DayProgress());
  }

  MemoryFileSystem fs_;
  ManualClock clock_;
  proto::Experiment experiment_;
  DualModel model_;
  RunOptions options_;
  proto::RunState state_;
};

TEST_F(RunCheckpointsTest, OneIsDueAtEachDaysEndUnlessThatIsSoonerThanItMayBe) {
  EXPECT_TRUE(Begun().DueAfterDay(/*in_phase=*/false));
  EXPECT_FALSE(Begun().DueAfterDay(/*in_phase=*/true)) << "a table that stands still";
  options_.seconds_between_checkpoints = 60;
  RunCheckpoints checkpoints = Begun();
  EXPECT_FALSE(checkpoints.DueAfterDay(false));
  clock_.Advance(60);
  EXPECT_TRUE(checkpoints.DueAfterDay(false));
  ASSERT_TRUE(Write(&checkpoints, 3).ok());
  EXPECT_FALSE(checkpoints.DueAfterDay(false)) << "counted from the last one";
}

TEST_F(RunCheckpointsTest, AStepHasOne) {
  RunCheckpoints checkpoints = Begun();
  EXPECT_TRUE(*Write(&checkpoints, 7));
  EXPECT_EQ(*NewestCheckpoint(fs_, "run"), checkpoints.Path(state_));
  EXPECT_TRUE(VerifyCheckpoint(fs_, checkpoints.Path(state_)).ok());
  EXPECT_FALSE(*Write(&checkpoints, 7));
}

TEST_F(RunCheckpointsTest, TheNewestAndTheBestStay) {
  RunCheckpoints checkpoints = Begun();
  state_.mutable_validation()->set_best_step(2);
  for (int64_t step = 1; step <= 5; ++step) {
    ASSERT_TRUE(Write(&checkpoints, step).ok());
    ASSERT_TRUE(checkpoints.RemoveOld(state_).ok());
  }
  std::vector<std::string> left = fs_.List("run/checkpoints").value();
  std::sort(left.begin(), left.end());
  EXPECT_THAT(left, ElementsAre("step-000002", "step-000004", "step-000005"));
}

TEST_F(RunCheckpointsTest, AModelWhoseScoresAreNoNumbersIsNotKept) {
  RunCheckpoints checkpoints = Begun();
  for (float& weight : model_.student_parameters().values) weight = std::numeric_limits<float>::infinity();
  model_.Prepare();
  const absl::StatusOr<bool> written = Write(&checkpoints, 9);
  EXPECT_EQ(written.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(written.status().message()),
              HasSubstr("step 9: the student's scores are not finite any more"));
  EXPECT_EQ(*NewestCheckpoint(fs_, "run"), "");
}

}  // namespace
}  // namespace tandem
