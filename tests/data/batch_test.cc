// Batch: rows in columns.
#include "tandem/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAreArray;

Batch SomeRows(int rows, uint64_t seed) {
  return RandomBatch(Schema(SmallExperiment("teacher {} student {}")), rows, seed);
}

TEST(BatchTest, AnEmptyBatchHasNoRows) {
  const Batch batch(3);
  EXPECT_EQ(batch.rows(), 0);
  for (const FieldBags& field : batch.fields) EXPECT_EQ(field.offsets, std::vector<uint32_t>{0});
}

TEST(BatchTest, AppendEqualsAppendingRowByRow) {
  const Batch first = SomeRows(7, 1);
  const Batch second = SomeRows(5, 2);
  Batch whole(static_cast<int>(first.fields.size()));
  whole.Append(first);
  whole.Append(second);
  Batch rows(static_cast<int>(first.fields.size()));
  for (int row = 0; row < first.rows(); ++row) rows.AppendRow(first, row);
  for (int row = 0; row < second.rows(); ++row) rows.AppendRow(second, row);

  std::vector<std::string> expected = RowTexts(first);
  for (const std::string& row : RowTexts(second)) expected.push_back(row);
  EXPECT_THAT(RowTexts(whole), ElementsAreArray(expected));
  EXPECT_THAT(RowTexts(rows), ElementsAreArray(expected));
}

TEST(BatchTest, AppendRowsTakesARangeFromTheMiddle) {
  const Batch from = SomeRows(9, 3);
  Batch batch = SomeRows(2, 4);
  std::vector<std::string> expected = RowTexts(batch);
  for (int row = 4; row < 7; ++row) expected.push_back(RowText(from, row));
  batch.AppendRows(from, 4, 7);
  batch.AppendRows(from, 9, 9);
  EXPECT_THAT(RowTexts(batch), ElementsAreArray(expected));
}

TEST(BatchTest, TruncateForgetsRowsAndWhatAHalfParsedRowLeft) {
  Batch batch = SomeRows(6, 5);
  std::vector<std::string> expected = RowTexts(batch);
  expected.resize(4);
  batch.weights.push_back(2);
  batch.fields[0].keys.push_back(1);
  batch.fields[0].coefficients.push_back(1);
  batch.Truncate(4);
  EXPECT_THAT(RowTexts(batch), ElementsAreArray(expected));
  for (const FieldBags& field : batch.fields) {
    EXPECT_EQ(field.keys.size(), field.offsets.back());
    EXPECT_EQ(field.coefficients.size(), field.offsets.back());
  }
}

TEST(BatchTest, ScoresOfATeacherGoWithTheirRows) {
  Batch from = SomeRows(4, 1);
  from.teacher_logits = {1, 2, 3, 4};
  Batch batch(static_cast<int>(from.fields.size()));
  batch.AppendRows(from, 1, 4);
  batch.AppendRow(from, 0);
  EXPECT_THAT(batch.teacher_logits, testing::ElementsAre(2, 3, 4, 1));
  batch.Truncate(2);
  EXPECT_THAT(batch.teacher_logits, testing::ElementsAre(2, 3));
  batch.Clear();
  EXPECT_TRUE(batch.teacher_logits.empty());
}

TEST(BatchTest, RowsWithoutALabelAreTakenOut) {
  const Batch all = SomeRows(5, 1);
  Batch batch = all;
  EXPECT_EQ(batch.TakeUnlabelled(nullptr), 0);
  EXPECT_THAT(RowTexts(batch), ElementsAreArray(RowTexts(all)));
  EXPECT_TRUE(batch.labelled());
  batch.labels[1] = batch.labels[4] = kAbsent;
  Batch taken(static_cast<int>(all.fields.size()));
  EXPECT_EQ(batch.TakeUnlabelled(&taken), 2);
  EXPECT_FALSE(taken.labelled());
  ASSERT_EQ(taken.rows(), 2);
  taken.labels = {all.labels[1], all.labels[4]};
  EXPECT_THAT(RowTexts(taken), testing::ElementsAre(RowText(all, 1), RowText(all, 4)));
  EXPECT_THAT(RowTexts(batch), testing::ElementsAre(RowText(all, 0), RowText(all, 2), RowText(all, 3)));
}

TEST(BatchTest, ClearKeepsTheMemory) {
  Batch batch = SomeRows(50, 6);
  const size_t keys = batch.fields[0].keys.capacity();
  const size_t labels = batch.labels.capacity();
  batch.Clear();
  EXPECT_EQ(batch.rows(), 0);
  EXPECT_EQ(batch.fields[0].keys.capacity(), keys);
  EXPECT_EQ(batch.labels.capacity(), labels);
  batch.Append(SomeRows(1, 6));
  EXPECT_EQ(RowText(batch, 0), RowText(SomeRows(1, 6), 0));
}

}  // namespace
}  // namespace tandem
