// The cross network of DCN, as a recurrence of numbers (interaction_cross.h).
#include <algorithm>
#include <cmath>
#include <string>

#include "src/nn/initialize.h"
#include "src/nn/interaction_cross.h"
#include "src/nn/rows.h"

namespace tandem {
namespace {

// Every x_l is alpha_l x_0 + beta_l with one number alpha_l a row and one vector beta_l = b_0 + ... + b_{l-1}
// for all rows, so that the whole network is one thin product P = X0 [w_0 .. w_{L-1}] and a recurrence of
// numbers:
//   s_l = x_l . w_l = alpha_l p_l + beta_l . w_l,   alpha_{l+1} = alpha_l + s_l,   alpha_0 = 1, beta_0 = 0.
class CrossV1 : public Interaction {
 public:
  CrossV1(int layers, const Axis& x, const std::string& name, const Kernels& kernels, ParameterLayout* layout)
      : layers_(layers), width_(x.size()), output_(x), weight_name_(name + "/weight"), kernels_(kernels) {
    weight_offset_ = layout->Add(weight_name_, {layers, x}, ParameterKind::kWeight);
    bias_offset_ = layout->Add(name + "/bias", {layers, x}, ParameterKind::kBias);
    weights_.resize(size());
    packed_.resize(kernels.PackedFloats(width_, layers));
    packed_transposed_.resize(kernels.PackedFloats(layers, width_));
    betas_.resize(size() + width_);
    beta_products_.resize(layers);
  }

  const Axis& output() const override { return output_; }
  bool learned_readout() const override { return true; }
  int64_t workspace_floats(int rows) const override { return Cut(nullptr, rows).floats; }
  int64_t flops_per_sample() const override { return 2 * size() + 3 * layers_ + 2 * width_; }

  void Initialize(uint64_t seed, float* parameters) const override {
    InitializeNormal(seed, weight_name_, size(), 1 / std::sqrt(static_cast<double>(width_)),
                     parameters + weight_offset_);
    std::fill_n(parameters + bias_offset_, size(), 0.0f);
  }

  void Prepare(const float* parameters) override {
    const float* bias = parameters + bias_offset_;
    std::copy_n(parameters + weight_offset_, size(), weights_.data());
    kernels_.Pack(weights_.data(), width_, layers_, 1, width_, packed_.data());
    kernels_.Pack(weights_.data(), layers_, width_, width_, 1, packed_transposed_.data());
    for (int l = 0; l < layers_; ++l) {
      beta_products_[l] = kernels_.Dot(beta(l), weight(l), width_);
      for (int j = 0; j < width_; ++j) {
        betas_[(l + 1) * width_ + j] = beta(l)[j] + bias[l * width_ + j];
      }
    }
  }

  void Forward(ConstMatrix fields, float* workspace, Matrix output) const override {
    const Buffers buffers = Cut(workspace, fields.rows);
    kernels_.Gemm(fields, packed_.data(), nullptr, false, false, buffers.products);
    const float* bias = beta(layers_);
    for (int r = 0; r < fields.rows; ++r) {
      const float* p = buffers.products.row(r);
      float* alpha = buffers.alphas.row(r);
      alpha[0] = 1;
      for (int l = 0; l < layers_; ++l) alpha[l + 1] = alpha[l] + (alpha[l] * p[l] + beta_products_[l]);
      const float* x = fields.row(r);
      float* y = output.row(r);
      for (int j = 0; j < width_; ++j) y[j] = alpha[layers_] * x[j] + bias[j];
    }
  }

  void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                const GradientSum& gradients) const override {
    const Buffers buffers = Cut(workspace, fields.rows);
    std::fill_n(buffers.d_sums.data, layers_, 0.0f);
    for (int r = 0; r < fields.rows; ++r) {
      const float* p = buffers.products.row(r);
      const float* alpha = buffers.alphas.row(r);
      float* d_p = buffers.d_products.row(r);
      float d_alpha = kernels_.Dot(d_output.row(r), fields.row(r), width_);
      for (int l = layers_ - 1; l >= 0; --l) {
        // d_alpha is the gradient of alpha_{l+1}, and of s_l with it.
        buffers.d_sums.data[l] += d_alpha;
        d_p[l] = d_alpha * alpha[l];
        d_alpha += d_alpha * p[l];
      }
    }
    BackwardParameters(fields, buffers, d_output, gradients);
    if (d_fields.data == nullptr) return;
    for (int r = 0; r < fields.rows; ++r) {
      kernels_.Axpy(buffers.alphas.row(r)[layers_], d_output.row(r), width_, d_fields.row(r));
    }
    kernels_.Gemm(buffers.d_products, packed_transposed_.data(), nullptr, false, true, d_fields);
  }

 private:
  struct Buffers {
    Matrix products, d_products;  // [rows, layers]: p_l, and its gradient
    Matrix alphas;                // [rows, layers + 1]
    Matrix d_sums;                // [1, layers]: the gradients of s_l, summed over rows
    int64_t floats;
  };

  Buffers Cut(float* workspace, int rows) const {
    WorkspaceCutter cutter(workspace);
    Buffers buffers;
    buffers.products = cutter.Next(rows, layers_);
    buffers.d_products = cutter.Next(rows, layers_);
    buffers.alphas = cutter.Next(rows, layers_ + 1);
    buffers.d_sums = cutter.Next(1, layers_);
    buffers.floats = cutter.used();
    return buffers;
  }

  void BackwardParameters(ConstMatrix fields, const Buffers& buffers, ConstMatrix d_output,
                          const GradientSum& gradients) const {
    float* d_weights = gradients + weight_offset_;
    float* d_bias = gradients + bias_offset_;
    kernels_.GemmTransposed(buffers.d_products, fields, false, {d_weights, layers_, width_, width_});
    // b_l is a part of every beta above it: its gradient is that of beta_{l+1}.
    SumRows(d_output, d_bias + (layers_ - 1) * width_);
    for (int l = layers_ - 1; l > 0; --l) {
      const float d_sum = buffers.d_sums.data[l];
      kernels_.Axpy(d_sum, beta(l), width_, d_weights + l * width_);
      std::copy_n(d_bias + l * width_, width_, d_bias + (l - 1) * width_);
      kernels_.Axpy(d_sum, weight(l), width_, d_bias + (l - 1) * width_);
    }
  }

  int64_t size() const { return static_cast<int64_t>(layers_) * width_; }
  const float* weight(int l) const { return weights_.data() + l * width_; }
  const float* beta(int l) const { return betas_.data() + l * width_; }

  const int layers_;
  const int width_;
  const Axis output_;
  const std::string weight_name_;
  const Kernels& kernels_;
  int64_t weight_offset_, bias_offset_;
  AlignedFloats weights_;                     // [layers, width]
  AlignedFloats packed_, packed_transposed_;  // [width, layers] and [layers, width]
  AlignedFloats betas_;                       // [layers + 1, width]
  AlignedFloats beta_products_;               // [layers]: beta_l . w_l
};

}  // namespace

std::unique_ptr<Interaction> MakeCrossV1(int layers, const Axis& x, const std::string& name,
                                         const Kernels& kernels, ParameterLayout* layout) {
  return std::make_unique<CrossV1>(layers, x, name, kernels, layout);
}

}  // namespace tandem
