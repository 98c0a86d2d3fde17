// Compiled with the flags of the whole program, unlike cpu_check.cc.
#include "tools/cpu_check.h"

namespace tandem {

#if defined(__AVX512F__)
const int kCpuLevel = 4;
#elif defined(__AVX2__)
const int kCpuLevel = 3;
#else
const int kCpuLevel = 1;
#endif

}  // namespace tandem
