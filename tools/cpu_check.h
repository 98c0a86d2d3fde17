// What the program's instructions demand of the processor: cpu_level.cc knows, cpu_check.cc tells the user.
#ifndef TANDEM_TOOLS_CPU_CHECK_H_
#define TANDEM_TOOLS_CPU_CHECK_H_

namespace tandem {

// The x86-64 level (x86-64-v3: 3) that TANDEM_ARCH_FLAGS chose; 1 stands for all below 3.
extern const int kCpuLevel;

}  // namespace tandem

#endif  // TANDEM_TOOLS_CPU_CHECK_H_
