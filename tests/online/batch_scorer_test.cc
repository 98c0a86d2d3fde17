// Scoring a micro-batch as a server would.
#include "src/online/batch_scorer.h"

#include <gtest/gtest.h>

#include "tandem/kernels.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

TEST(BatchScorer, AScoreIsThatOfItsRowWhateverTheBatchAndTheThreads) {
  DualModel model(SmallExperiment("method: STUDENT_ALONE student { linear: true mlp { hidden: 8 } }"),
                  *FindKernels("auto").value(), /*trained=*/true);
  model.Initialize();
  // More than two tiles, the last one short.
  const Batch batch = RandomBatch(model.schema(), 300, 1);
  Workers one(1), three(3);
  // So that rows have something of their own.
  ASSERT_TRUE(Trainer(&model, TrainedParts::kAll, TrainerClock(), &one).Step(batch).ok());
  BatchScorer scorer(model, &one), parallel(model, &three);
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

}  // namespace
}  // namespace tandem
