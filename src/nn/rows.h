// Small loops over the rows of a matrix, each in the order of its rows.
#ifndef TANDEM_SRC_NN_ROWS_H_
#define TANDEM_SRC_NN_ROWS_H_

#include <cstdint>

#include "tandem/matrix.h"

namespace tandem {

// to = from; equal shapes.
void CopyRows(ConstMatrix from, Matrix to);
// to += from; equal shapes.
void AddRows(ConstMatrix from, Matrix to);
void ZeroRows(Matrix x);
// sums[j] = sum_i x(i, j): the gradient of a bias.
void SumRows(ConstMatrix x, float* sums);
// sums[j] = sum_i factors[i] x(i, j): the gradient of a read-out.
void SumWeightedRows(const float* factors, ConstMatrix x, float* sums);
// x(i, j) += factors[i] weights[j]
void AddOuterProduct(const float* factors, const float* weights, Matrix x);

// The next multiple of a cache line's floats: where the next buffer of a workspace begins.
inline int64_t AlignFloats(int64_t n) { return (n + 15) / 16 * 16; }

// Cuts a workspace into matrices, one after another.
class WorkspaceCutter {
 public:
  explicit WorkspaceCutter(float* memory) : memory_(memory) {}

  Matrix Next(int rows, int cols) { return {Take(static_cast<int64_t>(rows) * cols), rows, cols, cols}; }
  float* Take(int64_t floats) {
    float* begin = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += AlignFloats(floats);
    return begin;
  }
  // Floats cut off so far. With null memory nothing but this is of use: the size to allocate.
  int64_t used() const { return used_; }

 private:
  float* memory_;
  int64_t used_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_NN_ROWS_H_
