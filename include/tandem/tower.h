// A tower: optional linear part + optional interactions + MLP -> one logit. The teacher and the student are both towers.
//
//   Tower teacher(config, {.fields = 39, .dim = 16}, "teacher", kernels);
//   AlignedFloats parameters(teacher.layout().size());
//   teacher.Initialize(seed, parameters.data());
//   teacher.Prepare(parameters.data());
//   TowerWorkspace workspace = teacher.MakeWorkspace(128);
//   teacher.Forward(x, linear, nullptr, &workspace, logits);
//   teacher.Backward(x, d_logits, &workspace, &d_x, gradients);
//
// STACKED: the MLP reads [interaction outputs, x], and the logit is its read-out (without an MLP, the read-out of
// [interaction outputs, x] itself). PARALLEL: the MLP reads x, and each interaction adds its own read-out: FM its plain sum, CIN
// and cross a learned linear one; without an MLP the parts alone are summed. Either way the linear part and one bias are added.
//
// Life, threads and ownership are those of an Interaction (tandem/interaction.h): built, initialized, prepared after every change
// of the parameters; then Forward and Backward from any thread, a workspace each.
#ifndef TANDEM_TOWER_H_
#define TANDEM_TOWER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tandem/interaction.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/mlp.h"
#include "tandem/parameters.h"

namespace tandem {

namespace proto {
class Tower;
}  // namespace proto

// Activations and gradients of one shard; one a thread.
struct TowerWorkspace {
  MlpWorkspace mlp;
  AlignedFloats interactions;               // the layers' workspaces, one after another
  std::vector<float*> interaction_workspace;
  AlignedFloats stacked, d_stacked;         // [rows, interaction outputs | x] where STACKED has interactions
  AlignedFloats outputs, d_outputs;         // [rows, interaction outputs] where PARALLEL
};

class Tower {
 public:
  // `config` is validated before; `name` ("teacher", "student") is part of the key of the tower's randomness. `kernels` must
  // outlive the tower.
  Tower(const proto::Tower& config, const FieldShape& shape, const std::string& name, const Kernels& kernels);

  const ParameterLayout& layout() const { return layout_; }
  const FieldShape& shape() const { return shape_; }
  bool linear() const { return linear_; }
  // Hidden layers of the MLP, 0 without one.
  int hidden_layers() const { return mlp_.has_value() ? mlp_->layers() : 0; }
  int hidden_width(int layer) const { return mlp_->width(layer); }
  // Forward of one sample, without the embedding look-up.
  int64_t flops_per_sample() const;

  void Initialize(uint64_t seed, float* parameters) const;
  void Prepare(const float* parameters);
  TowerWorkspace MakeWorkspace(int rows) const;

  // x: [rows, fields * dim]. `linear`: the rows' sums of linear weights [rows], null where the tower has no linear part.
  // `training` is null when scoring. Overwrites `logits` [rows].
  void Forward(ConstMatrix x, const float* linear, const TrainingPass* training, TowerWorkspace* workspace,
               float* logits) const;

  // Hint gradients: zero these before Backward, and add to them. [rows, hidden_width(layer)].
  Matrix d_hidden(const TowerWorkspace& workspace, int layer) const { return workspace.mlp.d_hidden(layer); }
  Matrix hidden(const TowerWorkspace& workspace, int layer) const { return workspace.mlp.hidden(layer); }

  // After Forward with the same x and workspace, and with workspace.mlp.d_hidden(l) holding the hints' gradients (zero where there is
  // none). `d_x` is overwritten; null: not wanted, as for a student behind a stop-gradient. Overwrites all trained blocks of
  // `gradients`. The gradient of the linear sums is d_logits itself.
  void Backward(ConstMatrix x, const float* d_logits, TowerWorkspace* workspace, const Matrix* d_x,
                float* gradients) const;

  // Input normalisation: see Mlp. `input` sums are of what the MLP reads, so they follow a Forward.
  int statistics_size() const { return mlp_.has_value() ? mlp_->statistics_size() : 0; }
  void SumStatistics(ConstMatrix x, const TowerWorkspace& workspace, double* sums) const;
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  bool stacked() const { return !parallel_; }

  FieldShape shape_;
  std::string name_;
  bool linear_;
  bool parallel_;
  const Kernels& kernels_;
  ParameterLayout layout_;
  std::vector<std::unique_ptr<Interaction>> interactions_;
  int interaction_width_ = 0;  // of all together
  std::optional<Mlp> mlp_;
  int64_t head_offset_ = 0, bias_offset_ = 0;
  int head_width_ = 0;                     // 0: no learned read-out (PARALLEL without MLP)
  std::vector<int64_t> readout_offsets_;   // PARALLEL, a learned read-out an interaction; -1: plain sum
  AlignedFloats head_, bias_;              // copies made by Prepare
  std::vector<AlignedFloats> readouts_;
};

}  // namespace tandem

#endif  // TANDEM_TOWER_H_
