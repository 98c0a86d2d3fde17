#include "src/nn/initialize.h"

#include <algorithm>
#include <cmath>

#include "tandem/random.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {

void InitializeNormal(uint64_t seed, absl::string_view name, int64_t n, double deviation, float* out) {
  const Random random(seed, RandomPurpose::kParameters, {XXH3_64bits(name.data(), name.size())});
  constexpr int64_t kAtATime = 256;
  double normal[kAtATime];
  for (int64_t first = 0; first < n; first += kAtATime) {
    const int64_t block = std::min(kAtATime, n - first);
    random.Normals(first, block, normal);
    for (int64_t i = 0; i < block; ++i) out[first + i] = static_cast<float>(deviation * normal[i]);
  }
}

double XavierDeviation(int64_t fan_in, int64_t fan_out) {
  return std::sqrt(2.0 / static_cast<double>(fan_in + fan_out));
}

}  // namespace tandem
