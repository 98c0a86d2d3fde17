// Chooses among the low-precision kernels at run time.
#ifndef TANDEM_SRC_KERNELS_LOW_PRECISION_VARIANTS_H_
#define TANDEM_SRC_KERNELS_LOW_PRECISION_VARIANTS_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "src/kernels/low_precision.h"
#include "tandem/kernels.h"

namespace tandem {

// The variants that this binary has and this processor runs, the best one first.
std::vector<const Int8Kernels*> AvailableInt8Kernels();
std::vector<const Bf16Kernels*> AvailableBf16Kernels();

// Those that go with the float32 kernels: those of "avx512" are "avx512vnni" and "avx512bf16" where the
// processor has the instructions, and else "avx2".
const Int8Kernels& FindInt8Kernels(const Kernels& kernels);
const Bf16Kernels& FindBf16Kernels(const Kernels& kernels);

// `bytes` rounded up to kCodeAlignment.
inline int64_t CodeStride(int64_t bytes) {
  return (bytes + kCodeAlignment - 1) / kCodeAlignment * kCodeAlignment;
}

// One float to bfloat16 as Bf16Kernels::round does it, and back.
inline uint16_t RoundToBf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  if ((bits & 0x7f800000u) == 0) return static_cast<uint16_t>((bits & 0x80000000u) >> 16);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
inline float FromBf16(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_LOW_PRECISION_VARIANTS_H_
