// The log odds of the base rate, with which towers begin.
#include "src/train/first_logit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

// Golden numbers by Python: log((positives + m / 2) / (weight - positives + m / 2)), m = weight / rows.
TEST(FirstLogitTest, IsTheLogOddsOfTheSmoothedRate) {
  EXPECT_NEAR(BaseRateLogit({1000, 1000, 250}), -1.0972807305, 1e-9);
  EXPECT_NEAR(BaseRateLogit({1000, 500, 100}), -1.3844222857, 1e-9);
  EXPECT_NEAR(BaseRateLogit({4, 4, 2}), 0, 1e-12);
}

TEST(FirstLogitTest, WeightsOfAnyScaleSayTheSame) {
  EXPECT_NEAR(BaseRateLogit({100, 1e-6, 3e-7}), BaseRateLogit({100, 100, 30}), 1e-12);
}

TEST(FirstLogitTest, IsFiniteWhateverTheLabelsAre) {
  EXPECT_NEAR(BaseRateLogit({10, 10, 0}), -std::log(21), 1e-12);
  EXPECT_NEAR(BaseRateLogit({10, 10, 10}), std::log(21), 1e-12);
  EXPECT_EQ(BaseRateLogit({}), 0);
  EXPECT_EQ(BaseRateLogit({5, 0, 0}), 0) << "no row weighs anything";
}

}  // namespace
}  // namespace tandem
