// What a step of the trainer does: which towers run and which of them learn, how often, at which rates.
//
//   StepPlanner planner(model, TrainedParts::kAll, clock);
//   const StepPlan plan = planner.Next(batch);               // counts the step
//   if (plan.trains_teacher) ...
//
// A plan is made before its step and read by all of it; nothing in a step changes it. A function of the
// configuration, of the steps before, and of whether the batch has labels. Allocates nothing.
#ifndef TANDEM_SRC_TRAIN_STEP_PLAN_H_
#define TANDEM_SRC_TRAIN_STEP_PLAN_H_

#include <cstdint>

#include "src/config/methods.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/trainer.h"

namespace tandem {

struct StepPlan {
  // Steps so far, this one included: of the run; of teacher and shared embedding; of the student's own
  // tables.
  int64_t step = 0, joint_step = 0, own_step = 0;

  // Whether the tower is run.
  bool teacher = false, student = false;
  // Teacher and shared embedding learn.
  bool trains_teacher = false;
  // The student learns from the teacher's hidden layers, and the adapters with it.
  bool hints = false;
  // The student's gradient goes on to the embedding that it reads.
  bool moves_student_embedding = false;
  // Ids that are new get rows: in the shared embedding, in the student's own.
  bool admits = false, admits_own = false;

  // Steps of the student: on the batch, then on batches of the past. Before them, on recombined rows.
  int student_steps = 0, recombined_batches = 0;

  // Factors of the rates.
  double rate = 0, student_rate = 0;

  // What the towers read of the embedding; one and the same, gathered once.
  const EmbeddingView* teacher_view = nullptr;
  const EmbeddingView* student_view = nullptr;
  bool shares_input = false;
};

// The same step for the r-th of the plan's recombined batches, which come first.
StepPlan OnRecombined(const StepPlan& plan, int r);

// The same step for a batch of the past: the student alone moves, and learns from the logits that are kept
// with the batch.
StepPlan OnThePast(const StepPlan& plan);

class StepPlanner {
 public:
  // `model` outlives it.
  StepPlanner(const DualModel& model, TrainedParts parts, const TrainerClock& clock);

  // See Trainer.
  void BeginStudentPhase(int64_t steps, int64_t steps_before = 0);
  bool LearnsFrom(const Batch& batch) const;

  // The next step's plan.
  StepPlan Next(const Batch& batch);

  int64_t step() const { return step_; }
  int64_t joint_steps() const { return joint_steps_; }
  int64_t distilled_steps() const { return distilled_steps_; }
  const MethodPlan& method() const { return method_; }
  // Whether steps admit ids: to the shared tables, to those of the student.
  bool shared_tables_learn() const { return parts_ == TrainedParts::kAll && !in_phase_; }
  bool own_tables_learn() const { return parts_ == TrainedParts::kAll && (method_.joint || in_phase_); }

 private:
  bool student_only() const { return in_phase_ || parts_ == TrainedParts::kStudent; }
  int64_t PhaseStep() const { return step_ - joint_steps_ - distilled_steps_; }
  int64_t OwnStep() const;
  double StudentRate(const StepPlan& plan) const;

  const DualModel& model_;
  const TrainedParts parts_;
  const MethodPlan method_;
  int64_t step_, joint_steps_, distilled_steps_;
  bool in_phase_ = false;
  int64_t phase_steps_ = 0, steps_before_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_STEP_PLAN_H_
