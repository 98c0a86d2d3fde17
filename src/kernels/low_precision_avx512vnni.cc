// AVX-512 with VNNI: four products of bytes and their sum in one instruction.
#if defined(__x86_64__)

// GCC 12's header reads a variable that it leaves undefined on purpose (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "src/kernels/low_precision_impl.h"

namespace tandem {
namespace {

struct Avx512 {
  using Reg = __m512;
  using Ints = __m512i;
  static constexpr int kWidth = 16;
  // 24 sums, their columns and 1 broadcast of the 32 registers; rows lie apart, and each needs an address.
  static constexpr int kTileRows = 8;
  static constexpr int MaxTileVectors(int rows) {
    return rows <= 2 ? 8 : rows == 3 ? 7 : rows == 4 ? 6 : rows <= 6 ? 4 : 3;
  }

  static Reg Zero() { return _mm512_setzero_ps(); }
  static Reg Broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Reg Load(const float* p) { return _mm512_loadu_ps(p); }
  static void Store(float* p, Reg x) { _mm512_storeu_ps(p, x); }
  static Reg LoadFirst(const float* p, int n) { return _mm512_maskz_loadu_ps(Mask(n), p); }
  static void StoreFirst(float* p, Reg x, int n) { _mm512_mask_storeu_ps(p, Mask(n), x); }
  static Reg Add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg Fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  // The second operand wins where one isn't a number: NaN stays NaN.
  static Reg Relu(Reg x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
  static float Sum(Reg x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static Reg Mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  // The larger magnitude, as a magnitude.
  static Reg MaxMagnitude(Reg highest, Reg x) { return _mm512_range_ps(highest, x, 0b1011); }
  static float HighestLane(Reg x) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static Ints LoadInts(const int32_t* p) { return _mm512_loadu_si512(p); }
  static Ints LoadFirstInts(const int32_t* p, int n) { return _mm512_maskz_loadu_epi32(Mask(n), p); }
  static Reg ToFloats(Ints x) { return _mm512_cvtepi32_ps(x); }
  static Reg LoadCodes(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  static void StoreCodes(uint8_t* p, Reg x, Reg inverse, Reg shift) {
    const __m512i bits = _mm512_castps_si512(Fma(x, inverse, shift));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(bits));
  }

  using Left = __m512i;
  using Right = __m512i;
  static Left BroadcastQuad(const uint8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof(quad));
    return _mm512_set1_epi32(quad);
  }
  static Right LoadQuads(const int8_t* p) { return _mm512_loadu_si512(p); }
  // Written out, for GCC 12 copies the registers of a tile around the intrinsic.
  static Ints DotQuads(Ints sum, Left left, Right right) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
    return sum;
  }

 private:
  static __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace

constexpr Int8Kernels kAvx512VnniKernels = Int8TableOf<Avx512>("avx512vnni");

}  // namespace tandem

#endif  // __x86_64__
