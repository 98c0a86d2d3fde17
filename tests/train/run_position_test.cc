// A run's place and its counts, to its state and back.
#include "src/train/run_position.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(RunPositionTest, WhatIsNotedIsRead) {
  proto::RunState state;
  state.mutable_validation()->set_undone_steps(7);
  TrainerClock clock;
  clock.step = 31;
  clock.joint_steps = 20;
  clock.teacher_updates = 120;
  clock.student_updates = 240;
  clock.distilled_steps = 3;
  NoteClock(clock, &state);
  EXPECT_EQ(state.step(), 38) << "steps that were undone are the run's, though not the weights'";
  const TrainerClock read = ClockOf(state);
  EXPECT_EQ(read.step, 31);
  EXPECT_EQ(read.joint_steps, 20);
  EXPECT_EQ(read.teacher_updates, 120);
  EXPECT_EQ(read.student_updates, 240);
  EXPECT_EQ(read.distilled_steps, 3);

  NotePosition({1, 2, 3, 4}, &state);
  const LogPosition position = PositionOf(state);
  EXPECT_EQ(position.pass, 1);
  EXPECT_EQ(position.day, 2);
  EXPECT_EQ(position.block, 3);
  EXPECT_EQ(position.batch, 4);
}

}  // namespace
}  // namespace tandem
