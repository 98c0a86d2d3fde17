// Views of row-major float matrices, and the aligned memory behind them.
//
//   AlignedFloats floats(128 * 64);                            // at a cache line's boundary
//   const Matrix whole = {floats.data(), 128, 64, 64};         // 128 rows of 64
//   const ConstMatrix half = {whole.row(0), 128, 32, 64};      // of each row the first 32
//
// Convention: component j of row i is data[i * stride + j]. A view owns nothing and must not outlive what it
// looks at. Thread-safe as plain memory is: one writer a row, or any number of readers.
#ifndef TANDEM_MATRIX_H_
#define TANDEM_MATRIX_H_

#include <cstddef>
#include <cstdint>
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

// Memory at a cache-line boundary, so that vector loads don't straddle lines; from half a MB on at the
// boundary of a huge page, and in huge pages where the system gives them, so that walking it misses the TLB
// less.
void* AllocateLines(size_t bytes);
// `bytes` as they were asked for.
void FreeLines(void* p, size_t bytes);

template <typename T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t n) { return static_cast<T*>(AllocateLines(n * sizeof(T))); }
  void deallocate(T* p, size_t n) { FreeLines(p, n * sizeof(T)); }
  bool operator==(const AlignedAllocator&) const { return true; }
  bool operator!=(const AlignedAllocator&) const { return false; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

}  // namespace tandem

#endif  // TANDEM_MATRIX_H_
