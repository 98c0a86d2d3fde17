// The flat vector of a tower's parameters, and its named blocks.
#include "tandem/parameters.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(ParameterLayoutTest, BlocksBeginAtCacheLinesInTheOrderOfTheirRegistration) {
  ParameterLayout layout;
  EXPECT_EQ(layout.Add("a", {3, 7}, ParameterKind::kWeight), 0);
  EXPECT_EQ(layout.Add("b", {1}, ParameterKind::kBias), 32);
  EXPECT_EQ(layout.Add("c", {16}, ParameterKind::kStatistic), 48);
  EXPECT_EQ(layout.size(), 64);
  EXPECT_EQ(layout.blocks()[0].size, 21);
}

TEST(ParameterLayoutTest, PaddingAndStatisticsAreNotTrained) {
  ParameterLayout layout;
  layout.Add("weight", {3, 7}, ParameterKind::kWeight);
  layout.Add("bias", {7}, ParameterKind::kBias);
  layout.Add("mean", {7}, ParameterKind::kStatistic);
  EXPECT_EQ(layout.trained(), 28);
}

TEST(ParameterLayoutTest, FindsABlockByItsName) {
  ParameterLayout layout;
  layout.Add("a", {2}, ParameterKind::kWeight);
  layout.Add("b", {5}, ParameterKind::kBias);
  ASSERT_NE(layout.Find("b"), nullptr);
  EXPECT_EQ(layout.Find("b")->offset, 16);
  EXPECT_EQ(layout.Find("c"), nullptr);
}

TEST(ParameterLayoutDeathTest, ANameTwiceIsAProgrammersError) {
  ParameterLayout layout;
  layout.Add("a", {2}, ParameterKind::kWeight);
  EXPECT_DEATH(layout.Add("a", {2}, ParameterKind::kWeight), "a");
}

}  // namespace
}  // namespace tandem
