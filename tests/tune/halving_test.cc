// Who goes on at a rung.
#include "src/tune/halving.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(HalvingTest, TheBetterHalfOfThoseSoFarGoesOn) {
  Halving halving;
  for (int trial = 0; trial < 3; ++trial)
    EXPECT_TRUE(halving.GoesOn(trial, 2, 0.5 + trial)) << "the first ones";
  EXPECT_FALSE(halving.GoesOn(3, 2, 9));
  EXPECT_TRUE(halving.GoesOn(4, 2, 0.4));
  EXPECT_TRUE(halving.GoesOn(5, 2, 1.4)) << "the third of six";
  EXPECT_FALSE(halving.GoesOn(6, 2, 2.4)) << "the fifth of seven";
}

TEST(HalvingTest, RungsKnowNothingOfEachOther) {
  Halving halving;
  for (int trial = 0; trial < 8; ++trial) halving.GoesOn(trial, 2, 0.1);
  EXPECT_TRUE(halving.GoesOn(8, 4, 5));
}

TEST(HalvingTest, ATieGoesOn) {
  Halving halving;
  for (int trial = 0; trial < 20; ++trial) EXPECT_TRUE(halving.GoesOn(trial, Halving::kEndOfPasses, 0.3));
}

TEST(HalvingTest, WhoComesAgainCountsOnce) {
  Halving halving;
  for (int trial = 0; trial < 3; ++trial) halving.GoesOn(trial, 2, 0.1);
  for (int again = 0; again < 5; ++again) halving.GoesOn(1, 2, 0.1);
  EXPECT_FALSE(halving.GoesOn(3, 2, 0.2));
  for (int trial = 4; trial < 12; ++trial) halving.GoesOn(trial, 2, 0.3);
  EXPECT_TRUE(halving.GoesOn(3, 2, 0.2));
}

TEST(HalvingTest, RungsAreTwoFourEight) {
  for (int passes = 0; passes <= 16; ++passes) {
    EXPECT_EQ(Halving::IsRung(passes), passes == 2 || passes == 4 || passes == 8 || passes == 16) << passes;
  }
}

}  // namespace
}  // namespace tandem
