// Knots are quantiles, and the values that many rows share.
#include "src/init/knots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tandem {
namespace {

using testing::ElementsAre;

TEST(KnotsTest, FewValuesHaveAKnotEach) { EXPECT_THAT(Knots({3, 1, 2, 2, 1}, 4), ElementsAre(1, 2, 3)); }

TEST(KnotsTest, ManyAreCutIntoEqualShares) {
  std::vector<double> values;
  for (int i = 0; i <= 1000; ++i) values.push_back(i);
  const std::vector<double> knots = Knots(values, 6);
  ASSERT_EQ(knots.size(), 6u);
  EXPECT_EQ(knots.front(), 0);
  EXPECT_EQ(knots.back(), 1000);
  for (size_t i = 1; i < knots.size(); ++i) EXPECT_NEAR(knots[i] - knots[i - 1], 200, 2);
}

TEST(KnotsTest, AHeavyValueTakesOneKnotAndLeavesTheOthersToTheRest) {
  std::vector<double> values(9000, 0.0);
  for (int i = 1; i <= 1000; ++i) values.push_back(i);
  const std::vector<double> knots = Knots(values, 8);
  EXPECT_EQ(knots.size(), 8u);
  EXPECT_EQ(std::count_if(knots.begin(), knots.end(), [](double knot) { return knot > 0; }), 7);
}

TEST(KnotsTest, TheyIncreaseAndAreNoMoreThanAllowed) {
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i) values.push_back((i * i) % 97 * (i % 3));
  for (const int most : {2, 3, 5, 24}) {
    const std::vector<double> knots = Knots(values, most);
    EXPECT_LE(knots.size(), static_cast<size_t>(most));
    EXPECT_GE(knots.size(), 2u);
    for (size_t i = 1; i < knots.size(); ++i) EXPECT_LT(knots[i - 1], knots[i]);
  }
}

}  // namespace
}  // namespace tandem
