// The cross network of DCN-v2, full or of low rank (interaction_cross.h).
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "src/nn/interaction_cross.h"
#include "src/nn/rows.h"

namespace tandem {
namespace {

// Matrices of x's shape are kept for the way back: x_l and z_l = W_l x_l + b_l.
class CrossV2 : public Interaction {
 public:
  CrossV2(int layers, int rank, const Axis& x, const std::string& name, const Kernels& kernels,
          ParameterLayout* layout)
      : output_(x), width_(x.size()), rank_(rank), kernels_(kernels), layers_(layers) {
    for (size_t l = 0; l < layers_.size(); ++l) {
      Layer& layer = layers_[l];
      const std::string prefix = absl::StrCat(name, "/", l, "/");
      if (rank_ > 0) {
        layer.outer = MakeFactor(prefix + "u", x, rank_, layout);
        layer.inner = MakeFactor(prefix + "v", rank_, x, layout);
      } else {
        layer.outer = MakeFactor(prefix + "weight", x, x, layout);
      }
      layer.bias_offset = layout->Add(prefix + "bias", {x}, ParameterKind::kBias);
      layer.bias.resize(width_);
    }
  }

  const Axis& output() const override { return output_; }
  bool learned_readout() const override { return true; }
  int64_t workspace_floats(int rows) const override {
    WorkspaceCutter cutter(nullptr);
    for (size_t i = 0; i < layers_.size(); ++i) CutLayer(rows, &cutter);
    CutGradients(rows, &cutter);
    return cutter.used();
  }
  int64_t flops_per_sample() const override {
    const int64_t product = rank_ > 0 ? int64_t{4} * width_ * rank_ : int64_t{2} * width_ * width_;
    return static_cast<int64_t>(layers_.size()) * (product + 2 * width_);
  }

  void Initialize(uint64_t seed, float* parameters) const override {
    for (const Layer& layer : layers_) {
      InitializeFactor(layer.outer, seed, parameters);
      if (rank_ > 0) InitializeFactor(layer.inner, seed, parameters);
      std::fill_n(parameters + layer.bias_offset, width_, 0.0f);
    }
  }

  void Prepare(const float* parameters) override {
    for (Layer& layer : layers_) {
      PrepareFactor(parameters, &layer.outer);
      if (rank_ > 0) PrepareFactor(parameters, &layer.inner);
      std::copy_n(parameters + layer.bias_offset, width_, layer.bias.data());
    }
  }

  void Forward(ConstMatrix fields, float* workspace, Matrix output) const override {
    WorkspaceCutter cutter(workspace);
    ConstMatrix x = fields;
    for (size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const LayerBuffers buffers = CutLayer(fields.rows, &cutter);
      ConstMatrix inner = x;
      if (rank_ > 0) {
        kernels_.Gemm(x, layer.inner.packed.data(), nullptr, false, false, buffers.inner);
        inner = buffers.inner;
      }
      kernels_.Gemm(inner, layer.outer.packed.data(), layer.bias.data(), false, false, buffers.z);
      const Matrix next = l + 1 < layers_.size() ? buffers.next : output;
      for (int r = 0; r < fields.rows; ++r) {
        const float *x0 = fields.row(r), *xl = x.row(r), *z = buffers.z.row(r);
        float* y = next.row(r);
        for (int j = 0; j < width_; ++j) y[j] = x0[j] * z[j] + xl[j];
      }
      x = next;
    }
  }

  void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                const GradientSum& gradients) const override {
    const bool wanted = d_fields.data != nullptr;
    const int64_t layer_floats = LayerFloats(fields.rows);
    WorkspaceCutter gradient_cutter(workspace + layer_floats * layers_.size());
    const GradientBuffers d = CutGradients(fields.rows, &gradient_cutter);
    CopyRows(d_output, d.x);
    for (int l = static_cast<int>(layers_.size()) - 1; l >= 0; --l) {
      WorkspaceCutter cutter(workspace + layer_floats * l);
      const LayerBuffers buffers = CutLayer(fields.rows, &cutter);
      for (int r = 0; r < fields.rows; ++r) {
        const float *x0 = fields.row(r), *d_next = d.x.row(r);
        float* d_z = d.z.row(r);
        for (int j = 0; j < width_; ++j) d_z[j] = d_next[j] * x0[j];
      }
      if (wanted) AddProducts(d.x, buffers.z, d_fields);
      ConstMatrix x = fields;
      if (l > 0) {
        WorkspaceCutter below(workspace + layer_floats * (l - 1));
        x = CutLayer(fields.rows, &below).next;
      }
      BackwardAffine(layers_[l], x, buffers, d, /*data=*/wanted || l > 0, gradients);
    }
    if (wanted) AddRows(d.x, d_fields);
  }

 private:
  // A matrix [rows, cols] that takes x to W x.
  struct Factor {
    std::string name;
    int rows, cols;
    int64_t offset;
    AlignedFloats packed, packed_transposed;
  };
  struct Layer {
    Factor outer;  // W, or U
    Factor inner;  // V, only with low rank
    int64_t bias_offset;
    AlignedFloats bias;
  };
  struct LayerBuffers {
    Matrix inner;  // [rows, rank]: V x
    Matrix z;      // [rows, d]
    Matrix next;   // [rows, d]: x_{l+1}; not used by the last layer, whose x_{l+1} is the output
  };
  struct GradientBuffers {
    Matrix x, z, inner;
  };

  LayerBuffers CutLayer(int rows, WorkspaceCutter* cutter) const {
    LayerBuffers buffers;
    buffers.inner = cutter->Next(rows, rank_);
    buffers.z = cutter->Next(rows, width_);
    buffers.next = cutter->Next(rows, width_);
    return buffers;
  }
  int64_t LayerFloats(int rows) const {
    WorkspaceCutter cutter(nullptr);
    CutLayer(rows, &cutter);
    return cutter.used();
  }
  GradientBuffers CutGradients(int rows, WorkspaceCutter* cutter) const {
    GradientBuffers buffers;
    buffers.x = cutter->Next(rows, width_);
    buffers.z = cutter->Next(rows, width_);
    buffers.inner = cutter->Next(rows, rank_);
    return buffers;
  }

  Factor MakeFactor(const std::string& name, const Axis& rows, const Axis& cols,
                    ParameterLayout* layout) const {
    const int64_t offset = layout->Add(name, {rows, cols}, ParameterKind::kWeight, BlockGradient::kProduct);
    Factor factor{name, rows.size(), cols.size(), offset, {}, {}};
    factor.packed.resize(kernels_.PackedFloats(factor.cols, factor.rows));
    factor.packed_transposed.resize(kernels_.PackedFloats(factor.rows, factor.cols));
    return factor;
  }
  static void InitializeFactor(const Factor& factor, uint64_t seed, float* parameters) {
    InitializeNormal(seed, factor.name, int64_t{factor.rows} * factor.cols,
                     1 / std::sqrt(static_cast<double>(factor.cols)), parameters + factor.offset);
  }
  void PrepareFactor(const float* parameters, Factor* factor) const {
    const float* w = parameters + factor->offset;
    kernels_.Pack(w, factor->cols, factor->rows, 1, factor->cols, factor->packed.data());
    kernels_.Pack(w, factor->rows, factor->cols, factor->cols, 1, factor->packed_transposed.data());
  }

  static void AddProducts(ConstMatrix a, ConstMatrix b, Matrix sum) {
    for (int r = 0; r < a.rows; ++r) {
      const float *x = a.row(r), *y = b.row(r);
      float* s = sum.row(r);
      for (int j = 0; j < a.cols; ++j) s[j] += x[j] * y[j];
    }
  }

  // Given d.z, the parameters' gradients, and with `data` adds that of x to d.x.
  void BackwardAffine(const Layer& layer, ConstMatrix x, const LayerBuffers& buffers,
                      const GradientBuffers& d, bool data, const GradientSum& gradients) const {
    SumRows(d.z, gradients + layer.bias_offset);
    if (rank_ == 0) {
      gradients.SetProduct(kernels_, d.z, x, layer.outer.offset);
      if (data) kernels_.Gemm(d.z, layer.outer.packed_transposed.data(), nullptr, false, true, d.x);
      return;
    }
    gradients.SetProduct(kernels_, d.z, buffers.inner, layer.outer.offset);
    kernels_.Gemm(d.z, layer.outer.packed_transposed.data(), nullptr, false, false, d.inner);
    gradients.SetProduct(kernels_, d.inner, x, layer.inner.offset);
    if (data) kernels_.Gemm(d.inner, layer.inner.packed_transposed.data(), nullptr, false, true, d.x);
  }

  const Axis output_;
  const int width_;
  const int rank_;  // 0: full
  const Kernels& kernels_;
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<Interaction> MakeCrossV2(int layers, int rank, const Axis& x, const std::string& name,
                                         const Kernels& kernels, ParameterLayout* layout) {
  return std::make_unique<CrossV2>(layers, rank, x, name, kernels, layout);
}

}  // namespace tandem
