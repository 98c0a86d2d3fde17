#include "src/train/step_plan.h"

#include <algorithm>

#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"

namespace tandem {

StepPlan OnRecombined(const StepPlan& plan, int r) {
  StepPlan recombined = plan;
  recombined.own_step = plan.own_step - plan.recombined_batches + r;
  return recombined;
}

StepPlan OnThePast(const StepPlan& plan) {
  StepPlan past = plan;
  past.teacher = past.trains_teacher = past.hints = false;
  past.moves_student_embedding = false;
  past.student_steps = 1;
  past.recombined_batches = 0;
  past.shares_input = false;
  return past;
}

StepPlanner::StepPlanner(const DualModel& model, TrainedParts parts, const TrainerClock& clock)
    : model_(model),
      parts_(parts),
      method_(PlanOf(model.experiment())),
      step_(clock.step),
      joint_steps_(clock.joint_steps),
      distilled_steps_(clock.distilled_steps) {}

void StepPlanner::BeginStudentPhase(int64_t steps, int64_t steps_before) {
  in_phase_ = true;
  phase_steps_ = steps;
  steps_before_ = steps_before;
}

bool StepPlanner::LearnsFrom(const Batch& batch) const {
  return batch.labelled() || (model_.has_student() && (method_.joint || student_only()));
}

StepPlan StepPlanner::Next(const Batch& batch) {
  const bool frozen = student_only();
  const bool all = parts_ == TrainedParts::kAll;
  StepPlan plan;
  plan.teacher = model_.has_teacher();
  // The teacher sits out what has no label.
  const bool distills = plan.teacher && !frozen && !batch.labelled();
  plan.trains_teacher = plan.teacher && !frozen && !distills;
  plan.student = model_.has_student() && (method_.joint || frozen);
  plan.hints = plan.teacher && plan.student;

  ++step_;
  if (distills) {
    ++distilled_steps_;
  } else if (!in_phase_) {
    ++joint_steps_;
  }
  plan.step = step_;
  plan.joint_step = joint_steps_;
  plan.own_step = OwnStep();

  const bool stands_still = (in_phase_ || distills) && !method_.own_embedding;
  plan.moves_student_embedding = method_.trains_embedding && all && !stands_still;
  plan.admits = plan.trains_teacher || (!plan.teacher && all);
  plan.admits_own = all;

  if (plan.student) plan.student_steps = in_phase_ ? method_.phase_steps : method_.joint_steps;
  if (in_phase_) plan.recombined_batches = method_.recombined_batches;

  plan.rate = ScheduleFactor(model_.experiment().train().schedule(), std::max<int64_t>(1, joint_steps_));
  plan.student_rate = StudentRate(plan);

  plan.teacher_view = frozen ? &model_.served_teacher_input() : &model_.teacher_input();
  plan.student_view = &model_.student_input();
  plan.shares_input =
      plan.teacher && plan.student && model_.SharesInput(*plan.teacher_view, *plan.student_view);
  return plan;
}

// Recombined batches are steps of the student's own tables, too.
int64_t StepPlanner::OwnStep() const {
  const int64_t in_phases = PhaseStep() * (1 + method_.recombined_batches);
  return method_.joint ? joint_steps_ + distilled_steps_ + in_phases : in_phases;
}

double StepPlanner::StudentRate(const StepPlan& plan) const {
  const proto::Distill& distill = model_.experiment().model().distill();
  if (in_phase_) {
    const proto::StudentPhase& phase = distill.phase();
    proto::Schedule schedule;
    schedule.set_decay(phase.decay());
    schedule.set_decay_steps(std::max<int64_t>(1, phase_steps_));
    schedule.set_final(phase.final());
    return phase.lr_multiplier() * ScheduleFactor(schedule, PhaseStep() - steps_before_);
  }
  return plan.teacher && distill.has_schedule() ? ScheduleFactor(distill.schedule(), step_) : plan.rate;
}

}  // namespace tandem
