// What the processor and its memory can do at most, measured: what a profile's shares are of.
//
//   const MachinePeak peak = MeasureMachinePeak(threads, /*wide=*/true);   // a tenth of a second
//   const double share = flops / seconds / peak.flops;
#ifndef TANDEM_SRC_UTIL_MACHINE_PEAK_H_
#define TANDEM_SRC_UTIL_MACHINE_PEAK_H_

namespace tandem {

struct MachinePeak {
  double flops = 0;  // single-precision multiplications and additions a second; 0 where it isn't known
  double bytes = 0;  // read a second from memory that no cache holds
};

// Of `threads` threads at the same time, the best of a few short runs. `wide`: with registers of 512 bits,
// which the processor must have; else of 256.
MachinePeak MeasureMachinePeak(int threads, bool wide);

// One run of the loop that `flops` is measured by, about a millisecond, and the multiplications and additions
// in it: 0 where it isn't known.
void RunMultiplyAdds(bool wide);
double MultiplyAddFlops(bool wide);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_MACHINE_PEAK_H_
