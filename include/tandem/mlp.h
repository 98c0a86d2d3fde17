// The multi-layer perceptron of a tower: hidden layers with ReLU, optional dropout and input normalisation.
//
//   Mlp mlp(config, Axis::OfFields(39, 16), "mlp", kernels, &layout);
//   mlp.Initialize(seed, parameters);
//   mlp.Prepare(parameters);
//   MlpWorkspace workspace = mlp.MakeWorkspace(128);
//   mlp.Forward(x, training, &workspace);                    // workspace.hidden(l): [rows, width(l)]
//   ... add the loss's gradient to workspace.HiddenGradient(l), for every layer l that the loss reads ...
//   mlp.Backward(x, &workspace, d_x, gradients);
//
// Life, threads and ownership are those of an Interaction (tandem/interaction.h). The read-out to the logit
// belongs to the tower.
//
// Dropout is inverted (Srivastava et al. 2014): a kept unit grows by 1 / (1 - rate), so that scoring needs no
// change. Its mask is a function of (TrainingPass::seed, layer, step, row of the batch, unit); the tower
// mixes its name into the seed.
//
// Input normalisation reads (x - mean) / sqrt(variance + 1e-5) with running statistics of earlier steps:
// constants to the gradient, identity before the first step. The statistics are blocks of kind kStatistic;
// the trainer updates them after a step from the shards' sums, in shard order.
//
// Blocks: name/l/weight [in, out], name/l/bias [out]; where the input is normalised name/input_mean [in],
// name/input_variance [in], name/input_steps [1].
#ifndef TANDEM_MLP_H_
#define TANDEM_MLP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/gradient_sum.h"
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

// Where a hidden layer's parameters lie in the flat vector.
struct MlpLayerBlocks {
  int inputs, outputs;
  int64_t weight;  // [inputs, outputs]
  int64_t bias;    // [outputs]
};

// Activations and gradients of one shard; one a thread. Its matrices have the rows of the last Forward.
class MlpWorkspace {
 public:
  MlpWorkspace() = default;
  MlpWorkspace(MlpWorkspace&&) = default;
  MlpWorkspace& operator=(MlpWorkspace&&) = default;

  // After activation and dropout, [rows, width(layer)].
  Matrix hidden(int layer) const { return Rows(hidden_[layer]); }
  // Where gradients of hidden(layer) that come from outside the MLP are added: the read-out's, the hints'.
  // The first call after a Forward zeroes it; a layer that isn't asked for costs nothing. Gone after
  // Backward.
  Matrix HiddenGradient(int layer);

 private:
  friend class Mlp;
  Matrix Rows(Matrix whole) const { return {whole.data, rows_, whole.cols, whole.stride}; }

  AlignedFloats memory_;
  Matrix normalized_;
  std::vector<Matrix> hidden_, d_hidden_;
  std::vector<bool> seeded_;  // HiddenGradient was asked for
  int rows_ = 0;
  bool dropped_ = false;
};

class Mlp {
 public:
  // `config.hidden` is not empty and positive (validated before). `kernels` must outlive the Mlp.
  Mlp(const proto::Mlp& config, const Axis& input, const std::string& name, const Kernels& kernels,
      ParameterLayout* layout);

  int input_width() const { return input_width_; }
  int layers() const { return static_cast<int>(layers_.size()); }
  int width(int layer) const { return layers_[layer].outputs; }
  MlpLayerBlocks blocks(int layer) const;
  int64_t flops_per_sample() const;
  // What Backward leaves out when nobody wants `d_x`.
  int64_t data_gradient_flops() const { return int64_t{2} * input_width_ * width(0); }

  // Weights: He normal, deviation sqrt(2 / fan_in) (He et al. 2015, eq. 10); biases zero; statistics mean 0,
  // variance 1.
  void Initialize(uint64_t seed, float* parameters) const;
  void Prepare(const float* parameters);
  // A workspace for up to `rows` rows: the only allocation.
  MlpWorkspace MakeWorkspace(int rows) const;

  // How the input is normalised: overwrites `mean` and `scale` [input_width], x reads as (x - mean) * scale.
  // False, and nothing is written, where it isn't, and before the first step.
  bool GetInputScaling(const float* parameters, float* mean, float* scale) const;

  // `training` is null when scoring: no dropout.
  void Forward(ConstMatrix x, const TrainingPass* training, MlpWorkspace* workspace) const;
  // After Forward with the same x, and with the loss's gradients added to workspace->HiddenGradient(l).
  // Overwrites `d_x` (null: not wanted, and the first layer's data gradient is not computed) and this Mlp's
  // trained blocks of the flat `gradients`.
  void Backward(ConstMatrix x, MlpWorkspace* workspace, const Matrix* d_x,
                const GradientSum& gradients) const;

  // Input normalisation only. Doubles that a shard sums: [sum x | sum x^2], 2 * input_width; 0 when off.
  int statistics_size() const { return normalize_ ? 2 * input_width_ : 0; }
  // Overwrites `sums` [statistics_size()] with this shard's.
  void SumStatistics(ConstMatrix x, double* sums) const;
  // Moves the running statistics in `parameters` towards the batch's (`sums` added over its shards, `rows` of
  // the batch). The first step sets them; step t = 0, 1, ... keeps min(normalize_decay, t / (t + 1)) of them.
  // Prepare must follow.
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  struct Layer {
    std::string name;
    int inputs, outputs;
    int64_t weight_offset, bias_offset;
    AlignedFloats packed, packed_transposed;  // for Forward, and for the data gradient
    AlignedFloats bias;
  };

  int input_width_;
  float dropout_;
  bool normalize_;
  double normalize_decay_;
  const Kernels& kernels_;
  std::vector<Layer> layers_;
  int64_t mean_offset_ = 0, variance_offset_ = 0, steps_offset_ = 0;
  AlignedFloats mean_, scale_;
};

}  // namespace tandem

#endif  // TANDEM_MLP_H_
