// The vector type of the translation units with AVX512-BF16: two products and their sums in one instruction.
// Of an anonymous namespace on purpose (table.h): each unit has its own.
#ifndef TANDEM_SRC_KERNELS_AVX512BF16_VECTOR_H_
#define TANDEM_SRC_KERNELS_AVX512BF16_VECTOR_H_

// GCC 12's header reads a variable that it leaves undefined on purpose (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

namespace tandem {
namespace {  // NOLINT(google-build-namespaces)

struct Avx512 {
  using Reg = __m512;
  static constexpr int kWidth = 16;
  // 24 sums, their columns and 1 broadcast of the 32 registers; rows lie apart, and each needs an address.
  static constexpr int kTileRows = 8;
  static constexpr int MaxTileVectors(int rows) {
    return rows <= 2 ? 8 : rows == 3 ? 7 : rows == 4 ? 6 : rows <= 6 ? 4 : 3;
  }
  // For training: 28 sums, 2 columns and 1 broadcast.
  static constexpr int kRows = 14;
  static constexpr int kVectors = 2;
  static constexpr bool kTiles = false;
  struct Tilework {};

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

  using LeftPair = __m512bh;
  using RightPair = __m512bh;
  static LeftPair BroadcastPair(const uint16_t* p) {
    int32_t pair;
    __builtin_memcpy(&pair, p, sizeof(pair));
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  static RightPair LoadPairs(const uint16_t* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
  static Reg DotPairs(Reg sum, LeftPair left, RightPair right) { return _mm512_dpbf16_ps(sum, left, right); }
  static void StoreBf16(uint16_t* p, Reg x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  }
  static Reg LoadBf16(const uint8_t* p) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
  }

  static Reg Adjacent(Reg first, Reg second) {
    return _mm512_castsi512_ps(reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
  }
  static Reg Interleaved(Reg even, Reg odd) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i words =
        _mm512_or_si512(lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(16)), 16));
    const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(words, halves));
  }

 private:
  static __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace
}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_AVX512BF16_VECTOR_H_
