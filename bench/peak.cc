#include "bench/peak.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bench/in_turns.h"
#include "src/util/machine_peak.h"

namespace tandem::bench {
namespace {

// Memory of its own pages, huge ones where the system gives them, touched.
class Pages {
 public:
  explicit Pages(int64_t bytes) : bytes_(bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    data_ = static_cast<uint64_t*>(memory);
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (int64_t i = 0; i < bytes / 8; i += 8) data_[i] = i;
  }
  ~Pages() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  const uint64_t* data() const { return data_; }

 private:
  int64_t bytes_;
  uint64_t* data_ = nullptr;
};

// A cache line's worth of additions, so that every byte is read and nothing else costs.
using Half __attribute__((vector_size(32))) = uint64_t;
struct LineSum {
  void Add(const uint64_t* line) {
    low += *reinterpret_cast<const Half*>(line);
    high += *reinterpret_cast<const Half*>(line + 4);
  }
  ~LineSum() { asm volatile("" : : "m"(low), "m"(high)); }
  Half low = {}, high = {};
};

constexpr int64_t kBf16Rounds = 100'000;

bool HasBf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

double MeasureRandomRows() {
  constexpr int64_t kRows = int64_t{1} << 24;
  constexpr int kReads = 1 << 22, kAhead = 24;
  const Pages pages(kRows * 64);
  if (pages.data() == nullptr) return 0;
  std::vector<uint32_t> rows(kReads + kAhead);
  uint64_t state = 1;
  for (uint32_t& row : rows) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    row = static_cast<uint32_t>(state >> 40);
  }
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double begin = ThreadSeconds();
    {
      LineSum sum;
      for (int k = 0; k < kReads; ++k) {
        __builtin_prefetch(pages.data() + int64_t{8} * rows[k + kAhead]);
        sum.Add(pages.data() + int64_t{8} * rows[k]);
      }
    }
    best = std::max(best, kReads / (ThreadSeconds() - begin));
  }
  return best;
}

}  // namespace

void FmaTurn(const std::string& variant) { RunMultiplyAdds(variant == "avx512"); }

double FmaTurnFlops(const std::string& variant) { return MultiplyAddFlops(variant == "avx512"); }

double FmaPeak(const std::string& variant) {
  double best = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const double begin = ThreadSeconds();
    FmaTurn(variant);
    best = std::max(best, FmaTurnFlops(variant) / (ThreadSeconds() - begin));
  }
  return best;
}

// Fifteen independent sums: enough for two pipes of seven cycles' latency. Written out, so that the program's
// own instruction set doesn't matter.
void Bf16Turn() {
#if defined(__x86_64__)
  if (!HasBf16()) return;
  int64_t rounds = kBf16Rounds;
  asm volatile(
      "vzeroall\n"
      "1: .irp i,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "vdpbf16ps %%zmm0, %%zmm0, %%zmm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper\n"
      : "+r"(rounds)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc");
#endif
}

double Bf16TurnFlops() { return HasBf16() ? 4.0 * 15 * 16 * kBf16Rounds : 0; }

double Bf16Peak() {
  double best = 0;
  for (int repeat = 0; repeat < 20 && HasBf16(); ++repeat) {
    const double begin = ThreadSeconds();
    Bf16Turn();
    best = std::max(best, Bf16TurnFlops() / (ThreadSeconds() - begin));
  }
  return best;
}

double StreamBandwidth() {
  static const double bandwidth = MeasureMachinePeak(/*threads=*/1, /*wide=*/false).bytes;
  return bandwidth;
}

double RandomRowRate() {
  static const double rate = MeasureRandomRows();
  return rate;
}

}  // namespace tandem::bench
