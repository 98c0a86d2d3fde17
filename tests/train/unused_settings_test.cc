// Settings that a run would not use, told.
#include "src/train/unused_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/experiments.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kBoth[] = " teacher { mlp { hidden: 8 } } student { mlp { hidden: 8 } } distill {}";

std::vector<std::string> Unused(const std::string& method, const std::string& more,
                                TrainedParts parts = TrainedParts::kAll) {
  return UnusedSettings(SmallExperiment("method: " + method + kBoth, more), parts);
}

TEST(UnusedSettings, WhatIsUsedIsNotNamed) {
  EXPECT_THAT(Unused("CO_TRAIN",
                     "model { distill { replay { steps: 2 } phase { fraction: 0.5 steps_per_row: 3 } } }"),
              IsEmpty());
  EXPECT_THAT(Unused("TWO_STAGE_FULL", "model { distill { replay { steps: 2 } } }"), IsEmpty());
}

TEST(UnusedSettings, AMethodWithoutStudentStepsOfItsOwn) {
  EXPECT_THAT(Unused("ROCKET_LAUNCHING", "model { distill { replay { steps: 4 } } }"),
              ElementsAre(HasSubstr("model.distill.replay.steps: 4 has no effect: with ROCKET_LAUNCHING")));
  EXPECT_THAT(Unused("TEACHER_ALONE", "model { distill { replay { steps: 4 } } }"),
              ElementsAre(HasSubstr("TEACHER_ALONE")));
}

TEST(UnusedSettings, APhaseThatTheMethodDoesNotHaveOrASwitchTookAway) {
  EXPECT_THAT(Unused("ROCKET_LAUNCHING", "model { distill { phase { fraction: 0.5 } } }"),
              ElementsAre(HasSubstr("ROCKET_LAUNCHING has no such phase")));
  EXPECT_THAT(Unused("CO_TRAIN", "model { distill { switches { phase: false } phase { fraction: 0.5 } } }"),
              ElementsAre(HasSubstr("model.distill.switches.phase is false")));
  EXPECT_THAT(Unused("CO_TRAIN", "model { distill { phase { fraction: 0.5 } } }", TrainedParts::kStudent),
              ElementsAre(HasSubstr("trains nothing but the student anyway")));
}

TEST(UnusedSettings, ATeachersColumnThatNobodyLearnsFrom) {
  EXPECT_THAT(Unused("TEACHER_ALONE", "model { distill { stored_logits { column: 'score' } } }"),
              ElementsAre(HasSubstr("model.distill.stored_logits.column 'score' isn't read")));
}

TEST(UnusedSettings, SwitchesOfDistillationWithOneTower) {
  EXPECT_THAT(Unused("STUDENT_ALONE", "model { distill { switches { hint: false } } }"),
              ElementsAre(testing::AllOf(HasSubstr("STUDENT_ALONE has one tower only"), HasSubstr("hint"))));
}

}  // namespace
}  // namespace tandem
