#include "src/nn/interaction_cin.h"

#include <glog/logging.h>

#include <algorithm>
#include <vector>

#include "src/nn/initialize.h"
#include "src/nn/rows.h"

namespace tandem {
namespace {

constexpr int64_t kLineFloats = 16;

int64_t RoundUpToLine(int64_t floats) { return (floats + kLineFloats - 1) / kLineFloats * kLineFloats; }

// One layer of the network. A layer outputs its maps from `first_output` on and passes its first `passed_on`
// to the next.
struct Layer {
  CinShape shape;
  // Identity activation and no next layer: only the sums over the dimension are needed, and these are linear
  // in the Gram matrices G[i, j] = sum_d X^{k-1}[i, d] X^0[j, d] of the samples: p[h] = sum_ij W[h, i, j]
  // G[i, j] + D b[h].
  bool pooled;
  int passed_on;
  int first_output;
  int output_column;
  int first_map;  // among the maps of all layers that aren't pooled
  std::string weight_name;
  int64_t weight;
  int64_t bias;  // -1: none

  int64_t pairs() const { return static_cast<int64_t>(shape.previous) * shape.fields; }
  int64_t weights() const { return shape.maps * pairs(); }
  int outputs() const { return shape.maps - first_output; }
};

// A layer's parameters as the kernels want them.
struct Prepared {
  AlignedFloats weight;      // CinPack, or [pairs, maps] where pooled
  AlignedFloats transposed;  // [maps, pairs] where pooled
  AlignedFloats bias;        // times D where pooled; empty: none

  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

// Where a shard's matrices lie in the workspace. Field-major ones are [fields or maps][rows * dim].
struct Plan {
  int cols;        // rows * dim
  int64_t stride;  // an odd number of cache lines: rows don't fall on each other in the caches
  int64_t x0;
  int64_t x;       // the maps of all layers that aren't pooled
  int64_t gram;    // [rows][pairs]
  int64_t packed;  // a sample's X^0, packed for a product
  int64_t dx0;
  int64_t dx;
  int64_t size;

  int64_t x_of(const Layer& layer) const { return x + layer.first_map * stride; }
  int64_t dx_of(const Layer& layer) const { return dx + layer.first_map * stride; }
};

class Cin final : public Interaction {
 public:
  Cin(const proto::Cin& config, const FieldShape& shape, const std::string& name, const Kernels& kernels,
      ParameterLayout* layout);

  const Axis& output() const override { return output_; }
  bool learned_readout() const override { return true; }
  int64_t workspace_floats(int rows) const override { return MakePlan(rows).size; }
  int64_t flops_per_sample() const override;
  void Initialize(uint64_t seed, float* parameters) const override;
  void Prepare(const float* parameters) override;
  void Forward(ConstMatrix fields, float* workspace, Matrix output) const override;
  void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                const GradientSum& gradients) const override;

 private:
  Plan MakePlan(int rows) const;
  // Whether any layer works on field-major maps.
  bool field_major() const { return !layers_.front().pooled; }

  // The maps that a layer reads, field-major.
  ConstMatrix Previous(const Plan& plan, size_t layer, const float* workspace) const {
    const int64_t offset = layer == 0 ? plan.x0 : plan.x_of(layers_[layer - 1]);
    return {workspace + offset, layers_[layer].shape.previous, plan.cols, plan.stride};
  }
  Matrix DPrevious(const Plan& plan, size_t layer, float* workspace) const {
    const int64_t offset = layer == 0 ? plan.dx0 : plan.dx_of(layers_[layer - 1]);
    return {workspace + offset, layers_[layer].shape.previous, plan.cols, plan.stride};
  }
  // The maps [previous, dim] of one sample that a pooled layer reads.
  ConstMatrix PreviousOfSample(const Plan& plan, ConstMatrix fields, int row, const float* workspace) const {
    if (!field_major()) return {fields.row(row), shape_.fields, shape_.dim, shape_.dim};
    const ConstMatrix all = Previous(plan, layers_.size() - 1, workspace);
    return {all.data + static_cast<int64_t>(row) * shape_.dim, all.rows, shape_.dim, all.stride};
  }

  void PoolMaps(const Layer& layer, ConstMatrix x, Matrix output) const;
  void ForwardPooled(const Plan& plan, ConstMatrix fields, float* workspace, Matrix output) const;
  void BackwardPooled(const Plan& plan, ConstMatrix fields, float* workspace, ConstMatrix d_output,
                      Matrix d_fields, const GradientSum& gradients) const;
  void AddOutputGradient(const Layer& layer, ConstMatrix x, ConstMatrix d_output, Matrix dx) const;
  // Without `data` only the parameters' gradients.
  void BackwardLayer(const Plan& plan, size_t index, float* workspace, ConstMatrix d_output, bool data,
                     const GradientSum& gradients) const;

  const FieldShape shape_;
  const Kernels& kernels_;
  const bool relu_;
  std::vector<Layer> layers_;
  std::vector<Prepared> prepared_;
  Axis output_;
  int maps_ = 0;  // of all layers that aren't pooled
};

Cin::Cin(const proto::Cin& config, const FieldShape& shape, const std::string& name, const Kernels& kernels,
         ParameterLayout* layout)
    : shape_(shape),
      kernels_(kernels),
      relu_(config.activation() == proto::Cin::RELU),
      prepared_(config.layers_size()) {
  CHECK_GT(config.layers_size(), 0);
  const Axis fields = Axis::OfFields(shape.fields, 1);
  Axis previous = fields;
  int width = 0;
  for (int k = 0; k < config.layers_size(); ++k) {
    const int maps = config.layers(k);
    const bool last = k + 1 == config.layers_size();
    const bool splits = config.split_half() && !last;
    CHECK_GT(maps, 0);
    CHECK(!splits || maps % 2 == 0) << "layer " << k << " has " << maps << " maps and splits";
    Layer layer;
    layer.pooled = last && !relu_;
    layer.shape = {maps, previous.size(), shape.fields, k == 0};
    layer.passed_on = last ? 0 : splits ? maps / 2 : maps;
    layer.first_output = splits ? maps / 2 : 0;
    layer.output_column = width;
    layer.first_map = maps_;
    if (!layer.pooled) maps_ += maps;
    const std::string prefix = name + "/" + std::to_string(k);
    layer.weight_name = prefix + "/weight";
    layer.weight = layout->Add(layer.weight_name, {maps, previous, fields}, ParameterKind::kWeight);
    layer.bias = config.bias() ? layout->Add(prefix + "/bias", {maps}, ParameterKind::kBias) : -1;
    width += layer.outputs();
    if (!last) previous = layer.passed_on;
    layers_.push_back(layer);
  }
  output_ = width;
}

int64_t Cin::flops_per_sample() const {
  int64_t flops = 0;
  for (const Layer& layer : layers_) {
    const int64_t m = layer.shape.fields;
    if (layer.pooled) {
      flops += 2 * layer.pairs() * shape_.dim + 2 * layer.weights();
    } else {
      const int64_t pairs = layer.shape.symmetric ? m * (m + 1) / 2 : layer.pairs();
      flops += (pairs + 2 * layer.shape.maps * pairs + layer.outputs()) * shape_.dim;
    }
  }
  return flops;
}

void Cin::Initialize(uint64_t seed, float* parameters) const {
  for (const Layer& layer : layers_) {
    InitializeNormal(seed, layer.weight_name, layer.weights(),
                     XavierDeviation(layer.pairs(), layer.shape.maps), parameters + layer.weight);
    if (layer.bias >= 0) std::fill_n(parameters + layer.bias, layer.shape.maps, 0.0f);
  }
}

void Cin::Prepare(const float* parameters) {
  for (size_t k = 0; k < layers_.size(); ++k) {
    const Layer& layer = layers_[k];
    Prepared& prepared = prepared_[k];
    const float* w = parameters + layer.weight;
    const int64_t pairs = layer.pairs();
    const int maps = layer.shape.maps;
    if (layer.pooled) {
      prepared.weight.resize(kernels_.PackedFloats(pairs, maps));
      kernels_.Pack(w, pairs, maps, 1, pairs, prepared.weight.data());
      prepared.transposed.resize(kernels_.PackedFloats(maps, pairs));
      kernels_.Pack(w, maps, pairs, pairs, 1, prepared.transposed.data());
    } else {
      prepared.weight.resize(kernels_.CinPackedFloats(layer.shape));
      kernels_.CinPack(layer.shape, w, prepared.weight.data());
    }
    if (layer.bias >= 0) {
      const float* bias = parameters + layer.bias;
      prepared.bias.assign(bias, bias + maps);
      if (layer.pooled) {
        for (float& b : prepared.bias) b *= static_cast<float>(shape_.dim);
      }
    }
  }
}

Plan Cin::MakePlan(int rows) const {
  Plan plan = {};
  plan.cols = rows * shape_.dim;
  const int64_t lines = RoundUpToLine(plan.cols) / kLineFloats;
  plan.stride = (lines | 1) * kLineFloats;
  const auto reserve = [&plan](int64_t floats) {
    const int64_t offset = plan.size;
    plan.size += RoundUpToLine(floats);
    return offset;
  };
  if (field_major()) plan.x0 = reserve(shape_.fields * plan.stride);
  plan.x = reserve(maps_ * plan.stride);
  if (layers_.back().pooled) {
    plan.gram = reserve(rows * layers_.back().pairs());
    plan.packed = reserve(std::max(kernels_.PackedFloats(shape_.dim, shape_.fields),
                                   kernels_.PackedFloats(shape_.fields, shape_.dim)));
  }
  if (field_major()) plan.dx0 = reserve(shape_.fields * plan.stride);
  plan.dx = reserve(maps_ * plan.stride);
  return plan;
}

void Cin::Forward(ConstMatrix fields, float* workspace, Matrix output) const {
  const Plan plan = MakePlan(fields.rows);
  const Matrix x0 = {workspace + plan.x0, shape_.fields, plan.cols, plan.stride};
  if (field_major()) {
    for (int r = 0; r < fields.rows; ++r) {
      for (int f = 0; f < shape_.fields; ++f) {
        std::copy_n(fields.row(r) + f * shape_.dim, shape_.dim, x0.row(f) + r * shape_.dim);
      }
    }
  }
  for (size_t k = 0; k < layers_.size(); ++k) {
    const Layer& layer = layers_[k];
    const Matrix layer_output = {output.data + layer.output_column, output.rows, layer.outputs(),
                                 output.stride};
    if (layer.pooled) {
      ForwardPooled(plan, fields, workspace, layer_output);
    } else {
      const Matrix x = {workspace + plan.x_of(layer), layer.shape.maps, plan.cols, plan.stride};
      kernels_.CinForward(layer.shape, prepared_[k].weight.data(), prepared_[k].bias_or_null(), relu_, x0,
                          Previous(plan, k, workspace), x);
      PoolMaps(layer, x, layer_output);
    }
  }
}

void Cin::PoolMaps(const Layer& layer, ConstMatrix x, Matrix output) const {
  for (int h = 0; h < layer.outputs(); ++h) {
    kernels_.SumGroups(x.row(layer.first_output + h), output.rows, shape_.dim, output.data + h,
                       output.stride);
  }
}

void Cin::ForwardPooled(const Plan& plan, ConstMatrix fields, float* workspace, Matrix output) const {
  const Layer& layer = layers_.back();
  const Prepared& prepared = prepared_.back();
  const int64_t pairs = layer.pairs();
  float* packed = workspace + plan.packed;
  for (int r = 0; r < fields.rows; ++r) {
    kernels_.Pack(fields.row(r), shape_.dim, shape_.fields, 1, shape_.dim, packed);
    kernels_.Gemm(PreviousOfSample(plan, fields, r, workspace), packed, nullptr, false, false,
                  {workspace + plan.gram + r * pairs, layer.shape.previous, shape_.fields, shape_.fields});
  }
  kernels_.Gemm({workspace + plan.gram, fields.rows, static_cast<int>(pairs), pairs}, prepared.weight.data(),
                prepared.bias_or_null(), false, false, output);
}

void Cin::Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                   const GradientSum& gradients) const {
  const Plan plan = MakePlan(fields.rows);
  if (field_major()) std::fill_n(workspace + plan.dx0, shape_.fields * plan.stride, 0.0f);
  for (size_t k = layers_.size(); k-- > 0;) {
    const Layer& layer = layers_[k];
    const ConstMatrix layer_d_output = {d_output.data + layer.output_column, d_output.rows, layer.outputs(),
                                        d_output.stride};
    if (layer.pooled) {
      BackwardPooled(plan, fields, workspace, layer_d_output, d_fields, gradients);
    } else {
      BackwardLayer(plan, k, workspace, layer_d_output, /*data=*/k > 0 || d_fields.data != nullptr,
                    gradients);
    }
  }
  if (!field_major() || d_fields.data == nullptr) return;
  const ConstMatrix dx0 = {workspace + plan.dx0, shape_.fields, plan.cols, plan.stride};
  for (int r = 0; r < fields.rows; ++r) {
    for (int f = 0; f < shape_.fields; ++f) {
      const float* source = dx0.row(f) + r * shape_.dim;
      float* target = d_fields.row(r) + f * shape_.dim;
      for (int d = 0; d < shape_.dim; ++d) target[d] += source[d];
    }
  }
}

void Cin::BackwardPooled(const Plan& plan, ConstMatrix fields, float* workspace, ConstMatrix d_output,
                         Matrix d_fields, const GradientSum& gradients) const {
  const Layer& layer = layers_.back();
  const int pairs = static_cast<int>(layer.pairs());
  const Matrix gram = {workspace + plan.gram, fields.rows, pairs, pairs};
  kernels_.GemmTransposed(d_output, gram, false, {gradients + layer.weight, layer.shape.maps, pairs, pairs});
  if (layer.bias >= 0) {
    float* d_bias = gradients + layer.bias;
    SumRows(d_output, d_bias);
    for (int h = 0; h < layer.shape.maps; ++h) d_bias[h] *= static_cast<float>(shape_.dim);
  }
  const bool wanted = d_fields.data != nullptr;
  if (!wanted && !field_major()) return;
  // The Gram matrices have done their part: their gradient takes their place.
  kernels_.Gemm(d_output, prepared_.back().transposed.data(), nullptr, false, false, gram);
  float* packed = workspace + plan.packed;
  for (int r = 0; r < fields.rows; ++r) {
    const ConstMatrix d_gram = {gram.row(r), layer.shape.previous, shape_.fields, shape_.fields};
    const Matrix dx0 = {wanted ? d_fields.row(r) : nullptr, shape_.fields, shape_.dim, shape_.dim};
    if (wanted) kernels_.GemmTransposed(d_gram, PreviousOfSample(plan, fields, r, workspace), true, dx0);
    kernels_.Pack(fields.row(r), shape_.fields, shape_.dim, shape_.dim, 1, packed);
    if (field_major()) {
      Matrix dxk = DPrevious(plan, layers_.size() - 1, workspace);
      dxk.data += static_cast<int64_t>(r) * shape_.dim;
      dxk.cols = shape_.dim;
      kernels_.Gemm(d_gram, packed, nullptr, false, false, dxk);
    } else {
      kernels_.Gemm(d_gram, packed, nullptr, false, true, dx0);
    }
  }
}

// Turns the gradient of the maps that the layer passes on into that of all its sums before the activation.
void Cin::AddOutputGradient(const Layer& layer, ConstMatrix x, ConstMatrix d_output, Matrix dx) const {
  for (int h = 0; h < layer.shape.maps; ++h) {
    float* target = dx.row(h);
    if (h >= layer.passed_on) std::fill_n(target, dx.cols, 0.0f);
    if (h >= layer.first_output) {
      for (int r = 0; r < d_output.rows; ++r) {
        const float gradient = d_output.row(r)[h - layer.first_output];
        for (int d = 0; d < shape_.dim; ++d) target[r * shape_.dim + d] += gradient;
      }
    }
    if (relu_) {
      const float* value = x.row(h);
      for (int c = 0; c < dx.cols; ++c) target[c] = value[c] > 0 ? target[c] : 0.0f;
    }
  }
}

void Cin::BackwardLayer(const Plan& plan, size_t index, float* workspace, ConstMatrix d_output, bool data,
                        const GradientSum& gradients) const {
  const Layer& layer = layers_[index];
  const ConstMatrix x0 = {workspace + plan.x0, shape_.fields, plan.cols, plan.stride};
  const ConstMatrix x = {workspace + plan.x_of(layer), layer.shape.maps, plan.cols, plan.stride};
  const Matrix dx = {workspace + plan.dx_of(layer), layer.shape.maps, plan.cols, plan.stride};
  const Matrix dx0 = {workspace + plan.dx0, shape_.fields, plan.cols, plan.stride};
  AddOutputGradient(layer, x, d_output, dx);
  const ConstMatrix previous = Previous(plan, index, workspace);
  kernels_.CinBackwardWeights(layer.shape, x0, previous, dx, gradients + layer.weight);
  if (layer.bias >= 0) {
    for (int h = 0; h < layer.shape.maps; ++h) {
      kernels_.SumGroups(dx.row(h), 1, dx.cols, gradients + layer.bias + h, 1);
    }
  }
  if (!data) return;
  const Matrix d_previous = DPrevious(plan, index, workspace);
  if (index > 0) std::fill_n(d_previous.data, d_previous.rows * d_previous.stride, 0.0f);
  kernels_.CinBackwardData(layer.shape, prepared_[index].weight.data(), x0, previous, dx, dx0, d_previous);
}

}  // namespace

std::unique_ptr<Interaction> MakeLayer(const proto::Cin& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout) {
  return std::make_unique<Cin>(config, shape, name, kernels, layout);
}

LayerOutline OutlineOf(const proto::Cin& config, const LayerFields& fields) {
  LayerOutline outline{"cin.layers"};
  outline.activations = 2 * fields.fields * fields.dim;
  double previous = fields.fields;
  for (int l = 0; l < config.layers_size(); ++l) {
    const double maps = config.layers(l);
    const bool last = l + 1 == config.layers_size();
    const int half = config.layers(l) / 2;  // an even number of maps
    const double passed_on = config.split_half() && !last ? half : maps;
    outline.weights += maps * previous * fields.fields;
    outline.activations += last && config.activation() == proto::Cin::IDENTITY ? previous * fields.fields
                                                                               : 2 * maps * fields.dim;
    outline.width += config.split_half() && !last ? maps - passed_on : maps;
    previous = passed_on;
  }
  return outline;
}

}  // namespace tandem
