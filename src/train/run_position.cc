#include "src/train/run_position.h"

namespace tandem {

TrainerClock ClockOf(const proto::RunState& state) {
  return {state.step() - state.validation().undone_steps(), state.joint_steps(), state.optimizer_steps(),
          state.student_optimizer_steps(), state.distilled_steps()};
}

void NoteClock(const TrainerClock& clock, proto::RunState* state) {
  state->set_step(clock.step + state->validation().undone_steps());
  state->set_joint_steps(clock.joint_steps);
  state->set_distilled_steps(clock.distilled_steps);
  state->set_optimizer_steps(clock.teacher_updates);
  state->set_student_optimizer_steps(clock.student_updates);
}

LogPosition PositionOf(const proto::RunState& state) {
  return {state.pass(), state.day_index(), state.block(), state.batch()};
}

void NotePosition(const LogPosition& position, proto::RunState* state) {
  state->set_pass(position.pass);
  state->set_day_index(position.day);
  state->set_block(position.block);
  state->set_batch(position.batch);
}

}  // namespace tandem
