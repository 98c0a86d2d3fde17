// What of a budget is for what.
#include "src/tune/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Trial DoneIn(int id, double logloss, double seconds) {
  Trial trial;
  trial.id = id;
  trial.state = Trial::kDone;
  trial.logloss = logloss;
  trial.seconds = seconds;
  return trial;
}

TEST(BudgetTest, TheSearchEndsInTimeToTrainTheBestAgain) {
  EXPECT_DOUBLE_EQ(SearchEnd({}, {90, 1}), 60);
  const std::vector<Trial> quick = {DoneIn(0, 0.5, 5), DoneIn(1, 0.4, 5)};
  EXPECT_DOUBLE_EQ(SearchEnd(quick, {90, 1}), 60);
  const std::vector<Trial> slow = {DoneIn(0, 0.5, 30), DoneIn(1, 0.4, 20)};
  EXPECT_DOUBLE_EQ(SearchEnd(slow, {90, 1}), 90 - 1.2 * 50);
  EXPECT_DOUBLE_EQ(SearchEnd(slow, {90, 2}), 90 - 1.2 * 30);
}

TEST(BudgetTest, AsManyContendersAsTheRestTrainsTwice) {
  const std::vector<Trial> trials = {DoneIn(0, 0.5, 10), DoneIn(1, 0.4, 10), DoneIn(2, 0.3, 10),
                                     DoneIn(3, 0.2, 10), DoneIn(4, 0.1, 10), DoneIn(5, 0.6, 10)};
  EXPECT_THAT(Contenders(trials, {200, 1}, 100), ElementsAre(0, 4, 3, 2));
  EXPECT_THAT(Contenders(trials, {200, 1}, 125), ElementsAre(0, 4, 3));
  EXPECT_THAT(Contenders(trials, {200, 1}, 160), ElementsAre(0, 4, 3)) << "once";
  EXPECT_THAT(Contenders(trials, {200, 1}, 170), ElementsAre(0, 4));
  EXPECT_THAT(Contenders(trials, {200, 1}, 199), ElementsAre(0, 4)) << "what may not fit in is left to luck";
  EXPECT_THAT(Contenders(trials, {200, 4}, 170), ElementsAre(0, 4, 3, 2));
}

TEST(BudgetTest, ThatTrialZeroWasAheadIsNoReasonAgainstTheOthers) {
  EXPECT_THAT(Contenders({DoneIn(0, 0.5, 10), DoneIn(1, 0.6, 10)}, {200, 1}, 100), ElementsAre(0, 1));
  EXPECT_THAT(Contenders({DoneIn(0, 0.5, 10)}, {200, 1}, 100), IsEmpty());
}

TEST(BudgetTest, ARoundHoldsOutRowsThatChoseNothingWhereThereAreSome) {
  EXPECT_EQ(MostRounds(8), 5);
  EXPECT_EQ(MostRounds(3), 2);
  EXPECT_EQ(MostRounds(1), 5) << "days: the same rows, other seeds";
}

TEST(BudgetTest, TooSlowIsFourTimesTrialZeroAndALargeShareOfTheBudget) {
  std::vector<Trial> trials = {DoneIn(0, 0.5, 10)};
  EXPECT_FALSE(IsTooSlow(trials, {60, 1}, 40));
  EXPECT_TRUE(IsTooSlow(trials, {60, 1}, 41));
  EXPECT_FALSE(IsTooSlow(trials, {600, 1}, 41));
  trials[0].state = Trial::kPending;
  EXPECT_FALSE(IsTooSlow(trials, {60, 1}, 1000));
}

}  // namespace
}  // namespace tandem
