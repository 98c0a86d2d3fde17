// Compiled for any x86-64 and run before all other initialisation: a processor that can't execute the rest of
// the program gets a sentence, not a SIGILL.
#if defined(__x86_64__)
#include "tools/cpu_check.h"

#include <unistd.h>

namespace tandem {
namespace {

constexpr char kNeedsV3[] =
    "tandem: this build needs an x86-64-v3 processor (AVX2, FMA, BMI2: Intel Haswell, AMD Excavator or "
    "later), and this one isn't. Configure with -DTANDEM_ARCH_FLAGS=-march=native and build on this "
    "machine.\n";
constexpr char kNeedsV4[] =
    "tandem: this build needs a processor with AVX-512, and this one hasn't. Configure without "
    "TANDEM_ARCH_FLAGS, and the fastest kernels that a processor has are chosen at run time.\n";

template <int size>
[[noreturn]] void Refuse(const char (&message)[size]) {
  // Nothing can be done where even this fails.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message, size - 1);
  _exit(1);
}

__attribute__((constructor(101))) void CheckProcessor() {
  __builtin_cpu_init();
  const bool v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (kCpuLevel >= 3 && !v3) Refuse(kNeedsV3);
  if (kCpuLevel >= 4 && !__builtin_cpu_supports("avx512f")) Refuse(kNeedsV4);
}

}  // namespace
}  // namespace tandem
#endif
