// Scoring rows with a model as it is.
#include "src/train/live_scorer.h"

#include <gtest/gtest.h>

#include "tandem/kernels.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

TEST(LiveScorer, AScoreIsThatOfItsRowWhateverTheBatchAndTheThreads) {
  DualModel model(SmallExperiment("method: STUDENT_ALONE student { linear: true mlp { hidden: 8 } }"),
                  *FindKernels("auto").value(), /*trained=*/true);
  model.Initialize();
  // More than two tiles, the last one short.
  const Batch batch = RandomBatch(model.schema(), 300, 1);
  Workers one(1), three(3);
  // So that rows have something of their own.
  ASSERT_TRUE(Trainer(&model, TrainedParts::kAll, TrainerClock(), &one).Step(batch).ok());
  const auto student = LiveScorer::Which::kStudent;
  LiveScorer scorer(model, student, &one), parallel(model, student, &three);
  std::vector<float> logits, of_threads, alone;
  EXPECT_TRUE(scorer.Score(batch, &logits).ok());
  EXPECT_TRUE(parallel.Score(batch, &of_threads).ok());
  ASSERT_EQ(logits.size(), 300u);
  EXPECT_EQ(logits, of_threads);
  Batch row(static_cast<int>(batch.fields.size()));
  for (const int r : {0, 127, 128, 299}) {
    row.Clear();
    row.AppendRow(batch, r);
    EXPECT_TRUE(scorer.Score(row, &alone).ok());
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_EQ(alone[0], logits[r]) << r;
  }
}

TEST(LiveScorer, KindsOfACommitteeMakeItsMean) {
  DualModel model(SmallExperiment(
                      R"(committee { rows: SHARED member { copies: 2 tower { mlp { hidden: 8 } } }
                                     member { tower { linear: true interaction { fm {} } } } }
                         student { mlp { hidden: 4 } })",
                      "model { committee { weights: LEARNED } } train { validation { share: 0.1 } }"),
                  *FindKernels("auto").value(), /*trained=*/true);
  model.Initialize();
  const Batch batch = RandomBatch(model.schema(), 150, 1);
  Workers workers(2);
  ASSERT_TRUE(Trainer(&model, TrainedParts::kAll, TrainerClock(), &workers).Step(batch).ok());
  LiveScorer teacher(model, LiveScorer::Which::kTeacher, &workers);
  std::vector<float> logits;
  std::vector<std::vector<float>> kinds;
  ASSERT_TRUE(teacher.Score(batch, &logits, &kinds).ok());
  ASSERT_EQ(kinds.size(), 2u);
  for (int row = 0; row < batch.rows(); ++row)
    EXPECT_NEAR((2 * kinds[0][row] + kinds[1][row]) / 3, logits[row], 1e-5) << row;
  EXPECT_NE(kinds[0], kinds[1]);

  LiveScorer student(model, LiveScorer::Which::kStudent, &workers);
  ASSERT_TRUE(student.Score(batch, &logits, &kinds).ok());
  EXPECT_TRUE(kinds.empty());
}

}  // namespace
}  // namespace tandem
