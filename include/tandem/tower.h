// A tower: optional linear part + optional interactions + MLP -> one logit. The teacher and the student are
// both towers.
//
//   Tower teacher(config, {/*fields=*/39, /*dim=*/16}, "teacher", kernels);
//   AlignedFloats parameters(teacher.layout().size());
//   teacher.Initialize(seed, parameters.data());
//   teacher.Prepare(parameters.data());
//   TowerWorkspace workspace = teacher.MakeWorkspace(128);
//   teacher.Forward(x, linear, training, &workspace, logits);
//   ... add the hints' gradients, if any, to workspace.heads.mlps[0].HiddenGradient(l) ...
//   teacher.Backward(x, d_logits, &workspace, &d_x, gradients);
//
// STACKED: the MLP reads [interaction outputs, x], and the logit is its read-out (without an MLP, the
// read-out of [interaction outputs, x] itself). PARALLEL: the MLP reads x, and each interaction adds its own
// read-out: FM its plain sum, CIN and cross a learned linear one; without an MLP the parts alone are summed.
// Either way the linear part and one bias are added. The fields of sequences are for transformers alone: the
// MLP, the read-out and the other interactions see x without them.
//
// With several heads (tandem/heads.h) each has a logit of its own: its MLP's read-out, and all that the tower
// adds besides. The tower's logit is their mean; the losses are theirs.
//
// Blocks: interaction/i/..., mlp/..., head/weight (the read-out; of several heads see tandem/heads.h),
// readout/i/weight (PARALLEL, learned), bias [1]. First values of the read-outs are normal with Xavier's
// deviation; that of the bias is the caller's.
//
// Life, threads and ownership are those of an Interaction (tandem/interaction.h): built, initialized,
// prepared after every change of the parameters; then Forward and Backward from any thread, a workspace each.
// A row's logit doesn't depend on the rows around it.
#ifndef TANDEM_TOWER_H_
#define TANDEM_TOWER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tandem/gradient_sum.h"
#include "tandem/heads.h"
#include "tandem/interaction.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

namespace proto {
class Tower;
}  // namespace proto

// Activations and gradients of one shard; one a thread. Moves, but doesn't copy.
struct TowerWorkspace {
  HeadsWorkspace heads;
  AlignedFloats memory;
  std::vector<float*> interactions;  // the layers' workspaces
  Matrix combined, d_combined;       // [rows, interaction outputs], followed by x where STACKED
};

class Tower {
 public:
  // `config` is validated before; `name` ("teacher", "student") is part of the key of the tower's randomness,
  // of first values and dropout. `kernels` must outlive the tower.
  Tower(const proto::Tower& config, const FieldShape& shape, const std::string& name, const Kernels& kernels);

  const ParameterLayout& layout() const { return layout_; }
  // Of the x that the MLP reads: without the fields of sequences, which come last.
  const FieldShape& shape() const { return shape_; }
  int interactions() const { return static_cast<int>(parts_.size()); }
  bool linear() const { return linear_; }
  // Null without an MLP.
  const Heads* heads() const { return heads_.has_value() ? &*heads_ : nullptr; }
  // Logits that each have a loss of their own: of the heads, where there are several.
  int logits() const { return heads_.has_value() ? heads_->size() : 1; }
  // Hidden layers of the MLP, of the first one where there are several; 0 without one.
  int hidden_layers() const { return heads_.has_value() ? heads_->mlp().layers() : 0; }
  int hidden_width(int layer) const { return heads_->mlp().width(layer); }
  // Where the bias lies in the flat vector.
  int64_t bias_offset() const { return bias_offset_; }
  // Multiplications and additions of the forward of one sample, without the embedding look-up.
  int64_t flops_per_sample() const;
  // Those of the backward, with or without the gradient of x.
  int64_t backward_flops_per_sample(bool d_x) const;

  void Initialize(uint64_t seed, float* parameters, float bias = 0) const;
  void Prepare(const float* parameters);
  // A workspace for up to `rows` rows: the only allocation.
  TowerWorkspace MakeWorkspace(int rows) const;

  // x: [rows, fields * dim], sequences included. `linear`: the rows' sums of linear weights [rows], null
  // where the tower has no linear part. `training` is null when scoring; its seed is the run's. Overwrites
  // `logits` [rows], and workspace->heads.logits(k) where there are several heads.
  void Forward(ConstMatrix x, const float* linear, const TrainingPass* training, TowerWorkspace* workspace,
               float* logits) const;

  // After Forward with the same x and workspace, and with the hints' gradients added. `d_logits` is the
  // gradient of the logits; of several heads it is in workspace->heads.d_logits(k), and their sum is written
  // to `d_logits`. Either way the gradient of the linear sums is d_logits itself. `d_x` is overwritten; null:
  // not wanted, as for a student behind a stop-gradient. Overwrites all trained blocks of `gradients`.
  void Backward(ConstMatrix x, float* d_logits, TowerWorkspace* workspace, const Matrix* d_x,
                const GradientSum& gradients) const;

  // Input normalisation: see Mlp. The sums are of what the MLP reads, so they follow a Forward.
  int statistics_size() const { return heads_.has_value() ? heads_->statistics_size() : 0; }
  void SumStatistics(ConstMatrix x, const TowerWorkspace& workspace, double* sums) const;
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  // An interaction and its place in the tower.
  struct Part {
    std::unique_ptr<Interaction> layer;
    int inputs;            // floats of x that it reads
    int column;            // of its output in `combined`
    bool learned_readout;  // PARALLEL only; else its plain sum, or no read-out of its own
    std::string readout_name;
    int64_t readout_offset = 0;
    AlignedFloats readout;
  };

  uint64_t TowerSeed(uint64_t seed) const;
  bool stacks_interactions() const { return !parallel_ && !parts_.empty(); }
  // Where x stands in `combined`, STACKED.
  Matrix XOf(Matrix combined) const;
  // What the MLPs or, without them, the read-out reads.
  ConstMatrix Input(ConstMatrix x, const TowerWorkspace& workspace) const;
  // PARALLEL: the sum of the interactions' read-outs of one row of `combined`.
  float ReadOut(const float* outputs) const;
  void BackwardDeep(ConstMatrix x, const float* d_logits, TowerWorkspace* workspace, const Matrix* d_input,
                    const GradientSum& gradients) const;
  void BackwardReadouts(const float* d_logits, ConstMatrix combined, Matrix d_combined,
                        const GradientSum& gradients) const;

  FieldShape shape_;
  std::string name_;
  bool linear_;
  bool parallel_;
  const Kernels& kernels_;
  ParameterLayout layout_;
  std::vector<Part> parts_;
  int combined_width_ = 0;
  std::optional<Heads> heads_;
  // Of what stands for the MLP's top where there is none, STACKED.
  int64_t readout_offset_ = 0, bias_offset_ = 0;
  AlignedFloats readout_;
  float bias_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_TOWER_H_
