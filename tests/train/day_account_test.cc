// What the rows of a run's days came to.
#include "src/train/day_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class DayAccountTest : public testing::Test {
 protected:
  explicit DayAccountTest(const std::string& more = "train { epochs: 3 }")
      : experiment_(SmallExperiment("student { mlp { hidden: 4 } } method: STUDENT_ALONE", more)) {
    state_.mutable_rows_bad()->Resize(kRowFaults, 0);  // as StartRun does
  }

  // Rows of which every other is a click, scored by logits that know it.
  static LogEvent Rows(int pass, int rows) {
    LogEvent event;
    event.kind = LogEvent::kBatch;
    event.pass = pass;
    for (int row = 0; row < rows; ++row) {
      event.batch.labels.push_back(static_cast<float>(row % 2));
      event.batch.weights.push_back(1);
      event.batch.groups.push_back(0);
    }
    return event;
  }
  static StepResult Knowing(const LogEvent& event) {
    StepResult result;
    for (const float label : event.batch.labels) result.student_logits.push_back(4 * label - 2);
    return result;
  }
  static LogEvent End(int pass, int64_t batches, const RowCounts& rows = {}) {
    LogEvent event;
    event.kind = LogEvent::kDayEnd;
    event.pass = pass;
    event.day_batches = batches;
    event.day_rows = rows;
    return event;
  }

  const proto::Experiment experiment_;
  const Day day_{"2026-01-01", {"logs/2026-01-01.tsv"}};
  proto::RunState state_;
};

TEST_F(DayAccountTest, ADayIsItsCountsAndTheScoresOfBeforeItsRowsWereLearned) {
  DayAccount account(experiment_, "run", {}, &state_);
  const LogEvent rows = Rows(0, 40);
  account.Add(rows, Knowing(rows));
  RowCounts counts;
  counts.good = 44;
  counts.unlabelled = 4;
  counts.bad[static_cast<int>(RowFault::kLabel)] = 3;
  const DayReport report = account.EndFirstPass(End(0, 1, counts), day_);
  EXPECT_EQ(report.rows, 44);
  EXPECT_EQ(report.unlabelled, 4);
  EXPECT_EQ(report.malformed, 3);
  ASSERT_TRUE(report.student.has_value());
  EXPECT_EQ(report.student->rows, 40);
  EXPECT_EQ(report.student->auc, 1);
  EXPECT_FALSE(report.teacher.has_value());
  EXPECT_EQ(state_.rows_good(), 44);
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kLabel)), 3);
  EXPECT_EQ(account.progress().student.rows(), 0) << "the next day has its own";
}

TEST_F(DayAccountTest, ADayThatInterruptsItselfGoesOnWithItsScores) {
  DayAccount before(experiment_, "run", {}, &state_);
  const LogEvent rows = Rows(0, 40);
  before.Add(rows, Knowing(rows));
  DayAccount after(experiment_, "run", before.progress(), &state_);
  after.Add(rows, Knowing(rows));
  EXPECT_EQ(after.EndFirstPass(End(0, 2), day_).student->rows, 80);
}

TEST_F(DayAccountTest, ScoresOfTheFirstPassAndTheLastAreKept) {
  DayAccount account(experiment_, "run", {}, &state_);
  for (int pass = 0; pass < 3; ++pass) {
    const LogEvent rows = Rows(pass, 40);
    account.Add(rows, Knowing(rows));
    EXPECT_EQ(account.progress().student.rows(), pass == 1 ? 0 : 40) << pass;
    if (pass == 0) {
      account.EndFirstPass(End(pass, 1), day_);
    } else {
      EXPECT_TRUE(account.EndLaterPass(End(pass, 1), day_).ok());
    }
  }
}

TEST_F(DayAccountTest, ALogThatHasChangedIsAnError) {
  DayAccount account(experiment_, "run", {}, &state_);
  account.EndFirstPass(End(0, 5), day_);
  const absl::Status changed = account.EndLaterPass(End(1, 6), day_);
  EXPECT_EQ(ExitCode(changed), kExitData);
  EXPECT_THAT(std::string(changed.message()),
              HasSubstr("logs/2026-01-01.tsv: has changed since it was first read (5 batches then, 6 now)"));
}

TEST_F(DayAccountTest, NothingToLearnFromIsAnErrorThatSaysWhy) {
  DayAccount account(experiment_, "run", {}, &state_);
  account.EndFirstPass(End(0, 0), day_);
  EXPECT_THAT(std::string(account.CheckRows().message()),
              HasSubstr("is the log empty, or was all of it quarantined"));
  RowCounts counts;
  counts.good = counts.unlabelled = 12;
  account.EndFirstPass(End(0, 0, counts), day_);
  EXPECT_THAT(std::string(account.CheckRows().message()),
              HasSubstr("none of the 12 rows of the window has a label"));
  counts.unlabelled = 0;
  account.EndFirstPass(End(0, 0, counts), day_);
  EXPECT_TRUE(account.CheckRows().ok());
}

}  // namespace
}  // namespace tandem
