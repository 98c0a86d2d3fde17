// Randomness that is a function of its key.
#include "tandem/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace tandem {
namespace {

constexpr int kDraws = 400000;
// Bounds below are this many standard errors: the draws are fixed, so a test that passes once always does.
constexpr double kErrors = 4;

// XXH3-64 by Python's xxhash, splitmix64 written out in Python.
TEST(RandomTest, ValuesAreFixedForAllTime) {
  EXPECT_EQ(Random(1, RandomPurpose::kShuffle, {}).Bits(0), 0xda2feebf1615fd56u);
  EXPECT_EQ(Random(1, RandomPurpose::kShuffle, {}).Bits(1), 0xba949d60b31789cfu);
  EXPECT_EQ(Random(7, RandomPurpose::kRow, {5, 123456789012345678u}).Bits(0), 0xef0c458acef9d267u);
  EXPECT_EQ(Random(7, RandomPurpose::kDropout, {0, 1, 2}).Bits(uint64_t{1} << 40), 0x5d064077fa11802au);
}

TEST(RandomTest, AValueDependsOnItsKeyNotOnTheOrderOfDrawing) {
  const Random random(3, RandomPurpose::kRow, {1});
  const uint64_t later = random.Bits(1000);
  random.Bits(0);
  EXPECT_EQ(random.Bits(1000), later);
  EXPECT_EQ(Random(3, RandomPurpose::kRow, {1}).Bits(1000), later);
}

TEST(RandomTest, UniformHasTheMomentsOfUniform) {
  const Random random(1, RandomPurpose::kSynthetic, {});
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.Uniform(i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
  }
  EXPECT_NEAR(sum / kDraws, 0.5, kErrors * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 12, kErrors * std::sqrt(1.0 / 180 / kDraws));
}

TEST(RandomTest, UniformFillsItsRangeEvenly) {
  constexpr int kCells = 64;
  const Random random(2, RandomPurpose::kSynthetic, {});
  std::vector<int> cells(kCells);
  for (int i = 0; i < kDraws; ++i) ++cells[static_cast<int>(random.UniformDouble(i) * kCells)];
  double chi2 = 0;
  const double expected = static_cast<double>(kDraws) / kCells;
  for (const int count : cells) chi2 += (count - expected) * (count - expected) / expected;
  EXPECT_NEAR(chi2, kCells - 1, kErrors * std::sqrt(2.0 * (kCells - 1)));
}

TEST(RandomTest, UniformIsTheLeadingBits) {
  const Random random(5, RandomPurpose::kSynthetic, {});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(random.Uniform(i), std::ldexp(static_cast<float>(random.Bits(i) >> 40), -24)) << i;
    ASSERT_EQ(random.UniformDouble(i), std::ldexp(static_cast<double>(random.Bits(i) >> 11), -53)) << i;
  }
}

TEST(RandomTest, NormalHasTheMomentsOfNormal) {
  const Random random(1, RandomPurpose::kParameters, {9});
  double moments[5] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.Normal(i);
    ASSERT_TRUE(std::isfinite(z)) << i;
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(z, power) / kDraws;
  }
  // Variances of z, z^2, z^3, z^4 are 1, 2, 15, 96.
  EXPECT_NEAR(moments[1], 0, kErrors * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(moments[2], 1, kErrors * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(moments[3], 0, kErrors * std::sqrt(15.0 / kDraws));
  EXPECT_NEAR(moments[4], 3, kErrors * std::sqrt(96.0 / kDraws));
}

TEST(RandomTest, NormalIsBoxAndMullersFormula) {
  const Random random(2, RandomPurpose::kRow, {7});
  for (int i = 0; i < kDraws; ++i) {
    const long double u = random.UniformDouble(2 * i), turns = random.UniformDouble(2 * i + 1);
    const long double angle = 8 * std::atan(1.0L) * turns;
    const long double radius = std::sqrt(-2 * std::log1p(-u));
    ASSERT_NEAR(random.Normal(i), static_cast<double>(radius * std::cos(angle)),
                2e-15 * static_cast<double>(radius))
        << i;
  }
}

TEST(RandomTest, ManyNormalsAreThoseOfEachCounter) {
  const Random random(3, RandomPurpose::kRow, {8});
  for (const int n : {0, 1, 2, 15, 16, 17, 40, 64, 100}) {
    std::vector<double> many(n + 1, 5);
    random.Normals(11, n, many.data());
    for (int i = 0; i < n; ++i) ASSERT_EQ(many[i], random.Normal(11 + i)) << n << " " << i;
    EXPECT_EQ(many[n], 5);
  }
}

TEST(RandomTest, NormalHasTheTailsOfNormal) {
  const Random random(4, RandomPurpose::kParameters, {});
  int beyond = 0;
  for (int i = 0; i < kDraws; ++i) beyond += std::abs(random.Normal(i)) > 3;
  const double p = std::erfc(3 / std::sqrt(2.0));
  EXPECT_NEAR(static_cast<double>(beyond) / kDraws, p, kErrors * std::sqrt(p / kDraws));
}

TEST(RandomTest, EveryBitIsSetHalfOfTheTime) {
  const Random random(6, RandomPurpose::kShuffle, {1, 2, 3});
  int set[64] = {};
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t bits = random.Bits(i);
    for (int b = 0; b < 64; ++b) set[b] += bits >> b & 1;
  }
  for (int b = 0; b < 64; ++b) {
    EXPECT_NEAR(static_cast<double>(set[b]) / kDraws, 0.5, kErrors * 0.5 / std::sqrt(kDraws)) << "bit " << b;
  }
}

double Correlation(const Random& a, int shift, const Random& b) {
  double sum = 0;
  for (int i = 0; i < kDraws; ++i)
    sum += (a.UniformDouble(i + shift) - 0.5) * (b.UniformDouble(i) - 0.5) * 12;
  return sum / kDraws;
}

TEST(RandomTest, KeysThatDifferAnywhereDrawIndependently) {
  const Random base(1, RandomPurpose::kDropout, {2, 3});
  const double bound = kErrors / std::sqrt(kDraws);
  EXPECT_NEAR(Correlation(base, 0, base), 1, 0.01);
  EXPECT_NEAR(Correlation(base, 0, Random(2, RandomPurpose::kDropout, {2, 3})), 0, bound) << "seed";
  EXPECT_NEAR(Correlation(base, 0, Random(1, RandomPurpose::kIdDropout, {2, 3})), 0, bound) << "purpose";
  EXPECT_NEAR(Correlation(base, 0, Random(1, RandomPurpose::kDropout, {3, 2})), 0, bound) << "order of parts";
  EXPECT_NEAR(Correlation(base, 0, Random(1, RandomPurpose::kDropout, {2, 4})), 0, bound) << "last part";
  EXPECT_NEAR(Correlation(base, 0, Random(1, RandomPurpose::kDropout, {2})), 0, bound) << "fewer parts";
  for (const int lag : {1, 2, 7, 1024}) EXPECT_NEAR(Correlation(base, lag, base), 0, bound) << "lag " << lag;
}

// Small numbers everywhere, as runs have them: a hash seeded with them lets seed and parts cancel.
TEST(RandomTest, KeysThatDifferAnywhereGiveOtherValues) {
  std::set<uint64_t> values;
  int keys = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t purpose = 1; purpose <= 6; ++purpose) {
      for (uint64_t part = 0; part < 10; ++part) {
        const auto p = static_cast<RandomPurpose>(purpose);
        values.insert(Random(seed, p, {part}).Bits(0));
        values.insert(Random(seed, p, {part, 0}).Bits(0));
        values.insert(Random(seed, p, {0, 0, 0, 0, 0, 0, part + 1}).Bits(0));
        keys += 3;
      }
    }
  }
  EXPECT_EQ(values.size(), keys);
}

TEST(RandomDeathTest, MorePartsThanAKeyHoldsAreRefused) {
  EXPECT_DEATH(Random(1, RandomPurpose::kRow, {1, 2, 3, 4, 5, 6, 7, 8}), "kMaxParts");
}

}  // namespace
}  // namespace tandem
