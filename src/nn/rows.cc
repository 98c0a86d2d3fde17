#include "src/nn/rows.h"

#include <algorithm>

namespace tandem {

void CopyRows(ConstMatrix from, Matrix to) {
  for (int i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to.row(i));
}

void AddRows(ConstMatrix from, Matrix to) {
  for (int i = 0; i < from.rows; ++i) {
    const float* x = from.row(i);
    float* y = to.row(i);
    for (int j = 0; j < from.cols; ++j) y[j] += x[j];
  }
}

void ZeroRows(Matrix x) {
  for (int i = 0; i < x.rows; ++i) std::fill_n(x.row(i), x.cols, 0.0f);
}

void SumRows(ConstMatrix x, float* sums) {
  std::fill_n(sums, x.cols, 0.0f);
  for (int i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    for (int j = 0; j < x.cols; ++j) sums[j] += row[j];
  }
}

void SumWeightedRows(const float* factors, ConstMatrix x, float* sums) {
  std::fill_n(sums, x.cols, 0.0f);
  for (int i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    const float factor = factors[i];
    for (int j = 0; j < x.cols; ++j) sums[j] += factor * row[j];
  }
}

void AddOuterProduct(const float* factors, const float* weights, Matrix x) {
  for (int i = 0; i < x.rows; ++i) {
    float* row = x.row(i);
    const float factor = factors[i];
    for (int j = 0; j < x.cols; ++j) row[j] += factor * weights[j];
  }
}

}  // namespace tandem
