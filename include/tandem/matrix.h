// Views of row-major float matrices, and the aligned memory behind them.
//
// Convention: component j of row i is data[i * stride + j]. A view owns nothing and must not outlive what it
// looks at.
#ifndef TANDEM_MATRIX_H_
#define TANDEM_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace tandem {

struct ConstMatrix {
  const float* data = nullptr;
  int rows = 0;
  int cols = 0;
  int64_t stride = 0;

  const float* row(int i) const { return data + i * stride; }
};

struct Matrix {
  float* data = nullptr;
  int rows = 0;
  int cols = 0;
  int64_t stride = 0;

  float* row(int i) const { return data + i * stride; }
  operator ConstMatrix() const { return {data, rows, cols, stride}; }  // NOLINT(google-explicit-constructor)
};

// Allocates at cache-line boundaries, so that vector loads don't straddle lines.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kAlignment); }
  bool operator==(const AlignedAllocator&) const { return true; }
  bool operator!=(const AlignedAllocator&) const { return false; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

}  // namespace tandem

#endif  // TANDEM_MATRIX_H_
