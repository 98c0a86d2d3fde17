// The multi-layer perceptron of a tower: hidden layers with ReLU, optional dropout and input normalisation.
//
//   Mlp mlp(config, input_width, "mlp", kernels, &layout);
//   mlp.Initialize(seed, parameters);
//   mlp.Prepare(parameters);
//   mlp.Forward(x, training, &workspace);                    // workspace.hidden(l): [rows, width(l)], after activation
//   mlp.Backward(x, &workspace, d_x, gradients);             // reads and overwrites workspace.d_hidden(l)
//
// Life, threads and ownership are those of an Interaction (tandem/interaction.h). The read-out to the logit belongs to the tower.
//
// Dropout is inverted (Srivastava et al. 2014): a kept unit grows by 1 / (1 - rate), so that scoring needs no change. Its mask is
// a function of (seed, the tower, layer, step, row of the batch).
//
// Input normalisation reads (x - mean) / sqrt(variance + 1e-5) with running statistics of earlier steps: constants to the
// gradient, identity before the first step. The statistics are blocks of kind kStatistic; the trainer updates them after a
// step from the shards' sums, in shard order.
#ifndef TANDEM_MLP_H_
#define TANDEM_MLP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

namespace proto {
class Mlp;
}  // namespace proto

// What a training forward needs beyond a scoring one.
struct TrainingPass {
  uint64_t seed = 0;
  int64_t step = 0;
  int first_row = 0;  // of this shard in its batch
};

// Activations and gradients of one shard; one a thread.
class MlpWorkspace {
 public:
  MlpWorkspace() = default;

  // After activation and dropout, [rows, width(l)].
  Matrix hidden(int layer) const { return hidden_[layer]; }
  // Gradient of the loss with respect to hidden(layer); Backward's input and scratch.
  Matrix d_hidden(int layer) const { return d_hidden_[layer]; }

 private:
  friend class Mlp;
  AlignedFloats memory_;
  AlignedFloats normalized_memory_;
  Matrix normalized_;
  std::vector<Matrix> hidden_;
  std::vector<Matrix> d_hidden_;
  bool dropped_ = false;
  TrainingPass pass_;
};

class Mlp {
 public:
  // `config.hidden` is not empty and positive (validated before). `kernels` must outlive the Mlp.
  Mlp(const proto::Mlp& config, int input_width, const std::string& name, const Kernels& kernels, ParameterLayout* layout);

  int input_width() const { return input_width_; }
  int layers() const { return static_cast<int>(widths_.size()); }
  int width(int layer) const { return widths_[layer]; }
  int64_t flops_per_sample() const;

  // Weights: He normal, deviation sqrt(2 / fan_in) (He et al. 2015, eq. 10); biases zero; statistics mean 0, variance 1.
  void Initialize(uint64_t seed, float* parameters) const;
  void Prepare(const float* parameters);
  // A workspace for up to `rows` rows.
  MlpWorkspace MakeWorkspace(int rows) const;

  // `training` is null when scoring: no dropout.
  void Forward(ConstMatrix x, const TrainingPass* training, MlpWorkspace* workspace) const;
  // The caller has put the gradient of the last hidden layer, and has added hint gradients of the others (else zero), into
  // workspace->d_hidden(l). Overwrites `d_x` (null: not wanted, and the first layer's data gradient is not computed) and this
  // Mlp's blocks of the flat `gradients`.
  void Backward(ConstMatrix x, MlpWorkspace* workspace, const Matrix* d_x, float* gradients) const;

  // Input normalisation only. Doubles that a shard sums: [sum x | sum x^2], 2 * input_width; 0 when off.
  int statistics_size() const { return normalize_ ? 2 * input_width_ : 0; }
  // Adds this shard's sums into nothing: overwrites `sums` [statistics_size()].
  void SumStatistics(ConstMatrix x, double* sums) const;
  // Moves the running statistics in `parameters` towards the batch's (`sums` added over its shards, `rows` of the batch).
  // The first step sets them; step t keeps min(decay, t / (t + 1)) of them.
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  int input_width_;
  std::vector<int> widths_;
  double dropout_;
  bool normalize_;
  double normalize_decay_;
  std::string name_;
  const Kernels& kernels_;
  std::vector<int64_t> weight_offsets_, bias_offsets_;
  int64_t mean_offset_ = 0, square_offset_ = 0, steps_offset_ = 0;
  // Packed for Forward and for the data gradient.
  std::vector<AlignedFloats> packed_, packed_transposed_, biases_;
  AlignedFloats mean_, scale_;
};

}  // namespace tandem

#endif  // TANDEM_MLP_H_
