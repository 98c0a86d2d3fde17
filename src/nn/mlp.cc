#include "tandem/mlp.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "src/nn/rows.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"

namespace tandem {
namespace {

constexpr double kVarianceFloor = 1e-5;

void Drop(const Random& random, float rate, int first_row, Matrix hidden) {
  const float scale = 1 / (1 - rate);
  for (int r = 0; r < hidden.rows; ++r) {
    const uint64_t counter = static_cast<uint64_t>(first_row + r) * hidden.cols;
    float* h = hidden.row(r);
    for (int j = 0; j < hidden.cols; ++j) h[j] = random.Uniform(counter + j) < rate ? 0 : h[j] * scale;
  }
}

// A unit that the ReLU or the dropout silenced is zero: the activation tells all that the way back needs.
void MultiplyByDerivative(ConstMatrix hidden, float scale, Matrix gradient) {
  for (int r = 0; r < hidden.rows; ++r) {
    const float* h = hidden.row(r);
    float* d = gradient.row(r);
    for (int j = 0; j < hidden.cols; ++j) d[j] = h[j] > 0 ? d[j] * scale : 0;
  }
}

}  // namespace

Matrix MlpWorkspace::HiddenGradient(int layer) {
  const Matrix gradient = Rows(d_hidden_[layer]);
  if (!seeded_[layer]) ZeroRows(gradient);
  seeded_[layer] = true;
  return gradient;
}

Mlp::Mlp(const proto::Mlp& config, const Axis& input, const std::string& name, const Kernels& kernels,
         ParameterLayout* layout)
    : input_width_(input.size()),
      dropout_(static_cast<float>(config.dropout())),
      normalize_(config.normalize_input()),
      normalize_decay_(config.normalize_decay()),
      kernels_(kernels),
      layers_(config.hidden_size()) {
  CHECK(!layers_.empty()) << name;
  if (normalize_) {
    mean_offset_ = layout->Add(name + "/input_mean", {input}, ParameterKind::kStatistic);
    variance_offset_ = layout->Add(name + "/input_variance", {input}, ParameterKind::kStatistic);
    steps_offset_ = layout->Add(name + "/input_steps", {1}, ParameterKind::kStatistic);
    mean_.resize(input_width_);
    scale_.resize(input_width_);
  }
  Axis inputs = input;
  for (int l = 0; l < layers(); ++l) {
    Layer& layer = layers_[l];
    layer.name = absl::StrCat(name, "/", l, "/weight");
    layer.inputs = inputs.size();
    layer.outputs = config.hidden(l);
    layer.weight_offset =
        layout->Add(layer.name, {inputs, layer.outputs}, ParameterKind::kMatrix, BlockGradient::kProduct);
    layer.bias_offset =
        layout->Add(absl::StrCat(name, "/", l, "/bias"), {layer.outputs}, ParameterKind::kBias);
    layer.packed.resize(kernels.PackedFloats(layer.inputs, layer.outputs));
    layer.packed_transposed.resize(kernels.PackedFloats(layer.outputs, layer.inputs));
    layer.bias.resize(layer.outputs);
    inputs = layer.outputs;
  }
}

MlpLayerBlocks Mlp::blocks(int layer) const {
  const Layer& of = layers_[layer];
  return {of.inputs, of.outputs, of.weight_offset, of.bias_offset};
}

int64_t Mlp::flops_per_sample() const {
  int64_t flops = normalize_ ? 2 * input_width_ : 0;
  for (const Layer& layer : layers_) flops += int64_t{2} * layer.inputs * layer.outputs;
  return flops;
}

void Mlp::Initialize(uint64_t seed, float* parameters) const {
  for (const Layer& layer : layers_) {
    InitializeNormal(seed, layer.name, int64_t{layer.inputs} * layer.outputs, std::sqrt(2.0 / layer.inputs),
                     parameters + layer.weight_offset);
    std::fill_n(parameters + layer.bias_offset, layer.outputs, 0.0f);
  }
  if (normalize_) {
    std::fill_n(parameters + mean_offset_, input_width_, 0.0f);
    std::fill_n(parameters + variance_offset_, input_width_, 1.0f);
    parameters[steps_offset_] = 0;
  }
}

void Mlp::Prepare(const float* parameters) {
  for (Layer& layer : layers_) {
    const float* weight = parameters + layer.weight_offset;
    kernels_.Pack(weight, layer.inputs, layer.outputs, layer.outputs, 1, layer.packed.data());
    kernels_.Pack(weight, layer.outputs, layer.inputs, 1, layer.outputs, layer.packed_transposed.data());
    std::copy_n(parameters + layer.bias_offset, layer.outputs, layer.bias.data());
  }
  if (!normalize_) return;
  if (GetInputScaling(parameters, mean_.data(), scale_.data())) return;
  std::fill(mean_.begin(), mean_.end(), 0.0f);
  std::fill(scale_.begin(), scale_.end(), 1.0f);
}

bool Mlp::GetInputScaling(const float* parameters, float* mean, float* scale) const {
  if (!normalize_ || !(parameters[steps_offset_] > 0)) return false;
  std::copy_n(parameters + mean_offset_, input_width_, mean);
  for (int j = 0; j < input_width_; ++j) {
    const double variance = parameters[variance_offset_ + j];
    scale[j] = static_cast<float>(1 / std::sqrt(variance + kVarianceFloor));
  }
  return true;
}

MlpWorkspace Mlp::MakeWorkspace(int rows) const {
  MlpWorkspace workspace;
  const auto cut = [&](WorkspaceCutter cutter) {
    if (normalize_) workspace.normalized_ = cutter.Next(rows, input_width_);
    for (int l = 0; l < layers(); ++l) {
      workspace.hidden_[l] = cutter.Next(rows, width(l));
      workspace.d_hidden_[l] = cutter.Next(rows, width(l));
    }
    return cutter.used();
  };
  workspace.hidden_.resize(layers());
  workspace.d_hidden_.resize(layers());
  workspace.seeded_.resize(layers());
  workspace.memory_.resize(cut(WorkspaceCutter(nullptr)));
  cut(WorkspaceCutter(workspace.memory_.data()));
  return workspace;
}

void Mlp::Forward(ConstMatrix x, const TrainingPass* training, MlpWorkspace* workspace) const {
  CHECK_LE(x.rows, workspace->hidden_[0].rows);
  workspace->rows_ = x.rows;
  workspace->dropped_ = training != nullptr && dropout_ > 0;
  std::fill(workspace->seeded_.begin(), workspace->seeded_.end(), false);
  ConstMatrix input = x;
  if (normalize_) {
    const Matrix normalized = workspace->Rows(workspace->normalized_);
    for (int r = 0; r < x.rows; ++r) {
      const float* from = x.row(r);
      float* to = normalized.row(r);
      for (int j = 0; j < input_width_; ++j) to[j] = (from[j] - mean_[j]) * scale_[j];
    }
    input = normalized;
  }
  for (int l = 0; l < layers(); ++l) {
    const Matrix hidden = workspace->hidden(l);
    kernels_.Gemm(input, layers_[l].packed.data(), layers_[l].bias.data(), /*relu=*/true,
                  /*accumulate=*/false, hidden);
    if (workspace->dropped_) {
      Drop(Random(training->seed, RandomPurpose::kDropout,
                  {static_cast<uint64_t>(l), static_cast<uint64_t>(training->step)}),
           dropout_, training->first_row, hidden);
    }
    input = hidden;
  }
}

void Mlp::Backward(ConstMatrix x, MlpWorkspace* workspace, const Matrix* d_x,
                   const GradientSum& gradients) const {
  const float scale = workspace->dropped_ ? 1 / (1 - dropout_) : 1;
  workspace->HiddenGradient(layers() - 1);  // zero, where the loss doesn't read the last layer
  for (int l = layers() - 1; l >= 0; --l) {
    const Layer& layer = layers_[l];
    const Matrix d = workspace->Rows(workspace->d_hidden_[l]);
    MultiplyByDerivative(workspace->hidden(l), scale, d);
    const ConstMatrix first = normalize_ ? workspace->Rows(workspace->normalized_) : x;
    const ConstMatrix input = l > 0 ? workspace->hidden(l - 1) : first;
    gradients.SetProduct(kernels_, input, d, layer.weight_offset);
    SumRows(d, gradients + layer.bias_offset);
    if (l > 0) {
      kernels_.Gemm(d, layer.packed_transposed.data(), nullptr, /*relu=*/false,
                    /*accumulate=*/workspace->seeded_[l - 1], workspace->Rows(workspace->d_hidden_[l - 1]));
    } else if (d_x != nullptr) {
      kernels_.Gemm(d, layer.packed_transposed.data(), nullptr, /*relu=*/false, /*accumulate=*/false, *d_x);
    }
  }
  if (!normalize_ || d_x == nullptr) return;
  for (int r = 0; r < d_x->rows; ++r) {
    float* d = d_x->row(r);
    for (int j = 0; j < input_width_; ++j) d[j] *= scale_[j];
  }
}

void Mlp::SumStatistics(ConstMatrix x, double* sums) const {
  std::fill_n(sums, statistics_size(), 0.0);
  if (!normalize_) return;
  double* squares = sums + input_width_;
  for (int r = 0; r < x.rows; ++r) {
    const float* row = x.row(r);
    for (int j = 0; j < input_width_; ++j) {
      const double value = row[j];
      sums[j] += value;
      squares[j] += value * value;
    }
  }
}

void Mlp::UpdateStatistics(const double* sums, int64_t rows, float* parameters) const {
  if (!normalize_ || rows == 0) return;
  const double steps = parameters[steps_offset_];
  const double keep = std::min(normalize_decay_, steps / (steps + 1));
  for (int j = 0; j < input_width_; ++j) {
    float& mean = parameters[mean_offset_ + j];
    float& variance = parameters[variance_offset_ + j];
    const double batch_mean = sums[j] / rows;
    const double batch_variance = std::max(0.0, sums[input_width_ + j] / rows - batch_mean * batch_mean);
    // The variance of the mixture of what was seen before and of the batch; it doesn't cancel as a running
    // E[x^2] - mean^2 would.
    const double shift = batch_mean - mean;
    variance = static_cast<float>(keep * variance + (1 - keep) * (batch_variance + keep * shift * shift));
    mean = static_cast<float>(mean + (1 - keep) * shift);
  }
  parameters[steps_offset_] = static_cast<float>(steps + 1);
}

}  // namespace tandem
