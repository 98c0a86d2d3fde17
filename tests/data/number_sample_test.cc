// Knots from numbers: which of them are in the sample, and which quantiles they give.
#include "src/data/number_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// 0, 1, ... n - 1.
std::vector<double> Count(int n) {
  std::vector<double> numbers(n);
  for (int i = 0; i < n; ++i) numbers[i] = i;
  return numbers;
}

TEST(ChooseKnotsTest, ANumberWithFewValuesGetsAKnotAValue) {
  EXPECT_THAT(ChooseKnots({1, 1, 2, 2, 2, 7}, 3), ElementsAre(1, 2, 7));
  EXPECT_THAT(ChooseKnots({-0.0, 0.0, 4}, 5), ElementsAre(0, 4));
  EXPECT_THAT(ChooseKnots({3}, 24), ElementsAre(3));
  EXPECT_THAT(ChooseKnots({}, 24), IsEmpty());
}

// By hand: ranks 0.005, 0.2525, 0.5, 0.7475, 0.995 of 0..999, to the nearest.
TEST(ChooseKnotsTest, ManyValuesGetTheirQuantiles) {
  EXPECT_THAT(ChooseKnots(Count(1000), 5), ElementsAre(5, 252, 500, 747, 994));
  EXPECT_THAT(ChooseKnots(Count(1000), 2), ElementsAre(5, 994));
}

TEST(ChooseKnotsTest, AFrequentValueIsAKnotAndLeavesTheOthersToTheRest) {
  std::vector<double> numbers(9000, 0);
  for (const double number : Count(1000)) numbers.push_back(1 + number);
  const std::vector<double> knots = ChooseKnots(numbers, 6);
  EXPECT_THAT(knots, ElementsAre(0, 6, 253, 501, 748, 995));
}

TEST(ChooseKnotsTest, AFewAbsurdValuesTakeNoKnot) {
  std::vector<double> numbers = Count(10000);
  numbers.push_back(1e300);
  const std::vector<double> knots = ChooseKnots(numbers, 24);
  EXPECT_EQ(knots.size(), 24u);
  EXPECT_LT(knots.back(), 10000);
}

TEST(ChooseKnotsTest, KnotsRiseAndAreWhatAFloatHolds) {
  const std::vector<double> knots = ChooseKnots({-1e308, -1e300, 0, 5e-324, 1, 1e308}, 24);
  for (size_t k = 1; k < knots.size(); ++k) EXPECT_LT(knots[k - 1], knots[k]);
  EXPECT_LE(knots.back(), std::numeric_limits<float>::max());
  EXPECT_GE(knots.front(), -std::numeric_limits<float>::max());
}

TEST(NumberSampleTest, HoldsAllWhereTheyFit) {
  NumberSample sample(100);
  for (int row = 0; row < 100; ++row) sample.Add(row, (row * 37) % 100);
  EXPECT_EQ(sample.Sorted(), Count(100));
}

// 100,000 rows, of which 1,000 are kept: a mean of 50,000 within four standard errors (100,000 / sqrt(12 *
// 1000)).
TEST(NumberSampleTest, IsAFairSampleOfSoMany) {
  NumberSample sample(1000);
  for (int row = 0; row < 100000; ++row) sample.Add(row, row);
  const std::vector<double> sorted = sample.Sorted();
  ASSERT_EQ(sorted.size(), 1000u);
  double sum = 0;
  for (const double number : sorted) sum += number;
  EXPECT_NEAR(sum / 1000, 50000, 4 * 913);
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
}

TEST(NumberSampleTest, IsThatOfTheRowsWhateverTheirOrder) {
  NumberSample forwards(50), backwards(50);
  for (int row = 0; row < 5000; ++row) forwards.Add(row, row);
  for (int row = 4999; row >= 0; --row) backwards.Add(row, row);
  EXPECT_EQ(forwards.Sorted(), backwards.Sorted());
}

}  // namespace
}  // namespace tandem
