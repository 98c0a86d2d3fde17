// One instruction set's kernels as a table of plain functions.
//
// The translation units behind these tables are compiled for instruction sets that the running processor may
// lack, so nothing of theirs may be picked by the linker for the rest of the program: they hold raw loops
// only, in templates over a type of an anonymous namespace, and instantiate nothing of the standard library,
// abseil or the views' own members.
#ifndef TANDEM_SRC_KERNELS_TABLE_H_
#define TANDEM_SRC_KERNELS_TABLE_H_

#include <cstdint>

#include "tandem/cin_shape.h"
#include "tandem/matrix.h"

namespace tandem {

// The members of Kernels, by the same contracts.
struct KernelTable {
  const char* name;
  bool wide;  // registers of 512 bits
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
  float (*dot)(const float* x, const float* y, int64_t n);
  void (*sum_groups)(const float* x, int64_t groups, int64_t size, float* sums, int64_t stride);
  void (*axpy)(float a, const float* x, int64_t n, float* y);
};

extern const KernelTable kGenericKernels;
#if defined(__x86_64__)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
#endif

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_TABLE_H_
