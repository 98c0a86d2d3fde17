// Scoring with a loaded model: the towers' bits, any batch, many threads, no allocation.
#include "tandem/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/dual_model.h"
#include "tandem/loss.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kTeacher[] = "teacher { linear: true interaction { fm {} } mlp { hidden: 12 } } ";

constexpr char kHistory[] =
    "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} } "
    "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'item' } } ";

struct StudentCase {
  const char* name;
  const char* student;
};

const StudentCase kStudents[] = {
    {"Plain", "mlp { hidden: 24 hidden: 7 }"},
    {"LinearAndNormalised", "linear: true mlp { hidden: 33 normalize_input: true }"},
    {"Parallel", "combine: PARALLEL linear: true mlp { hidden: 8 hidden: 16 hidden: 5 }"},
    {"WithFm", "interaction { fm {} } mlp { hidden: 8 normalize_input: true }"},
    {"LogisticRegression", "linear: true combine: PARALLEL"},
    {"ReadOut", "linear: true"},
    {"WithASequence",
     "linear: true interaction { transformer { sequence: 'history' target: 'item' } } mlp { hidden: 8 }"},
};

// A checkpoint of a few steps' training.
class PredictorTest : public testing::TestWithParam<StudentCase> {
 protected:
  PredictorTest() {
    // The sequence comes with the student that reads it.
    const std::string student = absl::StrCat("student { ", GetParam().student, " }");
    const bool sequence = absl::StrContains(student, "transformer");
    const proto::Experiment experiment =
        sequence ? SmallExperiment(std::string(kTeacher) + "student { mlp { hidden: 8 } }",
                                   absl::StrCat(kHistory, "model { ", student, " }"))
                 : SmallExperiment(kTeacher + student);
    WriteTrainedCheckpoint(experiment, /*steps=*/5, checkpoint_);
  }

  std::unique_ptr<Predictor> Load(TowerChoice towers) const {
    PredictorOptions options;
    options.towers = towers;
    return Predictor::Load(checkpoint_, options).value();
  }

  ScratchDirectory scratch_;
  const std::string checkpoint_ = scratch_ / "step-5";
};

// What the run's own tower says.
std::vector<float> TowerScores(const Predictor& predictor, const Batch& batch) {
  const DualModel& model = predictor.model();
  const Tower& student = model.student();
  const int width = model.embedding().fields() * model.embedding().dim();
  BatchRows rows;
  EXPECT_TRUE(model.embedding().Lookup(batch, &rows).ok());
  AlignedFloats x(static_cast<size_t>(batch.rows()) * width);
  std::vector<float> linear(batch.rows() + 1), logits(batch.rows());  // never null
  const Matrix all{x.data(), batch.rows(), width, width};
  LinearSums sums;
  if (student.linear()) sums.student = linear.data();
  model.embedding().Gather(batch, rows, 0, all, sums);
  TowerWorkspace workspace = student.MakeWorkspace(batch.rows());
  student.Forward(all, sums.student, nullptr, &workspace, logits.data());
  std::vector<float> scores;
  for (const float logit : logits) scores.push_back(static_cast<float>(Sigmoid(logit)));
  return scores;
}

TEST_P(PredictorTest, TheStudentsScoresAreTheTowersBitForBit) {
  const std::unique_ptr<Predictor> alone = Load(TowerChoice::kStudent);
  const std::unique_ptr<Predictor> both = Load(TowerChoice::kBoth);
  Scores scores;
  for (const int rows : {0, 1, 7, 31, 32, 33, 128, 301}) {
    const Batch batch = RandomBatch(alone->schema(), rows, 100 + rows);
    const std::vector<float> expected = TowerScores(*both, batch);
    EXPECT_TRUE(alone->Score(batch, &scores).ok());
    EXPECT_EQ(scores.student, expected) << rows << " rows";
    EXPECT_TRUE(scores.teacher.empty());
    EXPECT_TRUE(both->Score(batch, &scores).ok());
    EXPECT_EQ(scores.student, expected) << rows << " rows, beside the teacher";
    EXPECT_EQ(scores.teacher.size(), expected.size());
  }
}

TEST_P(PredictorTest, ARowScoresAloneAsInAnyBatch) {
  const std::unique_ptr<Predictor> predictor = Load(TowerChoice::kStudent);
  const Batch batch = RandomBatch(predictor->schema(), 70, 9);
  Scores all, one;
  EXPECT_TRUE(predictor->Score(batch, &all).ok());
  Batch row(predictor->fields());
  for (int r = 0; r < batch.rows(); ++r) {
    row.Clear();
    row.AppendRow(batch, r);
    EXPECT_TRUE(predictor->Score(row, &one).ok());
    EXPECT_EQ(one.student[0], all.student[r]) << "row " << r;
  }
}

TEST_P(PredictorTest, ManyThreadsScoreAtTheSameTime) {
  const std::unique_ptr<Predictor> predictor = Load(TowerChoice::kBoth);
  const Batch batch = RandomBatch(predictor->schema(), 50, 3);
  Scores expected;
  EXPECT_TRUE(predictor->Score(batch, &expected).ok());
  std::vector<std::thread> threads;
  std::vector<int> different(100);  // more threads than places for their workspaces
  for (int& count : different) {
    threads.emplace_back([&] {
      Scores scores;
      for (int pass = 0; pass < 20; ++pass) {
        EXPECT_TRUE(predictor->Score(batch, &scores).ok());
        count += scores.student != expected.student || scores.teacher != expected.teacher ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, std::vector<int>(100));
}

TEST_P(PredictorTest, ScoringAllocatesNothingOnceItHasRun) {
  const std::unique_ptr<Predictor> predictor = Load(TowerChoice::kStudent);
  const Batch batch = RandomBatch(predictor->schema(), 40, 4);
  Scores scores;
  EXPECT_TRUE(predictor->Score(batch, &scores).ok());
  const int64_t before = AllocationCount();
  for (int pass = 0; pass < 3; ++pass) EXPECT_TRUE(predictor->Score(batch, &scores).ok());
  EXPECT_EQ(AllocationCount() - before, 0);
}

TEST_P(PredictorTest, ABatchThatIsNoneOfTheModelsIsRefusedAndNamed) {
  const std::unique_ptr<Predictor> predictor = Load(TowerChoice::kBoth);
  Scores scores;
  const auto said = [&](const Batch& batch) {
    return std::string(predictor->Score(batch, &scores).message());
  };
  EXPECT_THAT(said(Batch(1)),
              testing::HasSubstr(absl::StrCat("a batch of 1 fields for a model of ", predictor->fields())));
  Batch without_bags(predictor->fields());
  without_bags.labels = {0, 1};
  EXPECT_THAT(said(without_bags), testing::HasSubstr("a batch of 2 rows whose field 'user' has 1 offsets"));
  Batch more_keys = RandomBatch(predictor->schema(), 5, 3);
  more_keys.fields[1].keys.push_back(7);
  EXPECT_THAT(said(more_keys), testing::HasSubstr("field 'item' has 6 offsets"));
}

INSTANTIATE_TEST_SUITE_P(Students, PredictorTest, testing::ValuesIn(kStudents),
                         [](const auto& info) { return std::string(info.param.name); });

// The student's own tables hold nothing of a feature that its teachers alone read.
TEST(PredictorUnknownTest, WhatTheTeachersAloneReadIsCountedByTheirTables) {
  ScratchDirectory scratch;
  const std::string checkpoint = scratch / "step-5";
  const proto::Experiment experiment = SmallExperiment(
      absl::StrCat(
          kTeacher,
          "student { mlp { hidden: 8 } } distill { switches { own_embedding: true } own_embedding {} }"),
      "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} towers: TEACHER } "
      "feature { name: 'age' dense {} towers: TEACHER }");
  WriteTrainedCheckpoint(experiment, /*steps=*/5, checkpoint);
  const auto predictor = Predictor::Load(checkpoint, {}).value();
  const Batch batch = RandomBatch(predictor->schema(), /*rows=*/300, /*seed=*/7);
  Scores scores;
  std::vector<int64_t> unknown;
  ASSERT_TRUE(predictor->Score(batch, &scores, &unknown).ok());
  BatchRows rows;
  ASSERT_TRUE(predictor->model().embedding().Lookup(batch, &rows).ok());
  std::vector<int64_t> expected(3, 0);
  for (int f = 0; f < 3; ++f) {
    for (size_t i = 0; i < batch.fields[f].keys.size(); ++i)
      expected[f] += rows.has_row(f, predictor->schema().fields()[f].table, i) ? 0 : 1;
  }
  EXPECT_EQ(unknown, expected);
}

// Alone, a student's rows are read by ServingTables; beside the teacher by EmbeddingLayer.
TEST(PredictorDecayTest, RowsDecayAloneAsBesideTheTeacher) {
  const ScratchDirectory scratch;
  const std::string checkpoint = scratch / "step-9";
  WriteTrainedCheckpoint(
      SmallExperiment(absl::StrCat(kTeacher, "student { linear: true mlp { hidden: 24 } }"),
                      "embedding { min_count: 2 weight_decay: 0.5 optimizer { adam { lr: 0.05 } } }"),
      /*steps=*/9, checkpoint);
  PredictorOptions options;
  const std::unique_ptr<Predictor> both = Predictor::Load(checkpoint, options).value();
  options.towers = TowerChoice::kStudent;
  const std::unique_ptr<Predictor> alone = Predictor::Load(checkpoint, options).value();
  ASSERT_NE(alone->tables(), nullptr);
  const Batch batch = RandomBatch(alone->schema(), 200, 7);
  Scores scores, expected;
  EXPECT_TRUE(alone->Score(batch, &scores).ok());
  EXPECT_TRUE(both->Score(batch, &expected).ok());
  EXPECT_EQ(scores.student, expected.student);
}

}  // namespace
}  // namespace tandem
