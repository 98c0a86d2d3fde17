// How much memory this process may take.
//
//   if (needed > AvailableMemory()) return ConfigError("asks for ", needed, " bytes");
#ifndef TANDEM_SRC_UTIL_AVAILABLE_MEMORY_H_
#define TANDEM_SRC_UTIL_AVAILABLE_MEMORY_H_

namespace tandem {

// Bytes: of the machine, the container (control groups, of either version) and the process (ulimit -v),
// whichever allows the least. What others use of it isn't counted.
double AvailableMemory();

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_AVAILABLE_MEMORY_H_
