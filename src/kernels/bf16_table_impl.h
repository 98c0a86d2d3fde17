// The table of bfloat16 products, for any vector type (bf16_tile.h).
#ifndef TANDEM_SRC_KERNELS_BF16_TABLE_IMPL_H_
#define TANDEM_SRC_KERNELS_BF16_TABLE_IMPL_H_

#include "src/kernels/bf16_cin_impl.h"
#include "src/kernels/bf16_gemm_impl.h"
#include "src/kernels/bf16_products.h"

namespace tandem {

template <class V>
constexpr Bf16Products Bf16ProductsOf(const char* name) {
  return {name,
          Bf16Gemm<V>::PackedFloats,
          Bf16Gemm<V>::Pack,
          Bf16Gemm<V>::Gemm,
          Bf16Gemm<V>::GemmTransposed,
          Bf16Gemm<V>::GemmTransposedOnto,
          Bf16Cin<V>::PackedFloats,
          Bf16Cin<V>::Pack,
          Bf16Cin<V>::Forward,
          Bf16Cin<V>::BackwardData,
          Bf16Cin<V>::BackwardWeights};
}

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_BF16_TABLE_IMPL_H_
