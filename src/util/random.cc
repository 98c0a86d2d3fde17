#include "tandem/random.h"

#include <cmath>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {

Random::Random(uint64_t seed, RandomPurpose purpose, std::initializer_list<uint64_t> parts) {
  uint64_t words[8] = {static_cast<uint64_t>(purpose)};
  int count = 1;
  for (const uint64_t part : parts) {
    if (count < 8) words[count++] = part;
  }
  key_ = XXH3_64bits_withSeed(words, count * sizeof(uint64_t), seed);
}

double Random::Normal(uint64_t counter) const {
  constexpr double kTwoPi = 6.283185307179586;
  // 1 - u keeps the logarithm's argument above zero.
  const double radius = std::sqrt(-2 * std::log(1 - UniformDouble(2 * counter)));
  return radius * std::cos(kTwoPi * UniformDouble(2 * counter + 1));
}

}  // namespace tandem
