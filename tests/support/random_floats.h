// Reproducible test data.
//
//   const AlignedFloats x = RandomFloats(rows * width, /*seed=*/1);
#ifndef TANDEM_TESTS_SUPPORT_RANDOM_FLOATS_H_
#define TANDEM_TESTS_SUPPORT_RANDOM_FLOATS_H_

#include <cstdint>
#include <vector>

#include "tandem/matrix.h"
#include "tandem/random.h"

namespace tandem {

// Normal values with the given deviation; a function of (n's index, seed).
inline AlignedFloats RandomFloats(int64_t n, uint64_t seed, double deviation = 1) {
  const Random random(seed, RandomPurpose::kSynthetic, {});
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(deviation * random.Normal(i));
  return values;
}

inline std::vector<double> ToDouble(const AlignedFloats& values) { return {values.begin(), values.end()}; }

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_RANDOM_FLOATS_H_
