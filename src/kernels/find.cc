// Chooses among the kernel variants at run time.
#include <glog/logging.h>

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "src/kernels/table.h"
#include "tandem/kernels.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class TableKernels final : public Kernels {
 public:
  explicit TableKernels(const KernelTable& table) : table_(table) {}

  const char* name() const override { return table_.name; }
  bool wide() const override { return table_.wide; }
  int64_t PackedFloats(int64_t k, int64_t n) const override { return table_.packed_floats(k, n); }
  void Pack(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n,
            float* packed) const override {
    table_.pack(w, k, n, stride_k, stride_n, packed);
  }
  void Gemm(ConstMatrix x, const float* packed, const float* bias, bool relu, bool accumulate,
            Matrix y) const override {
    table_.gemm(x, packed, bias, relu, accumulate, y);
  }
  void GemmTransposed(ConstMatrix x, ConstMatrix dy, bool accumulate, Matrix dw) const override {
    table_.gemm_transposed(x, dy, accumulate, dw);
  }
  void GemmTransposedOnto(ConstMatrix x, ConstMatrix dy, absl::Span<const float* const> before,
                          Matrix dw) const override {
    CHECK_LE(x.rows, kMostOntoRows);
    table_.gemm_transposed_onto(x, dy, before.data(), static_cast<int>(before.size()), dw);
  }
  int64_t CinPackedFloats(const CinShape& shape) const override { return table_.cin_packed_floats(shape); }
  void CinPack(const CinShape& shape, const float* w, float* packed) const override {
    table_.cin_pack(shape, w, packed);
  }
  void CinForward(const CinShape& shape, const float* packed, const float* bias, bool relu, ConstMatrix x0,
                  ConstMatrix xk, Matrix out) const override {
    table_.cin_forward(shape, packed, bias, relu, x0, xk, out);
  }
  void CinBackwardData(const CinShape& shape, const float* packed, ConstMatrix x0, ConstMatrix xk,
                       ConstMatrix d_out, Matrix dx0, Matrix dxk) const override {
    table_.cin_backward_data(shape, packed, x0, xk, d_out, dx0, dxk);
  }
  void CinBackwardWeights(const CinShape& shape, ConstMatrix x0, ConstMatrix xk, ConstMatrix d_out,
                          float* dw) const override {
    table_.cin_backward_weights(shape, x0, xk, d_out, dw);
  }
  float Dot(const float* x, const float* y, int64_t n) const override { return table_.dot(x, y, n); }
  void SumGroups(const float* x, int64_t groups, int64_t size, float* sums, int64_t stride) const override {
    table_.sum_groups(x, groups, size, sums, stride);
  }
  void Axpy(float a, const float* x, int64_t n, float* y) const override { table_.axpy(a, x, n, y); }

 private:
  const KernelTable& table_;
};

}  // namespace

std::vector<const Kernels*> AvailableKernels() {
  std::vector<const Kernels*> available;
#if defined(__x86_64__)
  static const TableKernels avx512(kAvx512Kernels);
  static const TableKernels avx2(kAvx2Kernels);
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) available.push_back(&avx512);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) available.push_back(&avx2);
#endif
  static const TableKernels generic(kGenericKernels);
  available.push_back(&generic);
  return available;
}

absl::StatusOr<const Kernels*> FindKernels(absl::string_view name) {
  const std::vector<const Kernels*> available = AvailableKernels();
  if (name == "auto") return available.front();
  for (const Kernels* kernels : available) {
    if (name == kernels->name()) return kernels;
  }
  const std::string names = absl::StrJoin(
      available, ", ", [](std::string* out, const Kernels* kernels) { out->append(kernels->name()); });
  return ConfigError("kernels '", name, "' aren't among those that this processor runs: auto, ", names);
}

const Kernels& KernelsOrBest(const Kernels* kernels) {
  return kernels != nullptr ? *kernels : *AvailableKernels().front();
}

}  // namespace tandem
