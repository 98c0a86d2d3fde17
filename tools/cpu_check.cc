// Compiled for any x86-64 and run before all other initialisation: a processor that can't execute the rest of
// the program gets a sentence, not a SIGILL.
#if defined(__x86_64__)
#include <unistd.h>

namespace {

__attribute__((constructor(101))) void CheckProcessor() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    return;
  constexpr char kMessage[] =
      "tandem: this build needs an x86-64-v3 processor (AVX2, FMA, BMI2: Intel Haswell, AMD Excavator or "
      "later), and this one "
      "isn't. Build with -DTANDEM_ARCH_FLAGS=-march=native on this machine.\n";
  if (write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1) < 0) _exit(1);
  _exit(1);
}

}  // namespace
#endif
