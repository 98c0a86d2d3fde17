#include "src/util/machine_peak.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tandem {
namespace {

constexpr int kRepeats = 5;
// More than a core's share of any last-level cache that is common today.
constexpr size_t kBufferBytes = size_t{64} << 20;

#if defined(__x86_64__)
constexpr int64_t kRounds = 300'000;

// Rounds of twelve independent fused multiply-adds: enough to fill two pipes of four cycles' latency. Written
// out, so that the program's own instruction set doesn't matter.
void MultiplyAdd256(int64_t rounds) {
  asm volatile(
      "vzeroall\n"
      "1: .irp i,1,2,3,4,5,6,7,8,9,10,11,12\n"
      "vfmadd231ps %%ymm0, %%ymm0, %%ymm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper\n"
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
#endif

// Seconds of the fastest of a few runs of `function` on every thread.
std::vector<double> BestSeconds(int threads, const std::function<void(int thread)>& function) {
  std::vector<double> best(threads, 1e9);
  const auto measure = [&](int thread) {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      function(thread);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      best[thread] = std::min(best[thread], seconds.count());
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(measure, thread);
  measure(0);
  for (std::thread& other : others) other.join();
  return best;
}

double SumOfRates(double work, const std::vector<double>& seconds) {
  double rate = 0;
  for (const double s : seconds) rate += work / s;
  return rate;
}

double ReadRate(int threads) {
  const size_t bytes = kBufferBytes * threads;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
#if defined(MADV_HUGEPAGE)
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  auto* words = static_cast<uint64_t*>(memory);
  constexpr size_t kWords = kBufferBytes / sizeof(uint64_t);
  std::fill_n(words, kWords * threads, uint64_t{1});
  std::vector<uint64_t> sums(threads);
  const std::vector<double> seconds = BestSeconds(threads, [&](int thread) {
    const uint64_t* mine = words + thread * kWords;
    uint64_t sum[8] = {};
    for (size_t i = 0; i < kWords; i += 8) {
      for (int j = 0; j < 8; ++j) sum[j] += mine[i + j];
    }
    for (const uint64_t s : sum) sums[thread] += s;
  });
  munmap(memory, bytes);
  // The sums are looked at, so that they are computed.
  return sums[0] == 0 ? 0 : SumOfRates(kBufferBytes, seconds);
}

}  // namespace

#if defined(__x86_64__)
void RunMultiplyAdds(bool wide) { (wide ? MultiplyAdd512 : MultiplyAdd256)(kRounds); }
double MultiplyAddFlops(bool wide) { return 2.0 * 12 * (wide ? 16 : 8) * kRounds; }
#else
void RunMultiplyAdds(bool /*wide*/) {}
double MultiplyAddFlops(bool /*wide*/) { return 0; }
#endif

MachinePeak MeasureMachinePeak(int threads, bool wide) {
  MachinePeak peak;
  const double flops = MultiplyAddFlops(wide);
  if (flops > 0) peak.flops = SumOfRates(flops, BestSeconds(threads, [&](int) { RunMultiplyAdds(wide); }));
  peak.bytes = ReadRate(threads);
  return peak;
}

}  // namespace tandem
