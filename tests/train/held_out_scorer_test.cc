// The held-out rows, scored by the model as it is: those rows and no others, by the towers that were asked for.
#include "src/train/held_out_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class HeldOutScorerTest : public SampleFilesTest {
 protected:
  HeldOutScorerTest()
      : experiment_(SmallExperiment(
            "teacher { interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 8 } }")),
        model_(experiment_, *FindKernels("auto").value(), /*trained=*/true) {
    model_.Initialize();
    Workers workers(1);
    Trainer trainer(&model_, TrainedParts::kAll, TrainerClock(), &workers);
    // So that the towers differ.
    EXPECT_TRUE(trainer.Step(RandomBatch(model_.schema(), 100, 1)).ok());
    model_.PrepareServed();
    model_.PrepareServedTeacher();
    std::string text = absl::StrCat(absl::StrJoin(SmallLogColumns(), "\t"), "\n");
    for (const auto& row : SmallLogRows(kRows, 5)) absl::StrAppend(&text, absl::StrJoin(row, "\t"), "\n");
    absl::StrAppend(&text, "neither a label\n");
    days_ = {{"2026-01-01", {Write("day.tsv", text)}}};
  }
  absl::StatusOr<HeldOutScores> Score(const RowChoice& choice, const HeldOutScorer::Towers& towers,
                                      int threads = 1) {
    Workers workers(threads);
    return HeldOutScorer(FileSystem::Default(), experiment_, model_.schema(), {days_, choice}, &workers)
        .Score(model_, towers, nullptr);
  }

  static constexpr int kRows = 400;
  const proto::Experiment experiment_;
  DualModel model_;
  std::vector<Day> days_;
};

TEST_F(HeldOutScorerTest, SharesAreDisjointAndTogetherAllRows) {
  int64_t rows = 0;
  for (int part = 0; part < 4; ++part) {
    const auto scores = Score({RowChoice::kHeldOut, 0.25, part}, {false, true});
    ASSERT_TRUE(scores.ok()) << scores.status();
    EXPECT_GT(scores->rows, kRows / 8);
    rows += scores->rows;
  }
  EXPECT_EQ(rows, kRows);
}

TEST_F(HeldOutScorerTest, TheTowersThatAreAskedForAreScored) {
  const RowChoice all;
  const auto student = Score(all, {false, true});
  ASSERT_TRUE(student.ok()) << student.status();
  EXPECT_FALSE(student->teacher.has_value());
  ASSERT_TRUE(student->student.has_value());
  EXPECT_EQ(student->student->rows, kRows);
  const auto both = Score(all, {true, true}, /*threads=*/3);
  ASSERT_TRUE(both.ok()) << both.status();
  ASSERT_TRUE(both->teacher.has_value());
  EXPECT_EQ(both->student->logloss, student->student->logloss) << "on any number of threads";
  EXPECT_NE(both->teacher->logloss, both->student->logloss);
}

TEST_F(HeldOutScorerTest, NoRowIsAnErrorThatSaysWhatWouldGiveSome) {
  const auto scores = Score({RowChoice::kHeldOut, 1e-9, 0}, {false, true});
  EXPECT_EQ(ExitCode(scores.status()), kExitData);
  EXPECT_THAT(std::string(scores.status().message()), HasSubstr("a larger share, or more rows"));
}

}  // namespace
}  // namespace tandem
