// The trainer's step: one batch forward, joint loss, backward, update.
//
//   Workers workers(2);
//   Trainer trainer(&model, TrainedParts{}, /*step=*/0, /*optimizer_steps=*/0, &workers);
//   TANDEM_ASSIGN_OR_RETURN(const StepResult* result, trainer.Step(batch));
//
// A batch is cut into shards of train.shard_rows rows. Workers take shards; a shard's result depends on the
// shard alone, and gradients are added by a fixed tree over the shards: the same bits on any number of
// threads. The student reads the embedding through a stop-gradient: with the same seed, teacher and embedding
// end as if there were no student.
//
// Not thread-safe: one caller.
#ifndef TANDEM_TRAINER_H_
#define TANDEM_TRAINER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/loss.h"
#include "tandem/threads.h"

namespace tandem {

// What a run trains; the rest is frozen.
enum class TrainedParts {
  kAll,
  kStudent,  // the student's MLP and the adapters; teacher and embedding stay as they are, and no id is
             // admitted
};

// Valid until the next step.
struct StepResult {
  LossTerms terms;  // means over the batch
  // Of the forward pass, before the update; empty without that tower.
  std::vector<float> teacher_logits, student_logits;
};

class Trainer {
 public:
  // `step`: steps done in this run; `optimizer_steps`: updates of the dense parameters so far, earlier runs
  // included. `model` and `workers` outlive the trainer.
  Trainer(DualModel* model, TrainedParts parts, int64_t step, int64_t optimizer_steps, Workers* workers);
  ~Trainer();

  // kInternal when a gradient isn't finite, with the step and the place; the model is then not to be used any
  // more.
  absl::StatusOr<const StepResult*> Step(const Batch& batch);

  int64_t step() const { return step_; }
  int64_t optimizer_steps() const { return optimizer_steps_; }

 private:
  struct Shard;
  struct Worker;
  struct Chunk;
  struct DensePart;

  void Reserve(int rows);
  void RunShard(const Batch& batch, int shard_index, Worker* worker);
  static std::vector<Chunk> TrainedChunks(const ParameterLayout& layout);
  // Adds the shards' gradients into the first shard's, pairwise: ((0 + 1) + (2 + 3)) + ...
  static void AddByTree(const std::vector<float*>& gradients, const Chunk& chunk);
  template <typename F>
  void ForEachChunk(const F& f);
  // Adds the shards' gradients, checks that they are finite, and updates the towers and adapters.
  absl::Status UpdateDense(double rate_scale);
  double ClipScale(int clip_group) const;
  void UpdateChunk(DensePart* part, const Chunk& chunk, double rate_scale);
  void UpdateStatistics(int rows);

  DualModel& model_;
  Workers& workers_;
  TrainedParts parts_;
  int64_t step_;
  int64_t optimizer_steps_;
  int shard_rows_;
  BatchRows rows_;
  AlignedFloats d_x_;                                       // [batch rows, fields * dim]
  std::vector<float> d_teacher_logits_, d_student_logits_;  // [batch rows]
  std::vector<std::unique_ptr<Shard>> shards_;
  int active_shards_ = 0;
  std::vector<std::unique_ptr<Worker>> workspaces_;
  std::vector<std::unique_ptr<DensePart>> dense_;
  std::vector<std::pair<DensePart*, int>> chunk_tasks_;  // every chunk of dense_
  // Into dense_; null where there is no such part, or it is frozen.
  DensePart* teacher_part_ = nullptr;
  DensePart* student_part_ = nullptr;
  DensePart* adapter_part_ = nullptr;
  std::unique_ptr<Optimizer> optimizer_;
  StepResult result_;
};

}  // namespace tandem

#endif  // TANDEM_TRAINER_H_
