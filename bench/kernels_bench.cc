// Speed of the kernels, each with its share of the processor's peak of fused multiply-adds, measured in the
// same process.
//
//   cmake --build build --target bench && build/bench/kernels_bench --benchmark_filter=avx2
//
// `of_peak` counts the multiplications and additions that the kernel has to do: half of the pairs in a
// symmetric layer. Products of bfloat16 factors are named by their variant and /bf16: avx512bf16/bf16 counts
// against the peak of bfloat16 dot products, the others, which widen factors, against that of float32.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/operands.h"
#include "bench/peak.h"
#include "src/kernels/mixed_precision.h"
#include "tandem/kernels.h"

namespace tandem {
namespace {

void Report(benchmark::State& state, const Kernels& kernels, double flops_per_iteration) {
  const double flops = flops_per_iteration * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  const bool dot_products = std::string(kernels.name()) == "avx512bf16";
  const double peak = dot_products ? bench::Bf16Peak() : bench::FmaPeak(kernels.name());
  if (peak > 0) state.counters["of_peak"] = benchmark::Counter(flops / peak, benchmark::Counter::kIsRate);
}

struct GemmShape {
  int rows, k, n;
};

void Gemm(benchmark::State& state, const Kernels& kernels, const GemmShape& s) {
  const AlignedFloats x = bench::Values(static_cast<int64_t>(s.rows) * s.k);
  const AlignedFloats w = bench::Values(static_cast<int64_t>(s.k) * s.n);
  const AlignedFloats bias = bench::Values(s.n);
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
  const AlignedFloats x = bench::Values(static_cast<int64_t>(s.rows) * s.k);
  const AlignedFloats dy = bench::Values(static_cast<int64_t>(s.rows) * s.n);
  AlignedFloats dw(static_cast<int64_t>(s.k) * s.n);
  for (auto _ : state) {
    kernels.GemmTransposed({x.data(), s.rows, s.k, s.k}, {dy.data(), s.rows, s.n, s.n}, false,
                           {dw.data(), s.k, s.n, s.n});
    benchmark::ClobberMemory();
  }
  Report(state, kernels, 2.0 * s.rows * s.k * s.n);
}

using CinPass = void (bench::CinLayer::*)();

void Cin(benchmark::State& state, const Kernels& kernels, const CinShape& shape, CinPass pass) {
  bench::CinLayer layer(kernels, shape);
  for (auto _ : state) {
    (layer.*pass)();
    benchmark::ClobberMemory();
  }
  Report(state, kernels, layer.flops());
}

void CinForward(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  Cin(state, kernels, shape, &bench::CinLayer::Forward);
}

void CinBackwardData(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  Cin(state, kernels, shape, &bench::CinLayer::BackwardData);
}

void CinBackwardWeights(benchmark::State& state, const Kernels& kernels, const CinShape& shape) {
  Cin(state, kernels, shape, &bench::CinLayer::BackwardWeights);
}

void Dot(benchmark::State& state, const Kernels& kernels, int n) {
  const AlignedFloats x = bench::Values(n, 1), y = bench::Values(n, 2);
  for (auto _ : state) benchmark::DoNotOptimize(kernels.Dot(x.data(), y.data(), n));
  Report(state, kernels, 2.0 * n);
}

void Axpy(benchmark::State& state, const Kernels& kernels, int n) {
  const AlignedFloats x = bench::Values(n, 1);
  AlignedFloats y = bench::Values(n, 2);
  for (auto _ : state) {
    kernels.Axpy(1e-9f, x.data(), n, y.data());
    benchmark::ClobberMemory();
  }
  Report(state, kernels, 2.0 * n);
}

template <typename Function, typename Shape>
void Register(const std::string& name, const Kernels& kernels, Function function, const Shape& shape) {
  benchmark::RegisterBenchmark(
      (std::string(kernels.name()) + "/" + name).c_str(),
      [&kernels, function, shape](benchmark::State& state) { function(state, kernels, shape); });
}

void RegisterProducts(const Kernels& kernels, const std::string& prefix) {
  for (const GemmShape& s : {GemmShape{1, 624, 128}, GemmShape{8, 624, 128}, GemmShape{128, 624, 400},
                             GemmShape{128, 400, 400}, GemmShape{512, 624, 400}, GemmShape{512, 624, 128},
                             GemmShape{512, 128, 64}, GemmShape{128, 4992, 128}, GemmShape{128, 128, 4992}}) {
    const std::string shape = std::to_string(s.rows) + "x" + std::to_string(s.k) + "x" + std::to_string(s.n);
    Register(prefix + "Gemm/" + shape, kernels, Gemm, s);
    if (s.rows == 128) Register(prefix + "GemmTransposed/" + shape, kernels, GemmTransposed, s);
  }
  Register(prefix + "GemmTransposed/128x624x128", kernels, GemmTransposed, GemmShape{128, 624, 128});
  Register(prefix + "GemmTransposed/128x128x64", kernels, GemmTransposed, GemmShape{128, 128, 64});
  for (const CinShape& s :
       {CinShape{128, 128, 39, false}, CinShape{64, 64, 39, false}, CinShape{128, 39, 39, true}}) {
    const std::string shape =
        std::to_string(s.maps) + "x" + std::to_string(s.previous) + "x" + std::to_string(s.fields);
    Register(prefix + "CinForward/" + shape, kernels, CinForward, s);
    Register(prefix + "CinBackwardData/" + shape, kernels, CinBackwardData, s);
    Register(prefix + "CinBackwardWeights/" + shape, kernels, CinBackwardWeights, s);
  }
}

void RegisterVectors(const Kernels& kernels) {
  for (int n : {64, 624}) {
    Register("Dot/" + std::to_string(n), kernels, Dot, n);
    Register("Axpy/" + std::to_string(n), kernels, Axpy, n);
  }
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  for (const tandem::Kernels* kernels : tandem::AvailableKernels()) {
    tandem::RegisterProducts(*kernels, "");
    tandem::RegisterVectors(*kernels);
  }
  for (const tandem::Kernels* kernels : tandem::AvailableBf16FactorKernels()) {
    tandem::RegisterProducts(*kernels, "bf16/");
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
