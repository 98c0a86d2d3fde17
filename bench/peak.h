// What this processor can do at best, measured here and now: the yardsticks that the benchmarks divide by.
//
//   double share = flops / seconds / FmaPeak("avx512");
//   double share = bytes / seconds / StreamBandwidth();
//
// On the calling thread, by the clock, the best of several runs: measured while others use the core they are
// too low, and shares too high. What stays in a cache, or writes what it reads, passes the stream's
// bandwidth. FmaPeak measures anew at every call, since a core's clock changes with its neighbours' load:
// call it close to what is divided by it, or time FmaTurn in turns with it.
#ifndef TANDEM_BENCH_PEAK_H_
#define TANDEM_BENCH_PEAK_H_

#include <string>

namespace tandem::bench {

// Multiplications and additions a second of one core, from registers alone, in the registers that the
// kernels' variant ("avx512", "avx2", "generic") uses; AVX2's for "generic". 0 where it isn't known (not
// x86-64).
double FmaPeak(const std::string& variant);

// One turn of the loop behind FmaPeak, about a millisecond, and the multiplications and additions in it.
void FmaTurn(const std::string& variant);
double FmaTurnFlops(const std::string& variant);

// The same of the dot products of bfloat16 pairs with float32 sums (vdpbf16ps, registers of 512 bits), two
// multiplications and two additions each: 0 where the processor has no AVX512-BF16.
double Bf16Peak();
void Bf16Turn();
double Bf16TurnFlops();

// Measured once a process: bytes a second that one core reads in order, as src/util/machine_peak.h measures
// it.
double StreamBandwidth();

// Measured once a process: rows of 64 bytes a second that one core reads at random places of 1 GiB, each
// announced by a prefetch 24 rows ahead, in huge pages where the system has them.
double RandomRowRate();

}  // namespace tandem::bench

#endif  // TANDEM_BENCH_PEAK_H_
