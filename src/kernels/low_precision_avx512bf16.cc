// AVX-512 with bfloat16.
#if defined(__x86_64__)

#include "src/kernels/avx512bf16_vector.h"
#include "src/kernels/bf16_table_impl.h"
#include "src/kernels/low_precision_impl.h"

namespace tandem {
constexpr Bf16Kernels kAvx512Bf16Kernels = Bf16TableOf<Avx512>("avx512bf16");
constexpr Bf16Products kAvx512Bf16Products = Bf16ProductsOf<Avx512>("avx512bf16");

}  // namespace tandem

#endif  // __x86_64__
