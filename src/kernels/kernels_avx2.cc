// AVX2 and FMA: x86-64-v3, the level that the whole library is built for.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#include "src/kernels/table.h"
#include "src/kernels/vector_impl.h"

namespace tandem {
namespace {

// A window of eight into this, starting at 8 - n, selects the first n lanes.
alignas(64) constexpr int32_t kLaneMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct Avx2 {
  using Reg = __m256;
  static constexpr int kWidth = 8;
  // 12 sums, 2 columns and 1 broadcast of the 16 registers.
  static constexpr int kRows = 6;
  static constexpr int kVectors = 2;
  static constexpr int kGemmRows = 6;
  static constexpr int MaxVectors(int rows) { return rows == 1 ? 8 : rows <= 4 ? 12 / rows : 2; }

  static Reg Zero() { return _mm256_setzero_ps(); }
  static Reg Broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Reg Load(const float* p) { return _mm256_loadu_ps(p); }
  static void Store(float* p, Reg x) { _mm256_storeu_ps(p, x); }
  static Reg LoadFirst(const float* p, int n) { return _mm256_maskload_ps(p, Mask(n)); }
  static void StoreFirst(float* p, Reg x, int n) { _mm256_maskstore_ps(p, Mask(n), x); }
  static Reg Add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
  static Reg Mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
  static Reg Fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
  // The second operand wins where one isn't a number: NaN stays NaN.
  static Reg Relu(Reg x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }
  static float Sum(Reg x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

 private:
  static __m256i Mask(int n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 8 - n));
  }
};

}  // namespace

constexpr KernelTable kAvx2Kernels = TableOf<Avx2>("avx2");

}  // namespace tandem

#endif  // __x86_64__
