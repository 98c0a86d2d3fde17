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
// Such a student may take several steps a batch (distill.replay.steps, steps_per_row of the student phase):
// the first on the batch, with all terms of the loss; the others on recent batches (Replay), with
// the teacher's logits of then, the embedding of now, and no hint.
//
// A batch of rows without a label (Batch::labelled) is the student's alone, too: teacher and embedding read
// it as they are and neither learn from it nor count it as a step, so that they end as if there had been no
// such batch. There, the teacher's logits are those of its weights of now.
//
// In the student phase teacher and embedding are frozen, and the teacher's logits are those of what is served
// of it: averaged weights, slow embedding. There the teacher can be asked about rows that aren't in the log
// (recombined_batches): before the step on a batch itself come those on what is made
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
class ShardRunner;
class StepPlanner;
struct DenseParts;
struct Pass;
struct Recombined;
struct StepPlan;

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

  // kInternal when a gradient isn't finite, with the step and the place; what the store of the rows says when
  // it can't be asked. The model is then not to be used any more.
  absl::StatusOr<const StepResult*> Step(const Batch& batch);
  // False for rows without a label while there is no student, or it doesn't learn yet: Step isn't for them.
  bool LearnsFrom(const Batch& batch) const;

  // Teacher and embedding are frozen from here on. `steps`: of the whole phase, over which the rate falls;
  // those that were done before count by the clock, but for `steps_before` of an earlier phase. The replay
  // begins anew: one that is resumed is loaded after this.
  void BeginStudentPhase(int64_t steps, int64_t steps_before = 0);

  // The day of the log that the next batches are of, since 1970-01-01; 0: none.
  void set_day(uint32_t day);
  // That day has ended: tables that learn drop the rows of embedding.expire_days. How many, counted ids
  // included.
  absl::StatusOr<int64_t> EndDay();

  TrainerClock clock() const;
  // The recent batches; null where student steps need none. For the run that saves them: the type isn't
  // installed.
  Replay* replay() { return replay_.get(); }

 private:
  absl::Status FindRows(const StepPlan& plan, const Batch& batch);
  // What the step runs on: the batch; the r-th batch of rows that its features make; for the k-th step beyond
  // the one on the batch, one of the past.
  absl::StatusOr<Pass> RowsOf(const StepPlan& plan, const Batch& batch);
  absl::StatusOr<Pass> RecombinedRows(const StepPlan& plan, const Batch& batch, int r);
  absl::StatusOr<Pass> PastRows(const StepPlan& plan, int k);
  absl::Status StepOn(const StepPlan& plan, const Pass& pass);
  absl::Status UpdateEmbeddings(const StepPlan& plan, const Pass& pass);
  absl::Status UpdateTowers(const StepPlan& plan, int rows);

  DualModel& model_;
  Workers& workers_;
  const std::unique_ptr<StepPlanner> planner_;
  const std::unique_ptr<DenseUpdater> dense_;
  std::unique_ptr<const DenseParts> parts_;  // of dense_
  std::unique_ptr<ShardRunner> runner_;
  std::unique_ptr<Replay> replay_;
  std::unique_ptr<Recombined> recombined_;
  BatchRows rows_, own_rows_;  // of the batch, in the shared embedding and the student's own
  StepResult result_, past_result_;
};

}  // namespace tandem

#endif  // TANDEM_TRAINER_H_
