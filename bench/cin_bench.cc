// The layers of the compressed interaction network alone: shares of the FMA peak, measured in turns with the
// peak itself, so that a changing clock doesn't matter.
//
//   taskset -c 1 build/bench/cin_bench [--json]
//
// xDeepFM's layers of the peers' comparison, 39 fields x 16, a shard of 128 samples, bias and ReLU. `of_peak`
// counts the work that is done: half of the pairs in the symmetric first layer; `nominal` counts them all.
// Backward is both gradients, twice the work of the forward.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <string>
#include <vector>

#include "bench/in_turns.h"
#include "bench/operands.h"
#include "bench/peak.h"
#include "bench/report.h"
#include "tandem/kernels.h"

DEFINE_int32(repeats, 9, "Turns; the figures are medians.");
DEFINE_bool(json, false, "One JSON array instead of a table.");

int main(int argc, char** argv) {
  using namespace tandem::bench;  // NOLINT(google-build-using-namespace)
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  const tandem::Kernels& kernels = **tandem::FindKernels("auto");
  Report report({"layer", "pass", "GFLOP/s", "of_peak", "nominal", "us_per_sample"});
  for (const tandem::CinShape& shape :
       {tandem::CinShape{128, 39, 39, true}, tandem::CinShape{128, 128, 39, false},
        tandem::CinShape{64, 64, 39, false}}) {
    CinLayer layer(kernels, shape);
    const std::vector<double> seconds =
        MedianSeconds({[&] { layer.Forward(); }, [&] { layer.BackwardData(); },
                       [&] { layer.BackwardWeights(); }, [&] { FmaTurn(kernels.name()); }},
                      FLAGS_repeats, 0.04);
    const double peak = FmaTurnFlops(kernels.name()) / seconds[3];
    const auto add = [&](const std::string& pass, double passes, double time) {
      report.Add({{"layer", std::to_string(shape.maps) + "x" + std::to_string(shape.previous) + "x" +
                                std::to_string(shape.fields)},
                  {"pass", pass},
                  {"GFLOP/s", passes * layer.flops() / time * 1e-9},
                  {"of_peak", passes * layer.flops() / time / peak},
                  {"nominal", passes * layer.nominal_flops() / time / peak},
                  {"us_per_sample", time * 1e6 / 128}});
    };
    add("forward", 1, seconds[0]);
    add("dX", 1, seconds[1]);
    add("dW", 1, seconds[2]);
    add("backward", 2, seconds[1] + seconds[2]);
  }
  report.Print(FLAGS_json);
  return 0;
}
