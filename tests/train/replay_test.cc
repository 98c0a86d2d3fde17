// Batches of the past: which are kept, which are picked.
#include "src/train/replay.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <set>

#include "tandem/dual_model.h"
#include "tandem/durable_files.h"
#include "tandem/kernels.h"
#include "tandem/status.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

class ReplayTest : public testing::Test {
 protected:
  ReplayTest()
      : model_(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"),
               *FindKernels("auto").value(), /*trained=*/true) {
    model_.Initialize();
    all_fields_.resize(model_.embedding().fields());
    std::iota(all_fields_.begin(), all_fields_.end(), 0);
  }

  // The n-th batch, of so many rows; its teacher's logits are all n.
  Batch MakeBatch(int n, int rows = 20) { return RandomBatch(model_.schema(), rows, n); }
  void Add(Replay* replay, int n, int rows = 20) {
    const Batch batch = MakeBatch(n, rows);
    Add(replay, batch, std::vector<float>(batch.rows(), static_cast<float>(n)), all_fields_);
  }
  void Add(Replay* replay, const Batch& batch, const std::vector<float>& logits,
           const std::vector<int>& fields) {
    ASSERT_TRUE(model_.embedding().Resolve(batch, ++step_, &workers_, &rows_).ok());
    replay->Add(model_.schema(), batch, rows_, fields, logits);
  }
  // Which batch the k-th student step of a step is taken on.
  static int Picked(const Replay& replay, int64_t step, int k) {
    return static_cast<int>(replay.Pick(step, k).batch.teacher_logits[0]);
  }
  static std::vector<int> Picks(const Replay& replay) {
    std::vector<int> picks;
    for (int step = 0; step < 50; ++step) picks.push_back(Picked(replay, step, 1 + step % 3));
    return picks;
  }

  Workers workers_{1};
  DualModel model_;
  std::vector<int> all_fields_;
  BatchRows rows_;
  int64_t step_ = 0;
};

TEST_F(ReplayTest, HoldsTheNewestBatchesAndPicksThemAll) {
  Replay replay(3, /*seed=*/1);
  for (int n = 0; n < 5; ++n) Add(&replay, n);
  EXPECT_EQ(replay.size(), 3);
  const std::vector<int> picks = Picks(replay);
  EXPECT_EQ(std::set<int>(picks.begin(), picks.end()), (std::set<int>{2, 3, 4}));
}

TEST_F(ReplayTest, WhatIsPickedIsAFunctionOfSeedStepAndPlace) {
  Replay one(4, 1), same(4, 1), other(4, 2);
  for (int n = 0; n < 4; ++n) {
    for (Replay* replay : {&one, &same, &other}) Add(replay, n);
  }
  EXPECT_EQ(Picks(one), Picks(same));
  EXPECT_NE(Picks(one), Picks(other));
  std::set<int> of_a_step;
  for (int k = 1; k < 40; ++k) of_a_step.insert(Picked(one, 7, k));
  EXPECT_EQ(of_a_step.size(), 4u);
}

TEST_F(ReplayTest, ABatchIsKeptAsItWas) {
  Replay replay(1, 1);
  const Batch batch = MakeBatch(3);
  std::vector<float> logits(batch.rows());
  for (int row = 0; row < batch.rows(); ++row) logits[row] = 0.25f * static_cast<float>(row);
  Add(&replay, batch, logits, all_fields_);
  const ReplayedBatch& past = replay.Pick(1, 1);
  EXPECT_EQ(past.batch.labels, batch.labels);
  EXPECT_EQ(past.batch.teacher_logits, logits);
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    EXPECT_EQ(past.batch.fields[f].keys, batch.fields[f].keys);
    EXPECT_EQ(past.batch.fields[f].offsets, batch.fields[f].offsets);
    EXPECT_EQ(past.batch.fields[f].coefficients, batch.fields[f].coefficients);
  }
}

TEST_F(ReplayTest, FieldsThatTheStudentDoesNotReadAreLeftOut) {
  Replay replay(1, 1);
  const Batch batch = MakeBatch(1);
  Add(&replay, batch, std::vector<float>(batch.rows(), 0), {1});
  const Batch& past = replay.Pick(1, 1).batch;
  EXPECT_EQ(past.fields[1].keys, batch.fields[1].keys);
  EXPECT_TRUE(past.fields[0].keys.empty());
  EXPECT_EQ(past.fields[0].offsets.size(), static_cast<size_t>(batch.rows()) + 1) << "empty bags";
}

TEST_F(ReplayTest, ClearedItBeginsAnew) {
  Replay replay(3, 1);
  for (int n = 0; n < 5; ++n) Add(&replay, n);
  replay.Clear();
  EXPECT_EQ(replay.size(), 0);
  Add(&replay, 8);
  EXPECT_EQ(replay.size(), 1);
  EXPECT_EQ(Picked(replay, 1, 1), 8);
}

TEST_F(ReplayTest, LoadedItGoesOnAsItWouldHaveGone) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  Replay replay(3, 1);
  for (int n = 0; n < 5; ++n) Add(&replay, n);
  ASSERT_TRUE(replay.Save(fs, scratch / "replay.bin").ok());
  Replay loaded(3, 1);
  const absl::Status status = loaded.Load(fs, scratch / "replay.bin", model_.embedding());
  ASSERT_TRUE(status.ok()) << status;
  for (int n = 5; n < 7; ++n) {
    EXPECT_EQ(Picks(loaded), Picks(replay)) << "before batch " << n;
    for (Replay* each : {&replay, &loaded}) Add(each, n);
  }
  EXPECT_EQ(RowTexts(loaded.Pick(9, 2).batch), RowTexts(replay.Pick(9, 2).batch));
}

TEST_F(ReplayTest, AFileThatIsDamagedOrHoldsTooManyIsRefused) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  Replay replay(3, 1);
  for (int n = 0; n < 3; ++n) Add(&replay, n);
  ASSERT_TRUE(replay.Save(fs, scratch / "replay.bin").ok());
  Replay smaller(2, 1);
  EXPECT_EQ(ExitCode(smaller.Load(fs, scratch / "replay.bin", model_.embedding())), kExitModel);
  std::string bytes = *fs.ReadFile(scratch / "replay.bin");
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(fs, scratch / "replay.bin", bytes).ok());
  Replay loaded(3, 1);
  EXPECT_EQ(ExitCode(loaded.Load(fs, scratch / "replay.bin", model_.embedding())), kExitModel);
}

TEST_F(ReplayTest, OnceFullItAllocatesNothing) {
  Replay replay(3, 1);
  for (int n = 0; n < 6; ++n) Add(&replay, 1);
  const Batch batch = MakeBatch(1);
  const std::vector<float> logits(batch.rows(), 0.0f);
  const int64_t before = AllocationCount();
  for (int n = 0; n < 6; ++n) replay.Add(model_.schema(), batch, rows_, all_fields_, logits);
  EXPECT_EQ(AllocationCount() - before, 0);
}

}  // namespace
}  // namespace tandem
