// Matrix products of bfloat16 factors with float32 sums: the members of Kernels that multiply matrices, for
// training in mixed precision.
//
// Operands and results are floats. Factors are rounded to the nearest bfloat16, ties to even, where they are
// packed or gathered: W and x of Gemm, x and dy of GemmTransposed; of the compressed interaction network the
// weights, the products xk * x0 (made in float32 first) and d_out. All else is float32: sums, bias, what is
// accumulated upon, the way from the gradient of a product to those of xk and x0.
//
// Numerics: every output element is one chain of float32 additions over the inner index in pairs, the odd one
// of a pair first: what vdpbf16ps does; products of two bfloat16 are exact. Denormal factors count as zero.
// These variants give the same bits but where a sum itself is denormal (below 1.2e-38), which the instruction
// flushes to zero. Tiles (AMX) have bits of their own: of sixteen pairs at a time the even products are one
// chain from zero and the odd ones another, and the sum of both is added to what is there. In all of them a
// row's result doesn't depend on the rows around it.
//
// Packed matrices are pairs of bfloat16 in the place of floats. Stack, threads and pointers: as kernels.h has
// it. The rules of src/kernels/table.h hold for the translation units behind these tables.
#ifndef TANDEM_SRC_KERNELS_BF16_PRODUCTS_H_
#define TANDEM_SRC_KERNELS_BF16_PRODUCTS_H_

#include <cstdint>

#include "tandem/cin_shape.h"
#include "tandem/matrix.h"

namespace tandem {

// As in Kernels.
struct Bf16Products {
  const char* name;
  int64_t (*packed_floats)(int64_t k, int64_t n);
  void (*pack)(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n, float* packed);
  void (*gemm)(const ConstMatrix& x, const float* packed, const float* bias, bool relu, bool accumulate,
               const Matrix& y);
  void (*gemm_transposed)(const ConstMatrix& x, const ConstMatrix& dy, bool accumulate, const Matrix& dw);
  void (*gemm_transposed_onto)(const ConstMatrix& x, const ConstMatrix& dy, const float* const* before,
                               int count, const Matrix& dw);
  int64_t (*cin_packed_floats)(const CinShape& shape);
  void (*cin_pack)(const CinShape& shape, const float* w, float* packed);
  void (*cin_forward)(const CinShape& shape, const float* packed, const float* bias, bool relu,
                      const ConstMatrix& x0, const ConstMatrix& xk, const Matrix& out);
  void (*cin_backward_data)(const CinShape& shape, const float* packed, const ConstMatrix& x0,
                            const ConstMatrix& xk, const ConstMatrix& d_out, const Matrix& dx0,
                            const Matrix& dxk);
  void (*cin_backward_weights)(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                               const ConstMatrix& d_out, float* dw);
};

extern const Bf16Products kGenericBf16Products;
#if defined(__x86_64__)
extern const Bf16Products kAvx2Bf16Products;
extern const Bf16Products kAvx512Bf16Products;
extern const Bf16Products kAmxBf16Products;
#endif

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_BF16_PRODUCTS_H_
