// The stages of a run with train.validation: their order, their places in the log, the way back.
#include "src/train/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/train/checkpoint_state.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/schema.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Day> Days() {
  std::vector<Day> days;
  for (int day = 1; day <= 4; ++day) days.push_back({absl::StrCat("2026-01-0", day), {}});
  return days;
}

class StagesTest : public testing::Test {
 protected:
  // Four days, two of which are held out.
  void Make(const std::string& distill, const std::string& validation, int epochs = 2) {
    experiment_ = SmallExperiment(
        absl::StrCat("teacher { mlp { hidden: 8 } } student { mlp { hidden: 6 } } distill { ", distill, " }"),
        absl::StrCat("train { epochs: ", epochs, " validation { ", validation, " } }"));
    schema_ = std::make_unique<Schema>(experiment_);
    options_.days = Days();
    options_.run_dir = scratch_ / "run";
    MakeStages();
  }
  // As a run that goes on from its state does.
  void MakeStages() {
    stages_ = std::make_unique<Stages>(experiment_, options_, kernels_, *schema_, &workers_,
                                       Validation::Create(experiment_, TrainedParts::kAll, Days()).value(),
                                       &state_);
  }
  std::vector<int> Place() const {
    return {state_.pass(), state_.day_index(), state_.block(), state_.batch()};
  }
  std::vector<std::string> DatesOfLog() const {
    std::vector<std::string> dates;
    for (const Day& day : stages_->log().days) dates.push_back(day.date);
    return dates;
  }

  const ScratchDirectory scratch_;
  const Kernels& kernels_ = *FindKernels("auto").value();
  Workers workers_{1};
  proto::Experiment experiment_;
  RunOptions options_;
  std::unique_ptr<Schema> schema_;
  proto::RunState state_;
  std::unique_ptr<Stages> stages_;
};

TEST_F(StagesTest, WithAPhaseAndRowsToLearnLaterThereAreFourInThisOrder) {
  Make("phase { fraction: 0.5 }", "days: 2 then_learn: true");
  EXPECT_EQ(stages_->stage(), RunStage::PASSES);
  EXPECT_EQ(state_.held_out_days(), 2);
  EXPECT_THAT(DatesOfLog(), ElementsAre("2026-01-01", "2026-01-02"));
  EXPECT_FALSE(stages_->in_phase());
  EXPECT_EQ(stages_->last_pass(), 1) << "a pass is a source of its own";

  for (const int64_t batches : {10, 10}) state_.add_day_batches(batches);
  state_.set_step(40);
  state_.set_joint_steps(40);
  state_.set_pass(2);
  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::STUDENT_PHASE);
  EXPECT_TRUE(stages_->in_phase());
  EXPECT_FALSE(stages_->over_held_out());
  EXPECT_EQ(stages_->phase_batches(), 10) << "half of the window's";
  EXPECT_THAT(Place(), ElementsAre(2, 1, 0, 0)) << "its last half";
  EXPECT_THAT(DatesOfLog(), ElementsAre("2026-01-01", "2026-01-02"));

  state_.set_step(50);
  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::THEN_PASS);
  EXPECT_TRUE(stages_->over_held_out());
  EXPECT_THAT(Place(), ElementsAre(2, 0, 0, 0));
  EXPECT_THAT(DatesOfLog(), ElementsAre("2026-01-03", "2026-01-04"));
  EXPECT_EQ(state_.held_out_days(), 2);
  stages_->CountBatches(12);
  stages_->CountBatches(8);

  state_.set_step(70);
  state_.set_joint_steps(60);
  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::THEN_PHASE);
  EXPECT_TRUE(stages_->in_phase());
  EXPECT_TRUE(stages_->over_held_out());
  EXPECT_THAT(Place(), ElementsAre(3, 0, 0, 0));
  EXPECT_EQ(stages_->phase_batches(), 20) << "those that were counted";
  EXPECT_EQ(state_.validation().phase_steps_before(), 10);
  EXPECT_EQ(state_.held_out_days(), 0);
  stages_->CountBatches(5);
  EXPECT_EQ(stages_->phase_batches(), 20) << "only the pass over them counts";

  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::DONE);
}

TEST_F(StagesTest, WithoutEitherThePassesAreAll) {
  Make("", "days: 2");
  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::DONE);
}

TEST_F(StagesTest, AShareOfTheRowsIsHeldOutOfEveryDay) {
  Make("", "share: 0.25 then_learn: true");
  EXPECT_EQ(state_.held_out_days(), 0);
  EXPECT_EQ(stages_->log().days.size(), 4u);
  EXPECT_EQ(stages_->log().choice.rows, RowChoice::kLearned);
  stages_->Next();
  EXPECT_EQ(stages_->stage(), RunStage::THEN_PASS);
  EXPECT_EQ(stages_->log().days.size(), 4u);
  EXPECT_EQ(stages_->log().choice.rows, RowChoice::kHeldOut);
}

TEST_F(StagesTest, AStateThatHasAStageIsGoneOnWith) {
  Make("phase { fraction: 0.5 }", "days: 2");
  state_.mutable_validation()->set_stage(RunStage::STUDENT_PHASE);
  state_.mutable_validation()->set_validations(3);
  MakeStages();
  EXPECT_EQ(stages_->stage(), RunStage::STUDENT_PHASE);
  EXPECT_EQ(state_.validation().validations(), 3);
}

TEST_F(StagesTest, APortionEndsWhereThePhaseIsDueToBeValidatedButNotAtItsEnd) {
  Make("phase { fraction: 1 }", "days: 2");
  for (const int64_t batches : {10, 10}) state_.add_day_batches(batches);
  state_.set_step(40);
  state_.set_joint_steps(40);
  EXPECT_FALSE(stages_->EndsPortion()) << "of no phase";
  stages_->Next();
  ASSERT_EQ(stages_->portions(), 4);
  std::vector<int64_t> ends;
  for (int64_t step = 1; step <= 20; ++step) {
    state_.set_step(40 + step);
    if (!stages_->EndsPortion()) continue;
    ends.push_back(step);
    state_.mutable_validation()->set_validations(state_.validation().validations() + 1);
  }
  EXPECT_THAT(ends, ElementsAre(5, 10, 15));
}

TEST_F(StagesTest, StepsThatWereTakenBackAreNotThePhases) {
  Make("phase { fraction: 1 }", "days: 2");
  for (const int64_t batches : {10, 10}) state_.add_day_batches(batches);
  state_.mutable_validation()->set_stage(RunStage::STUDENT_PHASE);
  state_.mutable_validation()->set_undone_steps(3);
  state_.set_step(48);
  state_.set_joint_steps(40);
  EXPECT_TRUE(stages_->EndsPortion()) << "the fifth of the phase";
}

TEST_F(StagesTest, PuttingBackTakesTheBestWeightsAndCountsAndLeavesThePlaceInTheLog) {
  Make("", "days: 2");
  auto model = std::make_unique<DualModel>(experiment_, kernels_, /*trained=*/true);
  model->Initialize();
  proto::RunState best;
  best.set_step(10);
  best.set_joint_steps(10);
  best.set_optimizer_steps(10);
  best.set_student_optimizer_steps(9);
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(SaveCheckpoint(fs, StepDirectory(options_.run_dir, 10), *model, best, DayProgress()).ok());
  const AlignedFloats values = model->student_parameters().values;

  for (float& value : model->student_parameters().values) value = 7;
  state_.set_step(30);
  state_.set_joint_steps(30);
  state_.set_optimizer_steps(30);
  state_.set_student_optimizer_steps(29);
  state_.set_rows_trained(3000);
  state_.set_pass(3);
  state_.mutable_validation()->set_best_step(10);
  const absl::Status put_back = stages_->PutBack(&model);
  ASSERT_TRUE(put_back.ok()) << put_back;
  EXPECT_EQ(model->student_parameters().values, values);
  EXPECT_EQ(state_.joint_steps(), 10);
  EXPECT_EQ(state_.optimizer_steps(), 10);
  EXPECT_EQ(state_.student_optimizer_steps(), 9);
  EXPECT_EQ(state_.validation().undone_steps(), 20);
  EXPECT_EQ(state_.step(), 30);
  EXPECT_EQ(state_.rows_trained(), 3000);
  EXPECT_EQ(state_.pass(), 3);
}

TEST_F(StagesTest, WhereTheBestWeightsAreGoneThatIsSaidAndTheModelStays) {
  Make("", "days: 2");
  auto model = std::make_unique<DualModel>(experiment_, kernels_, /*trained=*/true);
  state_.mutable_validation()->set_best_step(10);
  const absl::Status status = stages_->PutBack(&model);
  EXPECT_EQ(ExitCode(status), kExitModel);
  EXPECT_THAT(std::string(status.message()), HasSubstr(StepDirectory(options_.run_dir, 10)));
  EXPECT_NE(model, nullptr);
}

}  // namespace
}  // namespace tandem
