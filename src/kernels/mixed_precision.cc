#include "src/kernels/mixed_precision.h"

#include <glog/logging.h>

#include <string>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "src/kernels/bf16_products.h"
#include "src/kernels/low_precision_variants.h"

namespace tandem {
namespace {

class MixedKernels final : public Kernels {
 public:
  MixedKernels(const char* name, const Kernels& floats, const Bf16Products& products)
      : name_(name), floats_(floats), products_(products) {}

  const char* name() const override { return name_; }
  bool wide() const override { return floats_.wide(); }
  int64_t PackedFloats(int64_t k, int64_t n) const override { return products_.packed_floats(k, n); }
  void Pack(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n,
            float* packed) const override {
    products_.pack(w, k, n, stride_k, stride_n, packed);
  }
  void Gemm(ConstMatrix x, const float* packed, const float* bias, bool relu, bool accumulate,
            Matrix y) const override {
    products_.gemm(x, packed, bias, relu, accumulate, y);
  }
  void GemmTransposed(ConstMatrix x, ConstMatrix dy, bool accumulate, Matrix dw) const override {
    products_.gemm_transposed(x, dy, accumulate, dw);
  }
  void GemmTransposedOnto(ConstMatrix x, ConstMatrix dy, absl::Span<const float* const> before,
                          Matrix dw) const override {
    CHECK_LE(x.rows, kMostOntoRows);
    products_.gemm_transposed_onto(x, dy, before.data(), static_cast<int>(before.size()), dw);
  }
  int64_t CinPackedFloats(const CinShape& shape) const override { return products_.cin_packed_floats(shape); }
  void CinPack(const CinShape& shape, const float* w, float* packed) const override {
    products_.cin_pack(shape, w, packed);
  }
  void CinForward(const CinShape& shape, const float* packed, const float* bias, bool relu, ConstMatrix x0,
                  ConstMatrix xk, Matrix out) const override {
    products_.cin_forward(shape, packed, bias, relu, x0, xk, out);
  }
  void CinBackwardData(const CinShape& shape, const float* packed, ConstMatrix x0, ConstMatrix xk,
                       ConstMatrix d_out, Matrix dx0, Matrix dxk) const override {
    products_.cin_backward_data(shape, packed, x0, xk, d_out, dx0, dxk);
  }
  void CinBackwardWeights(const CinShape& shape, ConstMatrix x0, ConstMatrix xk, ConstMatrix d_out,
                          float* dw) const override {
    products_.cin_backward_weights(shape, x0, xk, d_out, dw);
  }
  float Dot(const float* x, const float* y, int64_t n) const override { return floats_.Dot(x, y, n); }
  void SumGroups(const float* x, int64_t groups, int64_t size, float* sums, int64_t stride) const override {
    floats_.SumGroups(x, groups, size, sums, stride);
  }
  void Axpy(float a, const float* x, int64_t n, float* y) const override { floats_.Axpy(a, x, n, y); }

 private:
  const char* name_;
  const Kernels& floats_;
  const Bf16Products& products_;
};

// Whether this processor multiplies tiles of bfloat16, and the system lets this process do so.
bool HasAmx() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  static const bool has = [] {
    unsigned a, b, c, d;
    const bool known =
        __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & (1u << 22)) != 0 && (d & (1u << 24)) != 0;
    return known && __builtin_cpu_supports("avx512bf16") &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return has;
#else
  return false;
#endif
}

// The products that go with Bf16Kernels of that name.
const Bf16Products& ProductsNamed(const std::string& name) {
#if defined(__x86_64__)
  for (const Bf16Products* products : {&kAvx512Bf16Products, &kAvx2Bf16Products}) {
    if (name == products->name) return *products;
  }
#endif
  return kGenericBf16Products;
}

// Whether the products that go with these kernels are those of tiles.
bool MultipliesTiles(const Kernels& floats) { return floats.wide() && HasAmx(); }

// The name says whose bits these are: of Dot and its like, and of the products, which are the same everywhere
// but where tiles are multiplied.
const char* NameOf(const Kernels& floats) {
  const std::string name = floats.name();
  if (MultipliesTiles(floats)) return "avx512+amx";
  return name == "avx512" ? "avx512+bf16" : name == "avx2" ? "avx2+bf16" : "generic+bf16";
}

const Bf16Products& ProductsOf(const Kernels& floats) {
#if defined(__x86_64__)
  if (MultipliesTiles(floats)) return kAmxBf16Products;
#endif
  return ProductsNamed(FindBf16Kernels(floats).name);
}

std::vector<MixedKernels> MakeOnePerFloatKernels() {
  std::vector<MixedKernels> mixed;
  for (const Kernels* kernels : AvailableKernels()) {
    mixed.emplace_back(NameOf(*kernels), *kernels, ProductsOf(*kernels));
  }
  return mixed;
}

std::vector<MixedKernels> MakeOnePerProducts() {
  std::vector<MixedKernels> mixed;
#if defined(__x86_64__)
  if (HasAmx()) mixed.emplace_back(kAmxBf16Products.name, *AvailableKernels().front(), kAmxBf16Products);
#endif
  for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
    const Bf16Products& products = ProductsNamed(kernels->name);
    mixed.emplace_back(products.name, *AvailableKernels().front(), products);
  }
  return mixed;
}

}  // namespace

const Kernels& WithBf16Factors(const Kernels& kernels) {
  static const std::vector<MixedKernels> mixed = MakeOnePerFloatKernels();
  const std::string name = NameOf(kernels);
  for (const MixedKernels& candidate : mixed) {
    if (candidate.name() == name) return candidate;
  }
  return mixed.back();
}

std::vector<const Kernels*> AvailableBf16FactorKernels() {
  static const std::vector<MixedKernels> mixed = MakeOnePerProducts();
  std::vector<const Kernels*> available;
  available.reserve(mixed.size());
  for (const MixedKernels& kernels : mixed) available.push_back(&kernels);
  return available;
}

}  // namespace tandem
