#include "bench/peak.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bench/in_turns.h"

namespace tandem::bench {
namespace {

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

constexpr int64_t kRounds = 200'000;
#endif

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

double MeasureStream() {
  constexpr int64_t kBytes = int64_t{1} << 30, kStreams = 8, kPart = kBytes / 8 / kStreams;
  const Pages pages(kBytes);
  if (pages.data() == nullptr) return 0;
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double begin = ThreadSeconds();
    {
      LineSum sum;
      for (int64_t i = 0; i < kPart; i += 8) {
        for (int64_t stream = 0; stream < kStreams; ++stream) sum.Add(pages.data() + stream * kPart + i);
      }
    }
    best = std::max(best, kBytes / (ThreadSeconds() - begin));
  }
  return best;
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

#if defined(__x86_64__)
void FmaTurn(const std::string& variant) {
  variant == "avx512" ? MultiplyAdd512(kRounds) : MultiplyAdd256(kRounds);
}

double FmaTurnFlops(const std::string& variant) {
  return 2.0 * 12 * (variant == "avx512" ? 16 : 8) * kRounds;
}
#else
void FmaTurn(const std::string&) {}
double FmaTurnFlops(const std::string&) { return 0; }
#endif

double FmaPeak(const std::string& variant) {
  double best = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const double begin = ThreadSeconds();
    FmaTurn(variant);
    best = std::max(best, FmaTurnFlops(variant) / (ThreadSeconds() - begin));
  }
  return best;
}

double StreamBandwidth() {
  static const double bandwidth = MeasureStream();
  return bandwidth;
}

double RandomRowRate() {
  static const double rate = MeasureRandomRows();
  return rate;
}

}  // namespace tandem::bench
