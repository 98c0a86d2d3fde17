// Kernels whose matrix products have bfloat16 factors and float32 sums (bf16_products.h): what towers are
// trained with under train.precision: BF16.
//
//   const Kernels& of_towers = WithBf16Factors(*FindKernels("auto").value());
//
// Dot, SumGroups and Axpy are those of the float32 kernels. The name says whose bits these are: "avx2+bf16"
// has AVX2's Dot and its like, and products that are the same everywhere; "avx512+amx" has products of tiles.
#ifndef TANDEM_SRC_KERNELS_MIXED_PRECISION_H_
#define TANDEM_SRC_KERNELS_MIXED_PRECISION_H_

#include <vector>

#include "tandem/kernels.h"

namespace tandem {

// Those that go with the float32 kernels. Products of "avx512" are of tiles where the processor has AMX and
// the system lets this process use it, else by the instructions of AVX512-BF16, and else, as those of "avx2",
// by multiply-adds on the widened factors: the same bits as these instructions', slower.
const Kernels& WithBf16Factors(const Kernels& kernels);

// Every variant of the products that this processor runs, the best one first, with the best float32 kernels.
std::vector<const Kernels*> AvailableBf16FactorKernels();

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_MIXED_PRECISION_H_
