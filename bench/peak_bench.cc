// The yardsticks of this machine, one core, as JSON: what bench/side_by_side.py divides by.
//
//   taskset -c 1 build/bench/peak_bench
//   {"kernels":"avx512","fma":2.15e11,"fma_avx2":1.07e11,"bf16":4.3e11,"stream":1.85e10,"random_rows":4.0e7}
//
// fma: multiplications and additions a second in the registers of the variant that `auto` chooses; bf16:
// those of bfloat16 pairs by vdpbf16ps, 0 without AVX512-BF16 (twice fma's on Zen 4, half of it on Intel
// cores); stream: bytes a second read in order; random_rows: rows of 64 bytes a second at random places
// (bench/peak.h).
#include <cstring>

#include "bench/peak.h"
#include "bench/report.h"
#include "tandem/kernels.h"

int main(int argc, char** argv) {
  using namespace tandem::bench;  // NOLINT(google-build-using-namespace)
  const bool fma_only = argc == 2 && std::strcmp(argv[1], "--fma") == 0;
  const std::string variant = tandem::AvailableKernels().front()->name();
  Json json = {
      {"kernels", variant}, {"fma", FmaPeak(variant)}, {"fma_avx2", FmaPeak("avx2")}, {"bf16", Bf16Peak()}};
  if (!fma_only) {
    json["stream"] = StreamBandwidth();
    json["random_rows"] = RandomRowRate();
  }
  std::cout << json.dump() << std::endl;
  return 0;
}
