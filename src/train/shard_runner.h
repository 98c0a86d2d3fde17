// The towers' work on a batch, shard by shard: forward, joint loss, backward.
//
//   ShardRunner runner(&model, parts, student_moves_embedding, &dense, &workers);
//   runner.Run(plan, pass);
//   ... dense holds the shards' gradients of the towers; runner.d_x() those of what was read ...
//
// A batch is cut into shards of train.shard_rows rows, which workers take, some in a row; what a shard leaves
// behind depends on the shard alone, and is added in the order of the shards. Where there are fewer shards
// than workers, and a committee teaches, its members are tasks of their own, and so is the student: the same
// bits, sooner. After batches of one size nothing is allocated. One caller.
#ifndef TANDEM_SRC_TRAIN_SHARD_RUNNER_H_
#define TANDEM_SRC_TRAIN_SHARD_RUNNER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/threads.h"

namespace tandem {

class DenseUpdater;
struct StepPlan;
struct StepResult;

// Rows that the towers are run on.
struct Pass {
  const Batch& batch;
  const BatchRows& rows;          // of the shared embedding
  const BatchRows& student_rows;  // of the one that the student reads
  int64_t dropout_step;           // what the student's dropout is drawn for
  StepResult* result;
};

// Numbers of a DenseUpdater's parts; -1 where there is no such part, or it is frozen.
struct DenseParts {
  int teacher = -1, student = -1, adapters = -1;
};

class ShardRunner {
 public:
  // All outlive it. `student_moves_embedding`: a plan may say so.
  ShardRunner(DualModel* model, const DenseParts& parts, bool student_moves_embedding, DenseUpdater* dense,
              Workers* workers);
  ~ShardRunner();

  // Fills the pass's result, and what follows.
  void Run(const StepPlan& plan, const Pass& pass);

  // Of the last Run. The gradients of what was read: [rows, fields * dim] of the teacher's view, and of the
  // student's where its gradient goes further; and of the logits, [rows].
  int runs() const { return runs_; }
  const AlignedFloats& d_x() const { return d_x_; }
  const AlignedFloats& d_student_x() const { return d_student_x_; }
  // And of the teachers' linear sums, [rows, linear].
  const std::vector<float>& d_teacher_linear() const {
    return model_.teacher().size() > 1 ? d_teacher_linear_ : d_teacher_logits_;
  }
  const std::vector<float>& d_student_logits() const { return d_student_logits_; }
  // Moves the running statistics of a part by those of its `rows` rows.
  void UpdateStatistics(int part, int rows);

 private:
  struct Shard;
  struct Worker;

  void Reserve(int rows);
  void RunShard(const StepPlan& plan, const Pass& pass, Shard* shard, Worker* worker);
  void RunMembers(const StepPlan& plan, const Pass& pass);
  template <typename OfMember, typename OfStudent>
  void ForEachTower(bool student, const OfMember& of_member, const OfStudent& of_student);
  void BeginLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  static void AddHeads(const Tower& tower, bool learns, TowerWorkspace* workspace,
                       std::vector<LogitPart>* parts);
  void GatherTeacher(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  void ForwardTeacher(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  void AddTeacherToLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  void ForwardStudent(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  void AddStudentToLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* worker);
  void ComputeLoss(const StepPlan& plan, Shard* shard, Worker* worker);
  void BackwardStudent(const StepPlan& plan, Shard* shard, Worker* worker);
  void BackwardTeacher(const StepPlan& plan, Shard* shard, Worker* worker);
  void EndTeacher(const StepPlan& plan, Shard* shard, Worker* worker);
  Matrix TeacherInputGradient(const StepPlan& plan, const Shard& shard, const Worker& worker);
  Matrix TeacherInput(const StepPlan& plan, const Shard& shard, const Worker& worker) const;
  Matrix StudentInput(const StepPlan& plan, const Shard& shard, const Worker& worker) const;

  DualModel& model_;
  const DenseParts parts_;
  const bool student_moves_embedding_;
  const int shard_rows_;
  const uint64_t student_seed_;
  DenseUpdater& dense_;
  Workers& workers_;
  std::vector<std::unique_ptr<Shard>> shards_;
  int active_shards_ = 0;
  int runs_ = 0;  // of shards that one worker takes
  std::vector<std::unique_ptr<Worker>> workspaces_;
  AlignedFloats d_x_, d_student_x_;
  std::vector<float> d_teacher_logits_, d_teacher_linear_, d_student_logits_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_SHARD_RUNNER_H_
