#include "src/online/drift_guard.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

using Verdict = DriftGuard::Verdict;

TEST(DriftGuard, TheFirstWindowIsTheReferenceAndABetterOneLowersIt) {
  DriftGuard guard(0.1, 3);
  EXPECT_EQ(guard.Check(0.5), Verdict::kGood);
  EXPECT_EQ(guard.Check(0.549), Verdict::kGood);
  EXPECT_EQ(guard.Check(0.4), Verdict::kGood);
  EXPECT_EQ(*guard.reference(), 0.4);
  EXPECT_EQ(guard.Check(0.45), Verdict::kRollBack);
  EXPECT_EQ(*guard.reference(), 0.4) << "a bad window is no reference";
}

TEST(DriftGuard, AConfirmedWindowIsTheNewReference) {
  DriftGuard guard(0.1, 3);
  guard.Check(0.4);
  guard.Confirm(0.43);
  EXPECT_EQ(guard.Check(0.47), Verdict::kGood) << "a stream that changes slowly is followed";
}

TEST(DriftGuard, AStreamThatStaysBadIsAcceptedInTheEnd) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4);
  EXPECT_EQ(guard.Check(0.9), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9), Verdict::kAccept);
  EXPECT_EQ(guard.Check(0.9), Verdict::kGood);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, RollBacksAreInARowUntilACheckpointProvesGood) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4);
  guard.Check(0.9);
  guard.Check(0.41);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 1);
  guard.Confirm(0.41);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, WhatIsNotANumberIsWorseThanAnything) {
  DriftGuard guard(0.1, 2);
  guard.Check(0.4);
  EXPECT_EQ(guard.Check(std::nan("")), Verdict::kRollBack);
}

TEST(DriftGuard, WithoutALimitEverythingIsGood) {
  DriftGuard guard(0, 1);
  guard.Check(0.1);
  EXPECT_EQ(guard.Check(100), Verdict::kGood);
}

TEST(DriftGuard, ARestoredGuardGoesOn) {
  DriftGuard guard(0.1, 3);
  guard.Restore(0.4, 2);
  EXPECT_EQ(guard.Check(0.9), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(0.9), Verdict::kAccept);
}

}  // namespace
}  // namespace tandem
