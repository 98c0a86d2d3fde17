// The teachers of a model: one tower, or several whose mean logit teaches. Where there is one, it is that
// tower to the bits.
//
//   Committee teachers(experiment, {/*fields=*/39, /*dim=*/16}, kernels);    // the shape that a member sees
//   AlignedFloats parameters(teachers.layout().size());
//   teachers.Initialize(parameters.data());
//   teachers.Prepare(parameters.data());
//   CommitteeWorkspace workspace = teachers.MakeWorkspace(128);
//   teachers.Forward(x, linear, &training, &workspace, logits);              // their mean
//   ... each member's loss reads workspace.logits(k) and writes workspace.d_logits(k) ...
//   teachers.Backward(x, d_logits, &workspace, d_x, gradients);
//
// Members know nothing of each other, so that threads may share them: Forward is ForwardMember of every k, in
// any order and at a time, then EndForward; Backward is BackwardMember of every k, then EndBackward. The bits
// are the same.
//
// Several towers that err in different ways are nearer the truth on average than any of them (Krogh and
// Vedelsby 1995, eq. 6): so each is moved by its own loss alone, never by that of the mean.
//
// Layout of x: fields * vectors() * dim floats a row; vector v of field f begins at (f * vectors() + v) *
// dim. Side by side, member k reads vector k; else all read the one there is. `linear` holds linear() floats
// a row, one for each member with a linear part, in their order.
//
// A member has the randomness of a teacher alone with its seed: with vectors side by side it ends, bit
// for bit, as that teacher.
//
// With model.committee.weights: LEARNED the mean is offset + sum_k weight_k * (mean of the kind's copies).
// These are a statistic: whoever scores held-out rows learns them, no gradient
// does.
//
// Blocks: those of the tower, or of several member/k/... each; then, where it is learned, `mean` [kinds + 1]:
// the weights, and the offset.
//
// Life, threads and ownership are those of a Tower (tandem/tower.h).
#ifndef TANDEM_COMMITTEE_H_
#define TANDEM_COMMITTEE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "tandem/gradient_sum.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"
#include "tandem/tower.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Whether members of a workspace are run one after the other, or at a time.
enum class MemberOrder { kInTurn, kAtATime };

// Activations and gradients of one shard; one a thread.
struct CommitteeWorkspace {
  std::vector<TowerWorkspace> towers;

  // Of several members: their logits, and the gradients of their losses, [rows] each.
  float* logits(int member) { return logits_of.data() + static_cast<int64_t>(member) * rows; }
  float* d_logits(int member) { return d_logits_of.data() + static_cast<int64_t>(member) * rows; }

  int rows = 0;  // at most
  std::vector<float> logits_of, d_logits_of;
  std::vector<float> linear;  // [rows] a member with a linear part
  AlignedFloats memory;
  std::vector<Matrix> x;    // what each member reads, where that isn't all there is
  std::vector<Matrix> d_x;  // a member's; one for all of them where they take turns
};

// How the logits of the kinds become one.
struct CommitteeMean {
  std::vector<double> weights;  // a kind
  double offset = 0;
};

class Committee {
 public:
  // `experiment` is validated and has a teacher. `shape` is that of one member's input. `kernels` must
  // outlive the committee.
  Committee(const proto::Experiment& experiment, const FieldShape& shape, const Kernels& kernels);

  int size() const { return static_cast<int>(members_.size()); }
  const Tower& member(int k) const { return members_[k].tower; }
  // Vectors of a field.
  int vectors() const { return vectors_; }
  // Members with a linear part.
  int linear() const { return linear_; }
  const ParameterLayout& layout() const { return layout_; }
  // Where a member's parameters begin in the flat vector.
  int64_t offset(int member) const { return members_[member].offset; }
  // Kinds of members, where their weights are learned; 0 where all members weigh alike.
  int weighed_kinds() const { return weighed_kinds_; }
  // logits[kind] [rows]: the means of the members of each kind, after Forward.
  void KindLogits(CommitteeWorkspace* workspace, int rows, float* const* logits) const;
  // Of all members alike: what a learned mean begins as.
  CommitteeMean first_mean() const;
  // What Prepare then reads.
  void SetMean(const CommitteeMean& mean, float* parameters) const;
  // Of the first member, from which hints come.
  int hidden_layers() const { return member(0).hidden_layers(); }
  int hidden_width(int layer) const { return member(0).hidden_width(layer); }
  // Of all members; as for a Tower.
  int64_t flops_per_sample() const;
  int64_t backward_flops_per_sample(bool d_x) const;

  // The first value of every member's bias is `bias`.
  void Initialize(float* parameters, float bias = 0) const;
  void Prepare(const float* parameters);
  CommitteeWorkspace MakeWorkspace(int rows, MemberOrder order = MemberOrder::kInTurn) const;

  // Overwrites `logits` [rows] with the (weighted) mean of the members'. The seed of `training` isn't read:
  // each member has its own.
  void Forward(ConstMatrix x, const float* linear, const TrainingPass* training,
               CommitteeWorkspace* workspace, float* logits) const;
  // The same in parts, of several members: first each one, then their mean.
  void ForwardMember(int k, ConstMatrix x, const float* linear, const TrainingPass* training,
                     CommitteeWorkspace* workspace) const;
  void EndForward(int rows, CommitteeWorkspace* workspace, float* logits) const;
  // After Forward with the same x. A single member's gradient is `d_logits` [rows]; several have theirs in
  // the workspace; where a member has several heads, they have theirs in its own, and the sum is written here
  // (tandem/tower.h). `d_x` and the trained blocks of `gradients` are overwritten.
  void Backward(ConstMatrix x, float* d_logits, CommitteeWorkspace* workspace, Matrix d_x,
                const GradientSum& gradients) const;
  // The same in parts, of several members, with a workspace of kAtATime.
  void BackwardMember(int k, ConstMatrix x, CommitteeWorkspace* workspace, Matrix d_x,
                      const GradientSum& gradients) const;
  void EndBackward(CommitteeWorkspace* workspace, Matrix d_x) const;
  // The gradients of the linear sums, [rows, linear()], after a Backward of several members.
  void LinearGradients(CommitteeWorkspace* workspace, int rows, float* d_linear) const;

  // Input normalisation, as for a Tower.
  int statistics_size() const;
  void SumStatistics(ConstMatrix x, CommitteeWorkspace* workspace, double* sums) const;
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  struct Member {
    Tower tower;
    uint64_t seed;
    int64_t offset;
    int linear_column;  // -1 without a linear part
    int kind;
  };
  bool side_by_side() const { return vectors_ > 1; }
  // Where a member's gradient of what it reads is made: in place, of a first one that shares it with the
  // others.
  Matrix InputGradientOf(int member, int rows, const CommitteeWorkspace& workspace, Matrix d_x) const;
  // The floats of each field that a member reads, and back.
  void TakeVectors(int member, ConstMatrix x, Matrix to) const;
  void PutVectors(int member, ConstMatrix from, Matrix x) const;
  // What a member reads, after Forward.
  ConstMatrix InputOf(int member, ConstMatrix x, const CommitteeWorkspace& workspace) const;

  const int fields_, dim_;
  int vectors_ = 1, linear_ = 0, weighed_kinds_ = 0;
  std::vector<Member> members_;
  std::vector<int> copies_;      // a kind
  std::vector<double> weights_;  // a member's, in the mean; empty: all alike
  double mean_offset_ = 0;
  int64_t mean_block_ = 0;
  ParameterLayout layout_;
};

}  // namespace tandem

#endif  // TANDEM_COMMITTEE_H_
