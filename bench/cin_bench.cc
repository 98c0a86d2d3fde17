// The layers of the compressed interaction network alone: shares of the FMA peak, measured in turns with the
// peak itself, so that a changing clock doesn't matter. With --precision=bf16 those of mixed precision, by
// the variant that --products names: shares of the peak of bfloat16 dot products, which tiles (amx) pass, and
// the time that float32 takes over theirs.
//
//   taskset -c 1 build/bench/cin_bench [--precision=bf16] [--json]
//
// xDeepFM's layers of the peers' comparison, 39 fields x 16, a shard of 128 samples, bias and ReLU. `of_peak`
// counts the work that is done: half of the pairs in the symmetric first layer; `nominal` counts them all.
// Backward is both gradients, twice the work of the forward.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <functional>
#include <string>
#include <vector>

#include "bench/in_turns.h"
#include "bench/operands.h"
#include "bench/peak.h"
#include "bench/report.h"
#include "src/kernels/mixed_precision.h"
#include "tandem/kernels.h"

DEFINE_int32(repeats, 9, "Turns; the figures are medians.");
DEFINE_string(precision, "f32", "Of the products' factors: f32 or bf16.");
DEFINE_string(products, "", "With bf16: amx, avx512bf16, avx2 or generic; left out, what a run would use.");
DEFINE_bool(json, false, "One JSON array instead of a table.");

namespace tandem::bench {
namespace {

void AddPasses(CinLayer* layer, std::vector<std::function<void()>>* functions) {
  functions->emplace_back([layer] { layer->Forward(); });
  functions->emplace_back([layer] { layer->BackwardData(); });
  functions->emplace_back([layer] { layer->BackwardWeights(); });
}

const Kernels& Bf16Kernels(const Kernels& floats) {
  if (FLAGS_products.empty()) return WithBf16Factors(floats);
  for (const Kernels* kernels : AvailableBf16FactorKernels()) {
    if (FLAGS_products == kernels->name()) return *kernels;
  }
  LOG(FATAL) << "--products=" << FLAGS_products << ": this processor doesn't run these";
}

void Measure(const Kernels& floats, bool bf16, const CinShape& shape, Report* report) {
  CinLayer layer(bf16 ? Bf16Kernels(floats) : floats, shape);
  CinLayer of_floats(floats, shape);
  std::vector<std::function<void()>> functions;
  functions.emplace_back([&] { bf16 ? Bf16Turn() : FmaTurn(floats.name()); });
  AddPasses(&layer, &functions);
  if (bf16) AddPasses(&of_floats, &functions);
  const std::vector<double> seconds = MedianSeconds(functions, FLAGS_repeats, 0.04);
  const double peak = (bf16 ? Bf16TurnFlops() : FmaTurnFlops(floats.name())) / seconds[0];
  const auto add = [&](const std::string& pass, double passes, double time, double float_time) {
    report->Add({{"layer", std::to_string(shape.maps) + "x" + std::to_string(shape.previous) + "x" +
                               std::to_string(shape.fields)},
                 {"pass", pass},
                 {"GFLOP/s", passes * layer.flops() / time * 1e-9},
                 {"of_peak", passes * layer.flops() / time / peak},
                 {"nominal", passes * layer.nominal_flops() / time / peak},
                 {"us_per_sample", time * 1e6 / 128},
                 {"f32_over_this", float_time / time}});
  };
  const size_t f = bf16 ? 4 : 1;
  add("forward", 1, seconds[1], seconds[f]);
  add("dX", 1, seconds[2], seconds[f + 1]);
  add("dW", 1, seconds[3], seconds[f + 2]);
  add("backward", 2, seconds[2] + seconds[3], seconds[f + 1] + seconds[f + 2]);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  using namespace tandem::bench;  // NOLINT(google-build-using-namespace)
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  const tandem::Kernels& kernels = **tandem::FindKernels("auto");
  CHECK(FLAGS_precision == "f32" || FLAGS_precision == "bf16") << FLAGS_precision;
  Report report({"layer", "pass", "GFLOP/s", "of_peak", "nominal", "us_per_sample", "f32_over_this"});
  for (const tandem::CinShape& shape :
       {tandem::CinShape{128, 39, 39, true}, tandem::CinShape{128, 128, 39, false},
        tandem::CinShape{64, 64, 39, false}}) {
    Measure(kernels, FLAGS_precision == "bf16", shape, &report);
  }
  report.Print(FLAGS_json);
  return 0;
}
