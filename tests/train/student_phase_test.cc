// Which rows the student phase reads.
#include "src/train/student_phase.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

StudentPhase Phase(double fraction, int epochs = 1, TrainedParts parts = TrainedParts::kAll) {
  return StudentPhase(
      SmallExperiment("teacher { mlp { hidden: 8 } } student { mlp { hidden: 8 } } distill {}",
                      absl::StrCat("train { epochs: ", epochs,
                                   " } model { distill { phase { fraction: ", fraction, " } } }")),
      parts);
}

proto::RunState Window(const std::vector<int64_t>& day_batches) {
  proto::RunState state;
  for (const int64_t batches : day_batches) state.add_day_batches(batches);
  return state;
}

// "pass 1, day 2, batch 3".
std::string Text(const LogPosition& position) {
  return absl::StrCat("pass ", position.pass, ", day ", position.day, ", batch ", position.batch);
}

TEST(StudentPhase, IsAShareOfTheWindowAtItsEnd) {
  const StudentPhase phase = Phase(0.25);
  const proto::RunState state = Window({10, 20, 10});
  EXPECT_EQ(phase.Batches(state), 10);
  EXPECT_EQ(Text(phase.Start(state)), "pass 1, day 2, batch 0");
  EXPECT_EQ(Text(Phase(0.3).Start(state)), "pass 1, day 1, batch 18");
  EXPECT_EQ(phase.last_pass(), 2);
}

TEST(StudentPhase, LongerThanTheWindowItsFirstPassIsTheShortOne) {
  const StudentPhase phase = Phase(1.5, /*epochs=*/2);
  const proto::RunState state = Window({10, 10});
  EXPECT_EQ(phase.Batches(state), 30);
  EXPECT_EQ(Text(phase.Start(state)), "pass 2, day 1, batch 0");
  EXPECT_EQ(phase.last_pass(), 4);
  EXPECT_EQ(Text(Phase(2).Start(state)), "pass 1, day 0, batch 0") << "whole passes skip nothing";
}

TEST(StudentPhase, HasAtLeastOneBatch) {
  const proto::RunState state = Window({3, 2});
  EXPECT_EQ(Phase(0.01).Batches(state), 1);
  EXPECT_EQ(Text(Phase(0.01).Start(state)), "pass 1, day 1, batch 1");
}

TEST(StudentPhase, ThereIsNoneWithoutOneAskedForNorWhereTheStudentIsAllThatIsTrained) {
  EXPECT_TRUE(Phase(0.5).exists());
  EXPECT_FALSE(Phase(0.5, 1, TrainedParts::kStudent).exists());
  EXPECT_FALSE(
      StudentPhase(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"), TrainedParts::kAll)
          .exists());
}

TEST(StudentPhase, HasBegunOnceStepsAreNeitherJointNorDistilled) {
  proto::RunState state;
  state.set_step(7);
  state.set_joint_steps(5);
  state.set_distilled_steps(2);
  EXPECT_FALSE(StudentPhase::Begun(state));
  state.set_step(8);
  EXPECT_TRUE(StudentPhase::Begun(state));
}

}  // namespace
}  // namespace tandem
