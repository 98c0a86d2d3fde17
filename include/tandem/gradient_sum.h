// Where a layer leaves the gradient of its parameters: at a flat vector of its own, and the largest blocks,
// matrix products, added at once to what earlier shards of a batch have left.
//
//   const GradientSum alone = own;                       // a float*: all of it is to lie there
//   const GradientSum gradients(own, total, before);     // total = before[n - 1] + (... + (before[0] + gradient))
//   layer.Backward(x, gradients);
//
// and in the layer, for a block that it registered as BlockGradient::kProduct (tandem/parameters.h) and for
// another:
//
//   gradients.SetProduct(kernels, x, d_y, weight_offset);      // the gradient of [x.cols, d_y.cols] is xT d_y
//   SumRows(d_y, gradients + bias_offset);                     // overwritten
//
// The sum of a product has the bits of adding it block by block once it was made; it spares the memory a way
// there and back. Owns nothing; any number of threads, each with one of its own.
#ifndef TANDEM_GRADIENT_SUM_H_
#define TANDEM_GRADIENT_SUM_H_

#include <cstdint>

#include "absl/types/span.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"

namespace tandem {

class GradientSum {
 public:
  // At most so many vectors are added to a gradient.
  static constexpr int kMostBefore = 32;

  GradientSum(float* own) : own_(own) {}  // NOLINT(google-explicit-constructor): most callers sum nothing
  // `before` outlives this, and may hold `total`.
  GradientSum(float* own, float* total, absl::Span<const float* const> before);

  // The same from a part's first float on.
  GradientSum From(int64_t offset) const;
  // Where the gradient of the block at `offset` is to lie.
  float* operator+(int64_t offset) const { return own_ + offset_ + offset; }
  // xT dy, of a kProduct block, overwrites it at `own`, or its sum with `before` the one at `total`.
  void SetProduct(const Kernels& kernels, ConstMatrix x, ConstMatrix dy, int64_t offset) const;

  // Of n floats at `offset` that lie at `own`: total = before + ... + own. Nothing where there is no total.
  void Add(int64_t offset, int64_t n) const;

 private:
  float* own_;
  float* total_ = nullptr;
  absl::Span<const float* const> before_;
  int64_t offset_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_GRADIENT_SUM_H_
