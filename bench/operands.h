// Operands of the kernels' benchmarks.
#ifndef TANDEM_BENCH_OPERANDS_H_
#define TANDEM_BENCH_OPERANDS_H_

#include <algorithm>
#include <cstdint>

#include "tandem/kernels.h"

namespace tandem::bench {

// Small, and never denormal.
inline AlignedFloats Values(int64_t n, int seed = 0) {
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i)
    values[i] = static_cast<float>((i + seed) * 7919 % 1000 - 500) * 1e-3f + 1e-4f;
  return values;
}

// A layer of the CIN on one shard of 128 samples with D = 16; rows of the matrices apart by a cache line more
// than a power of two. Bias and ReLU as in the forward of a training step.
class CinLayer {
 public:
  CinLayer(const Kernels& kernels, const CinShape& shape)
      : kernels_(kernels),
        shape_(shape),
        w_(Values(static_cast<int64_t>(shape.maps) * shape.previous * shape.fields)),
        packed_(kernels.CinPackedFloats(shape)),
        bias_(Values(shape.maps)),
        x0_(Values(shape.fields * kStride)),
        xk_(Values(shape.previous * kStride)),
        out_(Values(shape.maps * kStride)),
        d_out_(Values(shape.maps * kStride)),
        dx0_(shape.fields * kStride),
        dxk_(shape.previous * kStride) {
    kernels.CinPack(shape, w_.data(), packed_.data());
  }

  void Forward() {
    kernels_.CinForward(shape_, packed_.data(), bias_.data(), true, View(x0_, shape_.fields),
                        View(xk_, shape_.previous), View(out_, shape_.maps));
  }
  // From zero every time: growing sums would overflow.
  void BackwardData() {
    std::fill(dx0_.begin(), dx0_.end(), 0.0f);
    std::fill(dxk_.begin(), dxk_.end(), 0.0f);
    kernels_.CinBackwardData(shape_, packed_.data(), View(x0_, shape_.fields), View(xk_, shape_.previous),
                             View(d_out_, shape_.maps), View(dx0_, shape_.fields),
                             View(dxk_, shape_.previous));
  }
  void BackwardWeights() {
    kernels_.CinBackwardWeights(shape_, View(x0_, shape_.fields), View(xk_, shape_.previous),
                                View(d_out_, shape_.maps), w_.data());
  }

  // Multiplications and additions that a forward has to do (half of the pairs in a symmetric layer), and
  // those of the formula as it is written. Each of the two backward passes has as many.
  double flops() const {
    const double pairs = shape_.symmetric ? shape_.fields * (shape_.fields + 1) / 2.0
                                          : static_cast<double>(shape_.previous) * shape_.fields;
    return 2.0 * shape_.maps * pairs * kColumns;
  }
  double nominal_flops() const { return 2.0 * shape_.maps * shape_.previous * shape_.fields * kColumns; }

 private:
  static constexpr int kColumns = 2048;
  static constexpr int64_t kStride = kColumns + 16;
  static Matrix View(AlignedFloats& data, int maps) { return {data.data(), maps, kColumns, kStride}; }

  const Kernels& kernels_;
  const CinShape shape_;
  AlignedFloats w_, packed_, bias_, x0_, xk_, out_, d_out_, dx0_, dxk_;
};

}  // namespace tandem::bench

#endif  // TANDEM_BENCH_OPERANDS_H_
