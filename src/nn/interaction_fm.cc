#include "src/nn/interaction_fm.h"

#include <algorithm>

namespace tandem {
namespace {

class Fm : public Interaction {
 public:
  explicit Fm(const FieldShape& shape) : fields_(shape.fields), dim_(shape.dim), output_(shape.dim) {}

  const Axis& output() const override { return output_; }
  bool learned_readout() const override { return false; }
  // The sums over fields.
  int64_t workspace_floats(int rows) const override { return static_cast<int64_t>(rows) * dim_; }
  // A sum, a square and its sum for each component, then (s^2 - q) / 2.
  int64_t flops_per_sample() const override { return int64_t{3} * fields_ * dim_ + 3 * dim_; }

  void Initialize(uint64_t /*seed*/, float* /*parameters*/) const override {}
  void Prepare(const float* /*parameters*/) override {}

  void Forward(ConstMatrix fields, float* workspace, Matrix output) const override {
    for (int r = 0; r < fields.rows; ++r) {
      float* sum = workspace + static_cast<int64_t>(r) * dim_;
      float* squares = output.row(r);
      std::fill_n(sum, dim_, 0.0f);
      std::fill_n(squares, dim_, 0.0f);
      const float* e = fields.row(r);
      for (int f = 0; f < fields_; ++f, e += dim_) {
        for (int d = 0; d < dim_; ++d) {
          sum[d] += e[d];
          squares[d] += e[d] * e[d];
        }
      }
      for (int d = 0; d < dim_; ++d) squares[d] = 0.5f * (sum[d] * sum[d] - squares[d]);
    }
  }

  void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                const GradientSum& /*gradients*/) const override {
    if (d_fields.data == nullptr) return;
    for (int r = 0; r < fields.rows; ++r) {
      const float* sum = workspace + static_cast<int64_t>(r) * dim_;
      const float* upstream = d_output.row(r);
      const float* e = fields.row(r);
      float* d_e = d_fields.row(r);
      for (int f = 0; f < fields_; ++f, e += dim_, d_e += dim_) {
        for (int d = 0; d < dim_; ++d) d_e[d] += upstream[d] * (sum[d] - e[d]);
      }
    }
  }

 private:
  const int fields_;
  const int dim_;
  const Axis output_;
};

}  // namespace

std::unique_ptr<Interaction> MakeLayer(const proto::Fm& /*config*/, const FieldShape& shape,
                                       const std::string& /*name*/, const Kernels& /*kernels*/,
                                       ParameterLayout* /*layout*/) {
  return std::make_unique<Fm>(shape);
}

LayerOutline OutlineOf(const proto::Fm& /*config*/, const LayerFields& fields) {
  return {"fm", /*weights=*/0, /*activations=*/2 * fields.dim, /*width=*/fields.dim};
}

}  // namespace tandem
