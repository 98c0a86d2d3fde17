// Speed of the kernels, each with its share of the processor's peak of fused multiply-adds, measured in the
// same process.
//
//   cmake --build build --target bench && build/bench/kernels_bench --benchmark_filter=avx2
//
// `of_peak` counts the multiplications and additions that the kernel has to do: half of the pairs in a
// symmetric layer.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "tandem/kernels.h"

namespace tandem {
namespace {

// Small, and never denormal.
AlignedFloats Values(int64_t n) {
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(i * 7919 % 1000 - 500) * 1e-3f + 1e-4f;
  return values;
}

#if defined(__x86_64__)
// Rounds of twelve independent fused multiply-adds in registers of eight or sixteen floats.
void MultiplyAdd256(int64_t rounds) {
  asm volatile(
      "vzeroall\n"
      "1: .irp i,1,2,3,4,5,6,7,8,9,10,11,12\n"
      "vfmadd231ps %%ymm0, %%ymm0, %%ymm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      : "+r"(rounds)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc");
}

void MultiplyAdd512(int64_t rounds) {
  asm volatile(
      "vzeroall\n"
      "1: .irp i,1,2,3,4,5,6,7,8,9,10,11,12\n"
      "vfmadd231ps %%zmm0, %%zmm0, %%zmm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper\n"
      : "+r"(rounds)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc");
}

// Multiplications and additions a second of processor time, the best of several runs.
double MeasurePeak(void (*multiply_add)(int64_t), int lanes) {
  constexpr int64_t kRounds = 5'000'000;
  double best = 0;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const std::clock_t begin = std::clock();
    multiply_add(kRounds);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    best = std::max(best, 2.0 * 12 * lanes * kRounds / seconds);
  }
  return best;
}
#endif

// The peak of the registers that the variant uses, of AVX2 for the portable one; 0 where it isn't known.
double Peak(const std::string& variant) {
#if defined(__x86_64__)
  static const double peak_256 = MeasurePeak(MultiplyAdd256, 8);
  if (variant != "avx512") return peak_256;
  static const double peak_512 = MeasurePeak(MultiplyAdd512, 16);
  return peak_512;
#else
  (void)variant;
  return 0;
#endif
}

void Report(benchmark::State& state, const Kernels& kernels, double flops_per_iteration) {
  const double flops = flops_per_iteration * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  const double peak = Peak(kernels.name());
  if (peak > 0) state.counters["of_peak"] = benchmark::Counter(flops / peak, benchmark::Counter::kIsRate);
}

struct GemmShape {
  int rows, k, n;
};

void Gemm(benchmark::State& state, const Kernels& kernels, const GemmShape& s) {
  const AlignedFloats x = Values(static_cast<int64_t>(s.rows) * s.k);
  const AlignedFloats w = Values(static_cast<int64_t>(s.k) * s.n);
  const AlignedFloats bias = Values(s.n);
  AlignedFloats packed(kernels.PackedFloats(s.k, s.n));
  AlignedFloats y(static_cast<int64_t>(s.rows) * s.n);
  kernels.Pack(w.data(), s.k, s.n, s.n, 1, packed.data());
  for (auto _ : state) {
    kernels.Gemm({x.data(), s.rows, s.k, s.k}, packed.data(), bias.data(), true, false,
                 {y.data(), s.rows, s.n, s.n});
    benchmark::ClobberMemory();
  }
  Report(state, kernels, 2.0 * s.rows * s.k * s.n);
}

void GemmTransposed(benchmark::State& state, const Kernels& kernels, const GemmShape& s) {
  const AlignedFloats x = Values(static_cast<int64_t>(s.rows) * s.k);
  const AlignedFloats dy = Values(static_cast<int64_t>(s.rows) * s.n);
  AlignedFloats dw(static_cast<int64_t>(s.k) * s.n);
  for (auto _ : state) {
    kernels.GemmTransposed({x.data(), s.rows, s.k, s.k}, {dy.data(), s.rows, s.n, s.n}, false,
                           {dw.data(), s.k, s.n, s.n});
    benchmark::ClobberMemory();
  }
  Report(state, kernels, 2.0 * s.rows * s.k * s.n);
}

// One shard of 128 samples with D = 16; rows of the matrices apart by a cache line more than a power of two.
struct CinLayer {
  CinLayer(const Kernels& kernels, const CinShape& shape)
      : shape(shape),
        w(Values(static_cast<int64_t>(shape.maps) * shape.previous * shape.fields)),
        packed(kernels.CinPackedFloats(shape)),
        x0_data(Values(shape.fields * kStride)),
        xk_data(Values(shape.previous * kStride)),
        out_data(Values(shape.maps * kStride)),
        dx0_data(shape.fields * kStride),
        dxk_data(shape.previous * kStride) {
    kernels.CinPack(shape, w.data(), packed.data());
  }
  Matrix View(AlignedFloats& data, int maps) { return {data.data(), maps, kColumns, kStride}; }
  Matrix x0() { return View(x0_data, shape.fields); }
  Matrix xk() { return View(xk_data, shape.previous); }
  Matrix out() { return View(out_data, shape.maps); }
  Matrix dx0() { return View(dx0_data, shape.fields); }
  Matrix dxk() { return View(dxk_data, shape.previous); }
  double flops() const {
    const double pairs =
        shape.symmetric ? shape.fields * (shape.fields + 1) / 2 : shape.previous * shape.fields;
    return 2.0 * shape.maps * pairs * kColumns;
  }

  static constexpr int kColumns = 2048;
  static constexpr int64_t kStride = kColumns + 16;
  CinShape shape;
  AlignedFloats w, packed, x0_data, xk_data, out_data, dx0_data, dxk_data;
};

void CinForward(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  CinLayer layer(kernels, shape);
  for (auto _ : state) {
    kernels.CinForward(shape, layer.packed.data(), nullptr, false, layer.x0(), layer.xk(), layer.out());
    benchmark::ClobberMemory();
  }
  Report(state, kernels, layer.flops());
}

void CinBackwardData(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  CinLayer layer(kernels, shape);
  for (auto _ : state) {
    // From zero every time: growing sums would overflow.
    std::fill(layer.dx0_data.begin(), layer.dx0_data.end(), 0.0f);
    std::fill(layer.dxk_data.begin(), layer.dxk_data.end(), 0.0f);
    kernels.CinBackwardData(shape, layer.packed.data(), layer.x0(), layer.xk(), layer.out(), layer.dx0(),
                            layer.dxk());
    benchmark::ClobberMemory();
  }
  Report(state, kernels, layer.flops());
}

void CinBackwardWeights(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  CinLayer layer(kernels, shape);
  for (auto _ : state) {
    kernels.CinBackwardWeights(shape, layer.x0(), layer.xk(), layer.out(), layer.w.data());
    benchmark::ClobberMemory();
  }
  Report(state, kernels, layer.flops());
}

template <typename Function, typename Shape>
void Register(const std::string& name, const Kernels& kernels, Function function, const Shape& shape) {
  benchmark::RegisterBenchmark(
      (std::string(kernels.name()) + "/" + name).c_str(),
      [&kernels, function, shape](benchmark::State& state) { function(state, kernels, shape); });
}

void RegisterAll(const Kernels& kernels) {
  for (const GemmShape& s : {GemmShape{1, 624, 128}, GemmShape{8, 624, 128}, GemmShape{128, 624, 400},
                             GemmShape{128, 400, 400}, GemmShape{512, 624, 400}, GemmShape{512, 624, 128},
                             GemmShape{512, 128, 64}, GemmShape{128, 4992, 128}, GemmShape{128, 128, 4992}}) {
    const std::string shape = std::to_string(s.rows) + "x" + std::to_string(s.k) + "x" + std::to_string(s.n);
    Register("Gemm/" + shape, kernels, Gemm, s);
    if (s.rows == 128) Register("GemmTransposed/" + shape, kernels, GemmTransposed, s);
  }
  Register("GemmTransposed/128x624x128", kernels, GemmTransposed, GemmShape{128, 624, 128});
  Register("GemmTransposed/128x128x64", kernels, GemmTransposed, GemmShape{128, 128, 64});
  for (const CinShape& s :
       {CinShape{128, 128, 39, false}, CinShape{64, 64, 39, false}, CinShape{128, 39, 39, true}}) {
    const std::string shape =
        std::to_string(s.maps) + "x" + std::to_string(s.previous) + "x" + std::to_string(s.fields);
    Register("CinForward/" + shape, kernels, CinForward, s);
    Register("CinBackwardData/" + shape, kernels, CinBackwardData, s);
    Register("CinBackwardWeights/" + shape, kernels, CinBackwardWeights, s);
  }
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  for (const tandem::Kernels* kernels : tandem::AvailableKernels()) tandem::RegisterAll(*kernels);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
