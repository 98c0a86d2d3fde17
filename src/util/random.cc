#include "tandem/random.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

constexpr int kBlock = 16;

// The logarithm and the cosine are written out: so a new row's values take a fraction of the time (the loops
// over blocks become vectors), and are the same on every machine, whatever its library. Both are right to
// 2^-51.

// c0 + c1 z + c2 z² + ...
inline double Horner(double /*z*/, double c) { return c; }
template <typename... Rest>
inline double Horner(double z, double c, Rest... rest) {
  return c + z * Horner(z, rest...);
}

// Of a normal number in (0, 1]. With x = 2^e m and s = (m - 1) / (m + 1), log x = e log 2 + 2 artanh s, and
// s² < 0.03.
inline double NaturalLogarithm(double x) {
  constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcdu;  // m is in [√½, √2)
  constexpr uint64_t kBias = 1023;
  constexpr double kTwo52 = 4503599627370496;
  constexpr double kLn2High = 6.93147180369123816490e-01,
                   kLn2Low = 1.90821492927058770002e-10;  // e · high is exact
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const uint64_t biased = (bits - kRootHalf + (kBias << 52)) >> 52;
  const uint64_t m_bits = bits - ((biased - kBias) << 52);
  const uint64_t e_bits = biased | 0x4330000000000000u;
  double m, e;
  std::memcpy(&m, &m_bits, sizeof(m));
  std::memcpy(&e, &e_bits, sizeof(e));
  e -= kTwo52 + static_cast<double>(kBias);
  const double s = (m - 1) / (m + 1), z = s * s;
  const double sum = Horner(z, 1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15,
                            1.0 / 17, 1.0 / 19, 1.0 / 21);
  return e * kLn2High + (2 * s * sum + e * kLn2Low);
}

// cos 2πu for u in [0, 1): a quarter turn at a time, by the series of sine and cosine up to an eighth.
inline double CosineOfTurns(double u) {
  constexpr double kTwoPi = 6.283185307179586;
  const double quarter = std::floor(4 * u + 0.5);
  const double a = kTwoPi * (u - 0.25 * quarter), z = a * a;
  const double cosine = Horner(z, 1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800,
                               1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000);
  const double sine = a * Horner(z, 1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                                 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000);
  const double value = quarter == 1 || quarter == 3 ? sine : cosine;
  return quarter == 1 || quarter == 2 ? -value : value;
}

}  // namespace

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
  double value;
  Normals(counter, 1, &value);
  return value;
}

void Random::Normals(uint64_t first, int64_t n, double* out) const {
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const auto block = static_cast<int>(std::min<int64_t>(kBlock, n - begin));
    double u[kBlock] = {}, turns[kBlock] = {}, values[kBlock];
    for (int i = 0; i < block; ++i) {
      u[i] = UniformDouble(2 * (first + begin + i));
      turns[i] = UniformDouble(2 * (first + begin + i) + 1);
    }
    // 1 - u keeps the logarithm's argument above zero.
    for (int i = 0; i < kBlock; ++i)
      values[i] = std::sqrt(-2 * NaturalLogarithm(1 - u[i])) * CosineOfTurns(turns[i]);
    std::copy_n(values, block, out + begin);
  }
}

}  // namespace tandem
