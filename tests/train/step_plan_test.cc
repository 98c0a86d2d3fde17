// What a step does: who runs, who learns, at which rates.
#include "src/train/step_plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/kernels.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

class StepPlanTest : public testing::Test {
 protected:
  // A teacher and a student by this method; `more` is merged over it.
  StepPlanner Planner(const std::string& method, const std::string& more = "",
                      TrainedParts parts = TrainedParts::kAll) {
    model_ = std::make_unique<DualModel>(
        SmallExperiment(absl::StrCat("method: ", method,
                                     " teacher { interaction { fm {} } mlp { hidden: 8 } }"
                                     " student { mlp { hidden: 4 } } distill { hint {} }"),
                        more),
        *FindKernels("auto").value(), /*trained=*/true);
    labelled_ = RandomBatch(model_->schema(), 8, 1);
    unlabelled_ = labelled_;
    for (float& label : unlabelled_.labels) label = kAbsent;
    return StepPlanner(*model_, parts, TrainerClock());
  }

  std::unique_ptr<DualModel> model_;
  Batch labelled_{0}, unlabelled_{0};
};

TEST_F(StepPlanTest, InCoTrainingBothLearnAndTheStudentReachesNoEmbedding) {
  StepPlanner planner = Planner("CO_TRAIN");
  const StepPlan plan = planner.Next(labelled_);
  EXPECT_TRUE(plan.teacher && plan.student && plan.trains_teacher && plan.hints && plan.admits);
  EXPECT_FALSE(plan.moves_student_embedding);
  EXPECT_TRUE(plan.shares_input) << "both read the same rows: they are gathered once";
  EXPECT_EQ(plan.student_steps, 1);
  EXPECT_EQ(plan.step, 1);
  EXPECT_EQ(planner.Next(labelled_).joint_step, 2);
}

TEST_F(StepPlanTest, ATeacherSitsOutRowsWithoutALabelAndItsTimeStands) {
  StepPlanner planner = Planner("CO_TRAIN", "data { unlabelled: USE_TEACHER }");
  planner.Next(labelled_);
  const StepPlan plan = planner.Next(unlabelled_);
  EXPECT_TRUE(plan.teacher) << "it is asked";
  EXPECT_FALSE(plan.trains_teacher || plan.admits);
  EXPECT_TRUE(plan.student);
  EXPECT_EQ(plan.step, 2);
  EXPECT_EQ(plan.joint_step, 1);
  EXPECT_EQ(planner.distilled_steps(), 1);
  EXPECT_EQ(planner.Next(labelled_).joint_step, 2);
}

TEST_F(StepPlanTest, InItsPhaseTheStudentIsAloneAtRatesOfItsOwn) {
  StepPlanner planner = Planner("CO_TRAIN",
                                "model { distill { replay { steps: 2 batches: 4 } phase { fraction: 0.5 "
                                "lr_multiplier: 3 decay: LINEAR "
                                "final: 0 steps_per_row: 5 recombined_batches: 2 } } }");
  EXPECT_EQ(planner.Next(labelled_).student_steps, 2);
  planner.BeginStudentPhase(/*steps=*/4);
  const StepPlan first = planner.Next(labelled_);
  EXPECT_FALSE(first.trains_teacher || first.admits || first.moves_student_embedding);
  EXPECT_EQ(first.teacher_view, &model_->served_teacher_input());
  EXPECT_EQ(first.student_steps, 5);
  EXPECT_EQ(first.recombined_batches, 2);
  EXPECT_EQ(first.joint_step, 1) << "teacher and embedding stand still";
  const StepPlan second = planner.Next(labelled_);
  EXPECT_LT(second.student_rate, first.student_rate);
  EXPECT_LE(first.student_rate, 3);
}

TEST_F(StepPlanTest, InTwoStagesTheStudentWaitsAndItsTablesHaveATimeOfTheirOwn) {
  StepPlanner planner = Planner("TWO_STAGE_KD");
  for (int step = 0; step < 3; ++step) {
    const StepPlan plan = planner.Next(labelled_);
    EXPECT_TRUE(plan.trains_teacher);
    EXPECT_FALSE(plan.student || plan.hints);
    EXPECT_EQ(plan.student_steps, 0);
  }
  EXPECT_FALSE(planner.LearnsFrom(unlabelled_));
  planner.BeginStudentPhase(10);
  EXPECT_TRUE(planner.LearnsFrom(unlabelled_));
  const StepPlan plan = planner.Next(labelled_);
  EXPECT_TRUE(plan.student && plan.moves_student_embedding && plan.admits_own);
  EXPECT_FALSE(plan.trains_teacher);
  EXPECT_EQ(plan.own_step, 1);
  EXPECT_EQ(plan.step, 4);
}

TEST_F(StepPlanTest, ARocketMovesTheEmbeddingWithItsTeacherOnly) {
  StepPlanner planner = Planner("ROCKET_LAUNCHING", "data { unlabelled: USE_TEACHER }");
  EXPECT_TRUE(planner.Next(labelled_).moves_student_embedding);
  EXPECT_FALSE(planner.Next(unlabelled_).moves_student_embedding);
}

TEST_F(StepPlanTest, OfAStudentAloneAtFineTuningNothingElseMoves) {
  StepPlanner planner = Planner("CO_TRAIN", "", TrainedParts::kStudent);
  const StepPlan plan = planner.Next(labelled_);
  EXPECT_TRUE(plan.teacher && plan.student && plan.hints);
  EXPECT_FALSE(plan.trains_teacher || plan.admits || plan.admits_own || plan.moves_student_embedding);
}

TEST_F(StepPlanTest, OnThePastTheStudentMovesByItsLogitsAlone) {
  StepPlanner planner =
      Planner("CO_TRAIN", "model { distill { replay { steps: 3 batches: 4 } lr_multiplier: 2 } }");
  const StepPlan plan = planner.Next(labelled_);
  const StepPlan past = OnThePast(plan);
  EXPECT_TRUE(past.student);
  EXPECT_FALSE(past.teacher || past.trains_teacher || past.hints || past.moves_student_embedding);
  EXPECT_FALSE(past.shares_input) << "nobody else gathers for it";
  EXPECT_EQ(past.student_steps, 1) << "it isn't put back";
  EXPECT_EQ(past.student_rate, plan.student_rate);
  EXPECT_EQ(past.step, plan.step);
}

}  // namespace
}  // namespace tandem
