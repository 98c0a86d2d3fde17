// The trainer's step: one batch forward, joint loss, backward, update.
//
//   Workers workers(2);
//   Trainer trainer(&model, TrainedParts::kAll, TrainerClock(), &workers);
//   TANDEM_ASSIGN_OR_RETURN(const StepResult* result, trainer.Step(batch));
//   trainer.BeginStudentPhase(/*steps=*/500);    // from here on the student learns alone
//
// A batch is cut into shards of train.shard_rows rows. Workers take shards; a shard's result depends on the
// shard alone, and gradients are added by a fixed tree over the shards: the same bits on any number of
// threads. The student of a method with a stop-gradient reads the embedding without moving it: with the same
// seed, teacher and embedding end as if there were no student.
//
// Such a student may take several steps a batch (train.student_steps, steps_per_row of the student phase):
// the first on the batch, with all terms of the loss; the others on recent batches (src/train/replay.h), with
// the teacher's logits of then, the embedding of now, and no hint.
//
// A batch of rows without a label (Batch::labelled) is the student's alone, too: teacher and embedding read
// it as they are and neither learn from it nor count it as a step, so that they end as if there had been no
// such batch. There, the teacher's logits are those of its weights of now.
//
// In the student phase teacher and embedding are frozen, and the teacher's logits are those of what is served
// of it: averaged weights, slow embedding. There the teacher can be asked about rows that aren't in the log
// (recombined_batches; src/train/recombine.h): before the step on a batch itself come those on what is made
// of it.
//
// Not thread-safe: one caller.
#ifndef TANDEM_TRAINER_H_
#define TANDEM_TRAINER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/loss.h"
#include "tandem/threads.h"

namespace tandem {

class DenseUpdater;
class Replay;
struct MethodPlan;
struct Recombined;
struct ReplayedBatch;

// What a run trains; the rest is frozen.
enum class TrainedParts {
  kAll,
  kStudent,  // the student's MLP and the adapters; teacher and embedding stay as they are, and no id is
             // admitted
};

// Where a run stands.
struct TrainerClock {
  int64_t step = 0;         // of this run
  int64_t joint_steps = 0;  // of them before the student phase, without distilled_steps
  // Updates of the dense parameters, earlier runs included.
  int64_t teacher_updates = 0, student_updates = 0;
  // Steps before the student phase that the teacher sat out: on rows without a label.
  int64_t distilled_steps = 0;
};

// Valid until the next step.
struct StepResult {
  LossTerms terms;  // means over the batch
  // Of the forward pass, before the update; empty without that tower, or where the student has no part in the
  // step.
  std::vector<float> teacher_logits, student_logits;
};

class Trainer {
 public:
  // `model` and `workers` outlive the trainer.
  Trainer(DualModel* model, TrainedParts parts, const TrainerClock& clock, Workers* workers);
  ~Trainer();

  // kInternal when a gradient isn't finite, with the step and the place; the model is then not to be used any
  // more.
  absl::StatusOr<const StepResult*> Step(const Batch& batch);
  // False for rows without a label while there is no student, or it doesn't learn yet: Step isn't for them.
  bool LearnsFrom(const Batch& batch) const;

  // Teacher and embedding are frozen from here on. `steps`: of the whole phase, over which the rate falls;
  // those that were done before count by the clock. The replay begins anew: one that is resumed is loaded
  // after this.
  void BeginStudentPhase(int64_t steps);

  TrainerClock clock() const;
  // The recent batches; null where student steps need none.
  Replay* replay() { return replay_.get(); }

 private:
  // What a step trains, and at which rates.
  struct Turn {
    bool teacher, student;  // whether the tower's forward is wanted
    bool trains_teacher;
    bool distills;  // the teacher sits this step out
    int student_steps, recombined_batches;
    int64_t dropout_step;       // what the student's dropout is drawn for
    double rate, student_rate;  // factors of the schedule
    const EmbeddingView *teacher_view, *student_view;
    const BatchRows* rows;  // of the shared embedding
    bool shares_input;
    std::vector<int> parts;  // of dense_, that are updated
  };
  struct Shard;
  struct Worker;

  bool student_only() const { return in_phase_ || parts_ == TrainedParts::kStudent; }
  void PlanTurn(const Batch& batch);
  void Reserve(int rows);
  void FindRows(const Batch& batch);
  int64_t PhaseStep() const { return step_ - joint_steps_ - distilled_steps_; }
  int64_t OwnStep() const;
  const BatchRows& student_rows() const { return model_.has_own_embedding() ? own_rows_ : *turn_.rows; }
  bool moves_student_embedding() const;
  void BeginLoss(const Batch& batch, const Shard& shard, Worker* worker);
  void RunShard(const Batch& batch, int shard, Worker* worker);
  Matrix TeacherInput(const Shard& shard, const Worker& worker) const;
  Matrix StudentInput(const Shard& shard, const Worker& worker) const;
  void ForwardTeacher(const Batch& batch, const Shard& shard, Worker* worker);
  void ForwardStudent(const Batch& batch, const BatchRows& rows, const Shard& shard, int64_t dropout_step,
                      Worker* worker, float* logits);
  void BackwardStudent(Shard* shard, Worker* worker);
  void BackwardTeacher(Shard* shard, Worker* worker);
  absl::Status UpdateEmbeddings(const Batch& batch);
  // Forward, loss, backward and update, on the turn's rows.
  absl::Status StepOn(const Batch& batch);
  // The student's step on the r-th batch of rows that the batch's features make.
  absl::Status StepOnRecombined(const Batch& batch, int r);
  // One more student step, on a batch of the past.
  absl::Status StepOnReplay(const ReplayedBatch& past, int k);
  void UpdateStatistics(absl::Span<const int> parts, int rows);

  DualModel& model_;
  Workers& workers_;
  const TrainedParts parts_;
  const std::unique_ptr<const MethodPlan> plan_;
  int64_t step_, joint_steps_, distilled_steps_;
  bool in_phase_ = false;
  int64_t phase_steps_ = 0;
  const int shard_rows_;
  Turn turn_;
  BatchRows rows_, own_rows_;
  AlignedFloats d_x_;          // [batch rows, fields * dim], of the shared embedding
  AlignedFloats d_student_x_;  // the same of the student's, where its gradient goes further
  std::vector<float> d_teacher_logits_, d_student_logits_;  // [batch rows]
  std::vector<float> replay_logits_;
  std::vector<std::unique_ptr<Shard>> shards_;
  int active_shards_ = 0;
  std::vector<std::unique_ptr<Worker>> workspaces_;
  std::unique_ptr<DenseUpdater> dense_;
  // Of dense_; -1 where there is no such part, or it is frozen.
  int teacher_part_ = -1, student_part_ = -1, adapter_part_ = -1;
  std::unique_ptr<Replay> replay_;
  std::unique_ptr<Recombined> recombined_;
  StepResult result_;
};

}  // namespace tandem

#endif  // TANDEM_TRAINER_H_
