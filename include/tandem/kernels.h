// The inner loops, one table of functions an instruction set.
//
//   const Kernels& kernels = *FindKernels("auto").value();
//   AlignedFloats packed(kernels.PackedFloats(k, n));
//   kernels.Pack(w, k, n, /*stride_k=*/n, /*stride_n=*/1, packed.data());
//   kernels.Gemm({x, rows, k, k}, packed.data(), bias, /*relu=*/true, /*accumulate=*/false, {y, rows, n, n});
//
// Numerics: every output element is one chain of additions in the order of the inner index, whatever the
// number of rows, the row's place and the tile, so that a row's result doesn't depend on the rows around it.
// Bits are promised per variant. All functions are pure and thread-safe; views may have any stride >= cols;
// pointers need no alignment. They allocate nothing, and take up to 400 KB of stack.
#ifndef TANDEM_KERNELS_H_
#define TANDEM_KERNELS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/cin_shape.h"
#include "tandem/matrix.h"

namespace tandem {

class Kernels {
 public:
  virtual ~Kernels() = default;

  // "generic", "avx2" or "avx512".
  virtual const char* name() const = 0;
  // Whether it computes in registers of 512 bits: what a machine's peak is measured with.
  virtual bool wide() const = 0;

  // ---- dense layers

  // Floats of a packed [k, n] matrix.
  virtual int64_t PackedFloats(int64_t k, int64_t n) const = 0;
  // Packs W(i, j) = w[i * stride_k + j * stride_n], i < k, j < n, for Gemm. Either stride may be 1: a
  // transpose costs nothing.
  virtual void Pack(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n,
                    float* packed) const = 0;
  // y = act(x W + bias), or y + x W before the activation when `accumulate`. x: [rows, k], y: [rows, n];
  // bias: [n] or null.
  virtual void Gemm(ConstMatrix x, const float* packed, const float* bias, bool relu, bool accumulate,
                    Matrix y) const = 0;
  // dw = xᵀ dy, or dw += xᵀ dy when `accumulate`. x: [rows, k], dy: [rows, n], dw: [k, n].
  virtual void GemmTransposed(ConstMatrix x, ConstMatrix dy, bool accumulate, Matrix dw) const = 0;
  // dw = before[n - 1] + (... + (before[0] + xᵀ dy)), bit for bit as if xᵀ dy had been made first. Each of
  // `before` lies as dw does, and may be dw. x.rows <= kMostOntoRows (CHECK).
  static constexpr int kMostOntoRows = 256;
  virtual void GemmTransposedOnto(ConstMatrix x, ConstMatrix dy, absl::Span<const float* const> before,
                                  Matrix dw) const = 0;

  // ---- compressed interaction network, field-major: maps and fields are [maps][cols], cols = rows * dim
  // contiguous (xDeepFM, Lian et al. 2018, eq. 6: Xk+1[h, :] = sum_ij W[h, i, j] (Xk[i, :] * X0[j, :]))

  virtual int64_t CinPackedFloats(const CinShape& shape) const = 0;
  // Packs w [maps, previous, fields] for CinForward and CinBackwardData.
  virtual void CinPack(const CinShape& shape, const float* w, float* packed) const = 0;
  // out[h, c] = act(bias[h] + sum_ij W[h, i, j] xk[i, c] x0[j, c]); bias may be null.
  virtual void CinForward(const CinShape& shape, const float* packed, const float* bias, bool relu,
                          ConstMatrix x0, ConstMatrix xk, Matrix out) const = 0;
  // Adds the gradients to dx0 and dxk, given d_out after the activation's derivative. Where symmetric, only
  // dx0 is touched.
  virtual void CinBackwardData(const CinShape& shape, const float* packed, ConstMatrix x0, ConstMatrix xk,
                               ConstMatrix d_out, Matrix dx0, Matrix dxk) const = 0;
  // dw [maps, previous, fields] is overwritten.
  virtual void CinBackwardWeights(const CinShape& shape, ConstMatrix x0, ConstMatrix xk, ConstMatrix d_out,
                                  float* dw) const = 0;

  // ---- vectors

  // sum_i x[i] y[i], in a fixed order.
  virtual float Dot(const float* x, const float* y, int64_t n) const = 0;
  // sums[g * stride] = sum_i x[g * size + i], i < size, for every g < groups, each in the same order.
  virtual void SumGroups(const float* x, int64_t groups, int64_t size, float* sums, int64_t stride) const = 0;
  // y += a x
  virtual void Axpy(float a, const float* x, int64_t n, float* y) const = 0;
};

// The variants that this binary has and this processor runs, the best one first.
std::vector<const Kernels*> AvailableKernels();

// "auto" is the best available one. An unknown name, or one that this processor doesn't run, is
// InvalidArgument (it lists the available ones).
absl::StatusOr<const Kernels*> FindKernels(absl::string_view name);

// `kernels`, or the best available ones where it is null: what an entry point makes of its options.
const Kernels& KernelsOrBest(const Kernels* kernels);

}  // namespace tandem

#endif  // TANDEM_KERNELS_H_
