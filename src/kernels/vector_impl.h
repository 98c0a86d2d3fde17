// Vector kernels and the table of all kernels, for any vector type (tile.h).
#ifndef TANDEM_SRC_KERNELS_VECTOR_IMPL_H_
#define TANDEM_SRC_KERNELS_VECTOR_IMPL_H_

#include <cstdint>

#include "src/kernels/cin_impl.h"
#include "src/kernels/gemm_impl.h"
#include "src/kernels/table.h"
#include "src/kernels/tile.h"

namespace tandem {

template <class V>
struct VectorKernels : Tiles<V> {
  using Base = Tiles<V>;
  using Reg = typename V::Reg;
  static constexpr int kWidth = V::kWidth;

  // Four chains a lane, then the chains pairwise, then the lanes.
  static float Dot(const float* x, const float* y, int64_t n) {
    Reg sum[4] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
    int64_t i = 0;
    for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
      TANDEM_UNROLL for (int u = 0; u < 4; ++u) {
        sum[u] = V::Fma(V::Load(x + i + u * kWidth), V::Load(y + i + u * kWidth), sum[u]);
      }
    }
    for (int u = 0; i < n; ++u, i += kWidth) {
      sum[u] = V::Fma(Base::LoadLanes(x + i, n - i), Base::LoadLanes(y + i, n - i), sum[u]);
    }
    return V::Sum(V::Add(V::Add(sum[0], sum[1]), V::Add(sum[2], sum[3])));
  }

  // The order of Dot.
  static void SumGroups(const float* x, int64_t groups, int64_t size, float* sums, int64_t stride) {
    for (int64_t g = 0; g < groups; ++g, x += size) {
      Reg sum[4] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
      int64_t i = 0;
      for (; i + 4 * kWidth <= size; i += 4 * kWidth) {
        TANDEM_UNROLL for (int u = 0; u < 4; ++u) sum[u] = V::Add(V::Load(x + i + u * kWidth), sum[u]);
      }
      for (int u = 0; i < size; ++u, i += kWidth) sum[u] = V::Add(Base::LoadLanes(x + i, size - i), sum[u]);
      sums[g * stride] = V::Sum(V::Add(V::Add(sum[0], sum[1]), V::Add(sum[2], sum[3])));
    }
  }

  static void Axpy(float a, const float* x, int64_t n, float* y) {
    const Reg factor = V::Broadcast(&a);
    for (int64_t i = 0; i < n; i += kWidth) {
      Base::StoreLanes(y + i, V::Fma(factor, Base::LoadLanes(x + i, n - i), Base::LoadLanes(y + i, n - i)),
                       n - i);
    }
  }
};

template <class V>
constexpr KernelTable TableOf(const char* name) {
  return {name,
          VectorKernels<V>::kWidth == 16,
          GemmKernels<V>::PackedFloats,
          GemmKernels<V>::Pack,
          GemmKernels<V>::Gemm,
          GemmKernels<V>::GemmTransposed,
          GemmKernels<V>::GemmTransposedOnto,
          CinKernels<V>::PackedFloats,
          CinKernels<V>::Pack,
          CinKernels<V>::Forward,
          CinKernels<V>::BackwardData,
          CinKernels<V>::BackwardWeights,
          VectorKernels<V>::Dot,
          VectorKernels<V>::SumGroups,
          VectorKernels<V>::Axpy};
}

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_VECTOR_IMPL_H_
