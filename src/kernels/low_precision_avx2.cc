// AVX2 and FMA: byte products by way of 16 bits, for the byte instruction of AVX2 saturates.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#include "src/kernels/bf16_table_impl.h"
#include "src/kernels/low_precision_impl.h"

namespace tandem {
namespace {

// A window of eight into this, starting at 8 - n, selects the first n lanes.
alignas(64) constexpr int32_t kLaneMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct Avx2 {
  using Reg = __m256;
  using Ints = __m256i;
  static constexpr int kWidth = 8;
  // 8 sums, 4 halves of columns, 2 of a broadcast and 2 products of the 16 registers.
  static constexpr int kTileRows = 4;
  static constexpr int MaxTileVectors(int rows) { return rows == 1 ? 4 : 2; }
  // For training, alike.
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr bool kTiles = false;
  struct Tilework {};

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
  static Reg MaxMagnitude(Reg highest, Reg x) {
    return _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), x), highest);
  }
  static float HighestLane(Reg x) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static Ints LoadInts(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Ints LoadFirstInts(const int32_t* p, int n) { return _mm256_maskload_epi32(p, Mask(n)); }
  static Reg ToFloats(Ints x) { return _mm256_cvtepi32_ps(x); }
  static Reg LoadCodes(const int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  static void StoreCodes(uint8_t* p, Reg x, Reg inverse, Reg shift) {
    const __m256i bits =
        _mm256_and_si256(_mm256_castps_si256(Fma(x, inverse, shift)), _mm256_set1_epi32(0xff));
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }

  // Bytes as 16 bits: those at even places and those at odd ones.
  struct Halves {
    __m256i even, odd;
  };
  using Left = Halves;
  using Right = Halves;
  static Left BroadcastQuad(const uint8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof(quad));
    const __m256i bytes = _mm256_set1_epi32(quad);
    return {_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(bytes, 8)};
  }
  static Right LoadQuads(const int8_t* p) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
  }
  static Ints DotQuads(Ints sum, const Left& left, const Right& right) {
    return _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(left.even, right.even),
                                                  _mm256_madd_epi16(left.odd, right.odd)));
  }

  struct FloatHalves {
    Reg even, odd;
  };
  using LeftPair = FloatHalves;
  using RightPair = FloatHalves;
  static FloatHalves Split(__m256i pairs) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)))};
  }
  static LeftPair BroadcastPair(const uint16_t* p) {
    int32_t pair;
    __builtin_memcpy(&pair, p, sizeof(pair));
    return Split(_mm256_set1_epi32(pair));
  }
  static RightPair LoadPairs(const uint16_t* p) {
    return Split(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Reg DotPairs(Reg sum, const LeftPair& left, const RightPair& right) {
    return Fma(left.even, right.even, Fma(left.odd, right.odd, sum));
  }
  static void StoreBf16(uint16_t* p, Reg x) {
    const __m256i high = _mm256_srli_epi32(Rounded(x), 16);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1)));
  }
  static Reg LoadBf16(const uint8_t* p) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(values), 16));
  }

  static Reg Adjacent(Reg first, Reg second) {
    const __m256i packed =
        _mm256_packus_epi32(_mm256_srli_epi32(Rounded(first), 16), _mm256_srli_epi32(Rounded(second), 16));
    return _mm256_castsi256_ps(_mm256_permute4x64_epi64(packed, 0xd8));
  }
  static Reg Interleaved(Reg even, Reg odd) {
    return _mm256_castsi256_ps(
        _mm256_blend_epi16(_mm256_srli_epi32(Rounded(even), 16), Rounded(odd), /*the upper halves*/ 0xaa));
  }

 private:
  // The nearest bfloat16 in the upper half of each lane, ties to even; denormals are zero, NaN stays NaN.
  static __m256i Rounded(Reg x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i sign = _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MIN));
    const __m256i magnitude = _mm256_andnot_si256(_mm256_set1_epi32(INT32_MIN), bits);
    const __m256i denormal = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x00800000), magnitude);
    const __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    return _mm256_blendv_epi8(_mm256_blendv_epi8(rounded, sign, denormal), quiet, nan);
  }
  static __m256i Mask(int n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 8 - n));
  }
};

}  // namespace

constexpr Int8Kernels kAvx2Int8Kernels = Int8TableOf<Avx2>("avx2");
constexpr Bf16Kernels kAvx2Bf16Kernels = Bf16TableOf<Avx2>("avx2");
constexpr Bf16Products kAvx2Bf16Products = Bf16ProductsOf<Avx2>("avx2");

}  // namespace tandem

#endif  // __x86_64__
