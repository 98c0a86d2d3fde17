// When the guard rolls a student back, and when it accepts a new level.
#include "src/online/drift_guard.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

using Verdict = DriftGuard::Verdict;

// Of so many rows that chance is nothing.
WindowLoss Loss(double logloss, double unlearned = 0.6, double error = 0) {
  return {logloss, unlearned, error, 1000000};
}

TEST(DriftGuard, AWindowThatIsWorseThanGoodOnesByMoreThanTheLimitIsBad) {
  DriftGuard guard(0.1, 3);
  EXPECT_EQ(guard.Check(Loss(0.58)), Verdict::kGood);
  EXPECT_NEAR(*guard.reference(), -0.0333, 1e-3);
  EXPECT_EQ(guard.Check(Loss(0.63)), Verdict::kGood);
  EXPECT_EQ(guard.Check(Loss(0.65)), Verdict::kRollBack);
  EXPECT_NEAR(*guard.reference(), -0.0333, 1e-3) << "a bad window is no reference";
}

TEST(DriftGuard, TheStreamsOwnClickRateIsWhatALossIsMeasuredBy) {
  DriftGuard guard(0.1, 3);
  EXPECT_EQ(guard.Check(Loss(0.19, 0.2)), Verdict::kGood);
  // Three times as many clicks: the loss is three times what it was, and the student as good.
  EXPECT_EQ(guard.Check(Loss(0.57, 0.6)), Verdict::kGood);
  EXPECT_EQ(guard.Check(Loss(0.19, 0.15)), Verdict::kRollBack) << "rarer clicks, and the loss stays";
}

TEST(DriftGuard, ChanceIsNoReason) {
  DriftGuard guard(0.1, 3);
  guard.Check(Loss(0.6));
  EXPECT_EQ(guard.Check(Loss(0.7, 0.6, /*error=*/0.02)), Verdict::kGood);
  EXPECT_EQ(guard.Check(Loss(0.7, 0.6, /*error=*/0.01)), Verdict::kRollBack);
  // No click where five or so were to come.
  EXPECT_EQ(guard.Check({0.0005, 0, 0, 10000}), Verdict::kGood);
}

TEST(DriftGuard, AnEasyUsersBurstDoesNotSetTheStandard) {
  DriftGuard guard(0.1, 3);
  EXPECT_EQ(guard.Check(Loss(0.02, 0.3)), Verdict::kGood) << "the first window, nearly all of one user";
  EXPECT_EQ(guard.Check(Loss(0.58)), Verdict::kGood);
  for (int confirmed = 0; confirmed < 10; ++confirmed) guard.Confirm(Loss(0.57));
  EXPECT_NEAR(*guard.reference(), -0.05, 1e-6);
  guard.Confirm(Loss(0.02, 0.3));
  EXPECT_NEAR(*guard.reference(), -0.1, 1e-6) << "half of the limit at a time";
  EXPECT_EQ(guard.Check(Loss(0.58)), Verdict::kGood);
}

TEST(DriftGuard, AFirstWindowThatIsWorseThanTheClickRateAloneIsNoReference) {
  DriftGuard guard(0.1, 1);
  EXPECT_EQ(guard.Check(Loss(0.7)), Verdict::kRollBack);
  EXPECT_FALSE(guard.reference().has_value());
  EXPECT_EQ(guard.Check(Loss(0.65)), Verdict::kGood);
  EXPECT_NEAR(*guard.reference(), 0.0833, 1e-3);
}

TEST(DriftGuard, AStreamThatChangesSlowlyIsFollowed) {
  DriftGuard guard(0.1, 3);
  guard.Check(Loss(0.55));
  for (double loss = 0.55; loss < 0.75; loss += 0.02) {
    EXPECT_EQ(guard.Check(Loss(loss)), Verdict::kGood) << loss;
    guard.Confirm(Loss(loss));
  }
}

TEST(DriftGuard, AStreamThatStaysBadIsAcceptedInTheEnd) {
  DriftGuard guard(0.1, 2);
  guard.Check(Loss(0.55));
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kAccept);
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kGood);
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, DivergenceIsNeverAccepted) {
  DriftGuard guard(0.1, 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(guard.Check(Loss(1.3)), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(Loss(1.1)), Verdict::kAccept);
}

TEST(DriftGuard, RollBacksAreInARowUntilACheckpointProvesGood) {
  DriftGuard guard(0.1, 2);
  guard.Check(Loss(0.55));
  guard.Check(Loss(0.9));
  guard.Check(Loss(0.56));
  EXPECT_EQ(guard.rollbacks_in_a_row(), 1);
  guard.Confirm(Loss(0.56));
  EXPECT_EQ(guard.rollbacks_in_a_row(), 0);
}

TEST(DriftGuard, WhatIsNotANumberIsWorseThanAnything) {
  DriftGuard guard(0.1, 2);
  guard.Check(Loss(0.55));
  EXPECT_EQ(guard.Check(Loss(std::nan(""))), Verdict::kRollBack);
}

TEST(DriftGuard, WithoutALimitEverythingIsGood) {
  DriftGuard guard(0, 1);
  guard.Check(Loss(0.1));
  EXPECT_EQ(guard.Check(Loss(100)), Verdict::kGood);
}

TEST(DriftGuard, ARestoredGuardGoesOn) {
  DriftGuard guard(0.1, 3);
  guard.Restore(-0.1, 2);
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kRollBack);
  EXPECT_EQ(guard.Check(Loss(0.9)), Verdict::kAccept);
}

}  // namespace
}  // namespace tandem
