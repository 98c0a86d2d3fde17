// AVX-512: x86-64-v4.
#if defined(__x86_64__)

// GCC 12's header reads a variable that it leaves undefined on purpose (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "src/kernels/table.h"
#include "src/kernels/vector_impl.h"

namespace tandem {
namespace {

struct Avx512 {
  using Reg = __m512;
  static constexpr int kWidth = 16;
  // 28 sums and 2 columns of the 32 registers; a broadcast is part of the multiplication.
  static constexpr int kRows = 14;
  static constexpr int kVectors = 2;
  // Rows of x lie apart, and each needs an address register.
  static constexpr int kGemmRows = 8;
  static constexpr int MaxVectors(int rows) {
    return rows <= 3 ? 8 : rows == 4 ? 6 : rows <= 6 ? 4 : rows <= 8 ? 3 : 2;
  }

  static Reg Zero() { return _mm512_setzero_ps(); }
  static Reg Broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Reg Load(const float* p) { return _mm512_loadu_ps(p); }
  static void Store(float* p, Reg x) { _mm512_storeu_ps(p, x); }
  static Reg LoadFirst(const float* p, int n) { return _mm512_maskz_loadu_ps(Mask(n), p); }
  static void StoreFirst(float* p, Reg x, int n) { _mm512_mask_storeu_ps(p, Mask(n), x); }
  static Reg Add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg Mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  static Reg Fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  // The second operand wins where one isn't a number: NaN stays NaN.
  static Reg Relu(Reg x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
  static float Sum(Reg x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

 private:
  static __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace

constexpr KernelTable kAvx512Kernels = TableOf<Avx512>("avx512");

}  // namespace tandem

#endif  // __x86_64__
