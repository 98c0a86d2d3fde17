#include "tandem/gradient_sum.h"

#include <glog/logging.h>

#include <array>

namespace tandem {

GradientSum::GradientSum(float* own, float* total, absl::Span<const float* const> before)
    : own_(own), total_(total), before_(before) {
  CHECK_LE(before.size(), static_cast<size_t>(kMostBefore));
}

GradientSum GradientSum::From(int64_t offset) const {
  GradientSum part = *this;
  part.offset_ += offset;
  return part;
}

void GradientSum::SetProduct(const Kernels& kernels, ConstMatrix x, ConstMatrix dy, int64_t offset) const {
  const int64_t at = offset_ + offset;
  const auto matrix = [&](float* floats) { return Matrix{floats + at, x.cols, dy.cols, dy.cols}; };
  if (total_ == nullptr || x.rows > Kernels::kMostOntoRows) {
    kernels.GemmTransposed(x, dy, /*accumulate=*/false, matrix(own_));
    return Add(offset, int64_t{x.cols} * dy.cols);
  }
  std::array<const float*, kMostBefore> before;
  for (size_t k = 0; k < before_.size(); ++k) before[k] = before_[k] + at;
  kernels.GemmTransposedOnto(x, dy, {before.data(), before_.size()}, matrix(total_));
}

void GradientSum::Add(int64_t offset, int64_t n) const {
  if (total_ == nullptr) return;
  const int64_t at = offset_ + offset;
  float* const total = total_ + at;
  float* const own = own_ + at;
  for (size_t k = 0; k < before_.size(); ++k) {
    const float* const before = before_[k] + at;
    float* const sum = k + 1 < before_.size() ? own : total;
    for (int64_t j = 0; j < n; ++j) sum[j] = before[j] + own[j];
  }
}

}  // namespace tandem
