// Portable: the compilers' own vectors of four floats.
#include "src/kernels/bf16_table_impl.h"
#include "src/kernels/low_precision_impl.h"

namespace tandem {
namespace {

struct Generic {
  typedef float Reg __attribute__((vector_size(16)));
  typedef int32_t Ints __attribute__((vector_size(16)));
  static constexpr int kWidth = 4;
  static constexpr int kTileRows = 4;
  static constexpr int MaxTileVectors(int rows) { return rows == 1 ? 4 : 2; }
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr bool kTiles = false;
  struct Tilework {};

  static Reg Zero() { return Reg{0, 0, 0, 0}; }
  static Reg Broadcast(const float* p) { return Reg{*p, *p, *p, *p}; }
  static Reg Load(const float* p) {
    Reg x;
    __builtin_memcpy(&x, p, sizeof(x));
    return x;
  }
  static void Store(float* p, Reg x) { __builtin_memcpy(p, &x, sizeof(x)); }
  static Reg LoadFirst(const float* p, int n) {
    Reg x = Zero();
    for (int i = 0; i < n; ++i) x[i] = p[i];
    return x;
  }
  static void StoreFirst(float* p, Reg x, int n) {
    for (int i = 0; i < n; ++i) p[i] = x[i];
  }
  static Reg Add(Reg a, Reg b) { return a + b; }
  static Reg Mul(Reg a, Reg b) { return a * b; }
  // Fused everywhere: the bits are those of the other variants.
  static Reg Fma(Reg a, Reg b, Reg c) {
    for (int i = 0; i < kWidth; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
  }
  // A comparison with NaN is false: NaN stays NaN.
  static Reg Relu(Reg x) {
    for (int i = 0; i < kWidth; ++i) x[i] = x[i] < 0 ? 0 : x[i];
    return x;
  }
  static float Sum(Reg x) { return (x[0] + x[2]) + (x[1] + x[3]); }
  static Reg MaxMagnitude(Reg highest, Reg x) {
    for (int i = 0; i < kWidth; ++i) {
      const float magnitude = __builtin_fabsf(x[i]);
      highest[i] = magnitude > highest[i] ? magnitude : highest[i];
    }
    return highest;
  }
  static float HighestLane(Reg x) {
    float highest = 0;
    for (int i = 0; i < kWidth; ++i) highest = x[i] > highest ? x[i] : highest;
    return highest;
  }

  static Ints LoadInts(const int32_t* p) {
    Ints x;
    __builtin_memcpy(&x, p, sizeof(x));
    return x;
  }
  static Ints LoadFirstInts(const int32_t* p, int n) {
    Ints x{0, 0, 0, 0};
    for (int i = 0; i < n; ++i) x[i] = p[i];
    return x;
  }
  static Reg ToFloats(Ints x) { return __builtin_convertvector(x, Reg); }
  static Reg LoadCodes(const int8_t* p) {
    return Reg{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
               static_cast<float>(p[3])};
  }
  static void StoreCodes(uint8_t* p, Reg x, Reg inverse, Reg shift) {
    const Reg shifted = Fma(x, inverse, shift);
    uint32_t bits[kWidth];
    __builtin_memcpy(bits, &shifted, sizeof(bits));
    for (int i = 0; i < kWidth; ++i) p[i] = static_cast<uint8_t>(bits[i]);
  }

  using Left = const uint8_t*;
  using Right = const int8_t*;
  static Left BroadcastQuad(const uint8_t* p) { return p; }
  static Right LoadQuads(const int8_t* p) { return p; }
  static Ints DotQuads(Ints sum, Left left, Right right) {
    for (int lane = 0; lane < kWidth; ++lane) {
      for (int i = 0; i < 4; ++i) sum[lane] += left[i] * right[4 * lane + i];
    }
    return sum;
  }

  struct Pair {
    uint16_t of[2];
  };
  struct Pairs {
    uint16_t of[2 * kWidth];
  };
  using LeftPair = Pair;
  using RightPair = Pairs;
  static LeftPair BroadcastPair(const uint16_t* p) {
    Pair pair;
    __builtin_memcpy(&pair, p, sizeof(pair));
    return pair;
  }
  static RightPair LoadPairs(const uint16_t* p) {
    Pairs pairs;
    __builtin_memcpy(&pairs, p, sizeof(pairs));
    return pairs;
  }
  // The products are exact.
  static Reg DotPairs(Reg sum, const LeftPair& left, const RightPair& right) {
    for (int lane = 0; lane < kWidth; ++lane) {
      sum[lane] += Widened(left.of[1]) * Widened(right.of[2 * lane + 1]);
      sum[lane] += Widened(left.of[0]) * Widened(right.of[2 * lane]);
    }
    return sum;
  }
  static void StoreBf16(uint16_t* p, Reg x) {
    for (int i = 0; i < kWidth; ++i) p[i] = Rounded(x[i]);
  }
  static Reg Adjacent(Reg first, Reg second) {
    Pairs pairs;
    for (int i = 0; i < kWidth; ++i) {
      pairs.of[i] = Rounded(first[i]);
      pairs.of[kWidth + i] = Rounded(second[i]);
    }
    Reg x;
    __builtin_memcpy(&x, &pairs, sizeof(x));
    return x;
  }
  static Reg Interleaved(Reg even, Reg odd) {
    Pairs pairs;
    for (int i = 0; i < kWidth; ++i) {
      pairs.of[2 * i] = Rounded(even[i]);
      pairs.of[2 * i + 1] = Rounded(odd[i]);
    }
    Reg x;
    __builtin_memcpy(&x, &pairs, sizeof(x));
    return x;
  }
  static Reg LoadBf16(const uint8_t* p) {
    uint16_t values[kWidth];
    __builtin_memcpy(values, p, sizeof(values));
    return Reg{Widened(values[0]), Widened(values[1]), Widened(values[2]), Widened(values[3])};
  }

 private:
  // The nearest bfloat16, ties to even; denormals are zero, NaN stays NaN.
  static uint16_t Rounded(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof(bits));
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude < 0x00800000u) return static_cast<uint16_t>((bits & 0x80000000u) >> 16);
    if (magnitude > 0x7f800000u) return static_cast<uint16_t>((bits | 0x00400000u) >> 16);
    return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
  }
  static float Widened(uint16_t value) {
    const uint32_t bits = static_cast<uint32_t>(value) << 16;
    float x;
    __builtin_memcpy(&x, &bits, sizeof(x));
    return x;
  }
};

}  // namespace

constexpr Int8Kernels kGenericInt8Kernels = Int8TableOf<Generic>("generic");
constexpr Bf16Kernels kGenericBf16Kernels = Bf16TableOf<Generic>("generic");
constexpr Bf16Products kGenericBf16Products = Bf16ProductsOf<Generic>("generic");

}  // namespace tandem
