// Speed of a student's MLP from memory in float32, bfloat16 and int8: the layers alone, the rounding of the
// activations included, without look-ups.
//
//   cmake --build build --target lowp_bench && build/bench/lowp_bench
//
// Interleave the repeats to compare: --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
// --benchmark_report_aggregates_only=true.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "bench/peak.h"
#include "src/serve/plain_student.h"
#include "src/serve/student_scorer.h"
#include "tandem/kernels.h"

namespace tandem {
namespace {

// Small, of both signs, and never denormal.
AlignedFloats Values(int64_t n, float scale) {
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i)
    values[i] = static_cast<float>(i * 7919 % 1009 - 500) * 2e-3f * scale + 1e-5f;
  return values;
}

// A student inputs-128-64-1.
struct Student {
  explicit Student(int inputs) {
    int in = inputs;
    for (const int out : {128, 64}) {
      weights.push_back(Values(int64_t{in} * out, std::sqrt(2.0f / static_cast<float>(in))));
      biases.push_back(Values(out, 0.1f));
      plain.layers.push_back({in, out, nullptr, nullptr});
      in = out;
    }
    for (size_t l = 0; l < weights.size(); ++l) {
      plain.layers[l].weight = weights[l].data();
      plain.layers[l].bias = biases[l].data();
    }
    head = Values(in, 0.3f);
    plain.head = head.data();
  }
  std::vector<AlignedFloats> weights, biases;
  AlignedFloats head;
  PlainStudent plain;
};

void Score(benchmark::State& state, const StudentScorer& scorer, const char* kernels, int inputs, int batch) {
  constexpr int kTile = 64;
  const AlignedFloats source = Values(int64_t{batch} * inputs, 1);
  AlignedFloats x = source;
  AlignedFloats workspace(scorer.workspace_floats(kTile));
  std::vector<float> logits(batch);
  for (auto _ : state) {
    for (int row = 0; row < batch; row += kTile) {
      const int rows = std::min(kTile, batch - row);
      scorer.Score({x.data() + int64_t{row} * inputs, rows, inputs, inputs}, nullptr, workspace.data(),
                   logits.data() + row);
    }
    benchmark::ClobberMemory();
  }
  const double rows = static_cast<double>(state.iterations()) * batch;
  state.counters["rows/s"] = benchmark::Counter(rows, benchmark::Counter::kIsRate);
  // Of float32's peak, whatever the precision: what the narrow formats gain shows beside it.
  const double flops = 2.0 * (inputs * 128 + 128 * 64 + 64);
  const double peak = bench::FmaPeak(kernels);
  if (peak > 0)
    state.counters["of_f32_peak"] = benchmark::Counter(rows * flops / peak, benchmark::Counter::kIsRate);
}

void RegisterAll() {
  for (const int inputs : {416, 624}) {
    const Student student(inputs);
    for (const Kernels* kernels : AvailableKernels()) {
      for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
        const std::shared_ptr<const StudentScorer> scorer =
            MakeStudentScorer({&student.plain, 1}, precision, *kernels);
        for (const int batch : {1, 8, 64, 512}) {
          const std::string name = std::to_string(inputs) + "-128-64-1/B" + std::to_string(batch) + "/" +
                                   PrecisionName(precision) + "/" + scorer->variant();
          benchmark::RegisterBenchmark(name.c_str(),
                                       [scorer, kernels, inputs, batch](benchmark::State& state) {
                                         Score(state, *scorer, kernels->name(), inputs, batch);
                                       });
        }
      }
    }
  }
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  tandem::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
