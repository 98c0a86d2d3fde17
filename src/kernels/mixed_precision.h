// Kernels whose matrix products have bfloat16 factors and float32 sums (bf16_products.h): what towers are
// trained with under train.precision: BF16.
//
//   const Kernels& of_towers = WithBf16Factors(*FindKernels("auto").value());
//
// Dot, SumGroups and Axpy are those of the float32 kernels; so all bits that depend on the variant do so by
// way of these.
#ifndef TANDEM_SRC_KERNELS_MIXED_PRECISION_H_
#define TANDEM_SRC_KERNELS_MIXED_PRECISION_H_

#include <vector>

#include "tandem/kernels.h"

namespace tandem {

// Those that go with the float32 kernels. Products of "avx512" are by the instructions of AVX512-BF16 where
// the processor has them, and else, as those of "avx2", by multiply-adds on the widened factors: the same
// bits, slower.
const Kernels& WithBf16Factors(const Kernels& kernels);

// Every variant of the products that this processor runs, the best one first, with the best float32 kernels.
std::vector<const Kernels*> AvailableBf16FactorKernels();

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_MIXED_PRECISION_H_
