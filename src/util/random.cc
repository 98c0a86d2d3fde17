#include "tandem/random.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {

Random::Random(uint64_t seed, RandomPurpose purpose, std::initializer_list<uint64_t> parts) {
  constexpr size_t kMaxParts = 7;
  CHECK_LE(parts.size(), kMaxParts);
  // The seed is hashed as data: XXH3 adds its own seed to its secret before the input is mixed in by
  // exclusive or, so that small seeds and small parts would cancel.
  uint64_t words[2 + kMaxParts] = {seed, static_cast<uint64_t>(purpose)};
  std::copy(parts.begin(), parts.end(), words + 2);
  key_ = XXH3_64bits(words, (2 + parts.size()) * sizeof(uint64_t));
}

double Random::Normal(uint64_t counter) const {
  constexpr double kTwoPi = 6.283185307179586;
  // 1 - u keeps the logarithm's argument above zero.
  const double radius = std::sqrt(-2 * std::log(1 - UniformDouble(2 * counter)));
  return radius * std::cos(kTwoPi * UniformDouble(2 * counter + 1));
}

}  // namespace tandem
