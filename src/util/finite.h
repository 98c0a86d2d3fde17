// Whether all floats of an array are numbers: neither NaN nor infinite.
#ifndef TANDEM_SRC_UTIL_FINITE_H_
#define TANDEM_SRC_UTIL_FINITE_H_

#include <cstdint>

namespace tandem {

inline bool AllFinite(const float* x, int64_t n) {
  // Lanes of their own, as the compiler may not reorder a sum. 0 * x is NaN where x isn't finite.
  float zero[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) zero[lane] += 0 * x[i + lane];
  }
  for (; i < n; ++i) zero[0] += 0 * x[i];
  for (int lane = 1; lane < 16; ++lane) zero[0] += zero[lane];
  return zero[0] == 0;
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_FINITE_H_
