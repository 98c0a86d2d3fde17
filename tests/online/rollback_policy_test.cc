// Which checkpoint is good, and when the student goes back to it.
#include "src/online/rollback_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = DriftGuard::Verdict;

constexpr int kRows = 2000;

// A full window of rows that were scored so, half of them clicks: the log loss is that of `probability`.
ScoreWindow Window(float probability, int rows = kRows) {
  ScoreWindow window(kRows);
  for (int row = 0; row < rows; ++row)
    window.Add(row % 2 == 0 ? probability : 1 - probability, row % 2 == 0 ? 1.0f : 0.0f, 1, 0);
  return window;
}

class RollbackPolicyTest : public testing::Test {
 protected:
  RollbackPolicy Make(const std::string& config) {
    return RollbackPolicy(ParseText<proto::Online>(absl::StrCat("window_rows: ", kRows, " ", config)),
                          &state_);
  }
  proto::OnlineState state_;
};

TEST_F(RollbackPolicyTest, ACandidateIsGoodOnceAWholeWindowWasScoredAfterIt) {
  RollbackPolicy policy = Make("guard_limit: 0.1");
  policy.Begin(0);
  policy.Nominate(7, kRows);
  policy.Nominate(8, kRows + 5);
  EXPECT_EQ(state_.candidate_step(), 7) << "one at a time";
  EXPECT_THAT(policy.KeptSteps(), ElementsAre(0, 7));
  EXPECT_EQ(policy.Judge(Window(0.7f), 2 * kRows - 1).verdict, Verdict::kGood);
  EXPECT_EQ(policy.good_step(), 0);
  EXPECT_EQ(policy.Judge(Window(0.7f), 2 * kRows).verdict, Verdict::kGood);
  EXPECT_EQ(policy.good_step(), 7);
  EXPECT_THAT(policy.KeptSteps(), ElementsAre(7));
}

TEST_F(RollbackPolicyTest, AWorseWindowRollsBackAndTheCandidateGoesWithIt) {
  RollbackPolicy policy = Make("guard_limit: 0.1");
  policy.Begin(3);
  EXPECT_EQ(policy.Judge(Window(0.7f), 10).verdict, Verdict::kGood);
  policy.Nominate(9, 20);
  EXPECT_EQ(policy.ServedStep(12), 12);
  const RollbackPolicy::Judgement judged = policy.Judge(Window(0.4f), 25);
  EXPECT_EQ(judged.verdict, Verdict::kRollBack);
  EXPECT_THAT(judged.why, HasSubstr("log loss 0.91629 over the window, where good ones have 0.69565 at most, "
                                    "and its click rate alone 0.69315"));
  policy.RolledBack();
  EXPECT_EQ(state_.rollbacks(), 1);
  EXPECT_EQ(policy.good_step(), 3);
  EXPECT_THAT(policy.KeptSteps(), ElementsAre(3));
  EXPECT_EQ(policy.ServedStep(12), 3) << "what has been learned since has yet to prove good";
}

TEST_F(RollbackPolicyTest, AStreamThatStaysDifferentIsAcceptedInTheEnd) {
  RollbackPolicy policy = Make("guard_limit: 0.1 guard_patience: 2");
  policy.Begin(0);
  policy.Judge(Window(0.7f), 10);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(policy.Judge(Window(0.4f), 20).verdict, Verdict::kRollBack);
    policy.RolledBack();
  }
  const RollbackPolicy::Judgement judged = policy.Judge(Window(0.4f), 30);
  EXPECT_EQ(judged.verdict, Verdict::kAccept);
  EXPECT_THAT(judged.why, HasSubstr("after 2 roll-backs in a row"));
  EXPECT_EQ(policy.ServedStep(12), 12);
}

TEST_F(RollbackPolicyTest, NothingIsJudgedBeforeTheWindowIsFullNorWithoutALimit) {
  RollbackPolicy policy = Make("guard_limit: 0.1");
  policy.Begin(0);
  EXPECT_EQ(policy.Judge(Window(0.01f, kRows - 1), kRows - 1).verdict, Verdict::kGood);
  EXPECT_EQ(policy.Judge(Window(0.01f), kRows).verdict, Verdict::kRollBack);
  RollbackPolicy off = Make("guard_limit: 0");
  off.Begin(0);
  EXPECT_EQ(off.Judge(Window(0.01f), 10).verdict, Verdict::kGood);
  off.Nominate(5, 10);
  EXPECT_FALSE(state_.has_candidate_step());
  EXPECT_THAT(off.KeptSteps(), IsEmpty());
}

TEST_F(RollbackPolicyTest, GoesOnFromWhatItSaved) {
  {
    RollbackPolicy policy = Make("guard_limit: 0.1");
    policy.Begin(3);
    policy.Judge(Window(0.7f), 10);
    policy.Judge(Window(0.4f), 20);
    policy.RolledBack();
    policy.Save();
  }
  RollbackPolicy resumed = Make("guard_limit: 0.1");
  resumed.Resume();
  EXPECT_EQ(resumed.ServedStep(12), 3);
  EXPECT_EQ(resumed.Judge(Window(0.4f), 30).verdict, Verdict::kRollBack);
}

}  // namespace
}  // namespace tandem
