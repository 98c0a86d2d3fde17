// When the guard rolls a student back, and when it accepts a new level.
#include "src/online/drift_guard.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

using Verdict = DriftGuard::Verdict;

TEST(DriftGuard, TheFirstWindowIsTheReferenceAndABetterOneLowersIt) {
  DriftGuard guard(0.1, 3);
  EXPECT_EQ(guard.Check(0.5, 0.6), Verdict::kGood);
  EXPECT_EQ(guard.Check(0.549, 0.6), Verdict::kGood);
  EXPECT_EQ(guard.Check(0.4, 0.6), Verdict::kGood);
  EXPECT_EQ(*guard.reference(), 0.4);
  EXPECT_EQ(guard.Check(0.45, 0.6), Verdict::kRollBack);
  EXPECT_EQ(*guard.reference(), 0.4) << "a bad window is no reference";
}

TEST(DriftGuard, AFirstWindowThatIsWorseThanTheClickRateAloneIsNoReference) {
  DriftGuard guard(0.1, 1);
  EXPECT_EQ(guard.Check(0.7, 0.6), Verdict::kRollBack);
  EXPECT_FALSE(guard.reference().has_value());
  EXPECT_EQ(guard.Check(0.65, 0.6), Verdict::kGood);
  EXPECT_EQ(*guard.reference(), 0.65);
}

TEST(DriftGuard, AConfirmedWindowIsTheNewReference) {
  DriftGuard guard(0.1, 3);
  guard.Check(0.4, 0.6);
  guard.Confirm(0.43);
  EXPECT_EQ(guard.Check(0.47, 0.6), Verdict::kGood) << "a stream that changes slowly is followed";
}

TEST(DriftGuard, AStreamThatStaysBadIsAcceptedInTheEnd) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4, 0.6);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kAccept);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kGood);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, DivergenceIsNeverAccepted) {
  DriftGuard guard(0.1, 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(guard.Check(1.3, 0.6), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(1.1, 0.6), Verdict::kAccept);
}

TEST(DriftGuard, RollBacksAreInARowUntilACheckpointProvesGood) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4, 0.6);
  guard.Check(0.9, 0.6);
  guard.Check(0.41, 0.6);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 1);
  guard.Confirm(0.41);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, WhatIsNotANumberIsWorseThanAnything) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4, 0.6);
  EXPECT_EQ(guard.Check(std::nan(""), 0.6), Verdict::kRollBack);
}

TEST(DriftGuard, WithoutALimitEverythingIsGood) {
  DriftGuard guard(0, 1);
  guard.Check(0.1, 0.6);
  EXPECT_EQ(guard.Check(100, 0.6), Verdict::kGood);
}

TEST(DriftGuard, ARestoredGuardGoesOn) {
  DriftGuard guard(0.1, 3);
  guard.Restore(0.4, 2);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9, 0.6), Verdict::kAccept);
}

}  // namespace
}  // namespace tandem
