// PackedRows: what is gathered are the rows that were appended.
#include "src/data/packed_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAreArray;

Batch SomeRows(int rows, uint64_t seed) {
  Batch batch = RandomBatch(Schema(SmallExperiment("teacher {} student {}")), rows, seed);
  for (int row = 0; row < rows; ++row) {
    batch.weights[row] = 0.5f + static_cast<float>(row);
    batch.groups[row] = seed * 1000 + row;
  }
  return batch;
}

TEST(PackedRowsTest, GatherEqualsAppendingRowByRow) {
  const Batch first = SomeRows(17, 1);
  const Batch second = SomeRows(23, 2);
  Batch all = first;
  all.Append(second);
  const int fields = static_cast<int>(all.fields.size());
  PackedRows rows(fields);
  rows.Append(first);
  rows.Append(Batch(fields));
  rows.Append(second);
  ASSERT_EQ(rows.rows(), 40);
  Batch batch(fields);
  for (const std::vector<int>& order :
       {std::vector<int>{39, 0, 16, 17, 3, 3, 22, 38, 1}, std::vector<int>{5}, std::vector<int>{},
        std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}}) {
    Batch expected(fields);
    for (const int row : order) expected.AppendRow(all, row);
    rows.Gather(order.data(), static_cast<int>(order.size()), &batch);
    EXPECT_THAT(RowTexts(batch), ElementsAreArray(RowTexts(expected)));
    EXPECT_EQ(batch.groups, expected.groups);
    for (int f = 0; f < fields; ++f) {
      EXPECT_EQ(batch.fields[f].offsets, expected.fields[f].offsets);
      EXPECT_EQ(batch.fields[f].keys, expected.fields[f].keys);
      EXPECT_EQ(batch.fields[f].coefficients, expected.fields[f].coefficients);
    }
  }
}

TEST(PackedRowsTest, ScoresOfATeacherGoWithTheirRows) {
  Batch batch = SomeRows(9, 1);
  for (int row = 0; row < 9; ++row) batch.teacher_logits.push_back(static_cast<float>(row));
  PackedRows rows(static_cast<int>(batch.fields.size()));
  rows.Append(batch);
  rows.Append(batch);
  Batch gathered;
  const std::vector<int> order = {17, 3, 0};
  rows.Gather(order.data(), 3, &gathered);
  EXPECT_THAT(gathered.teacher_logits, testing::ElementsAre(8, 3, 0));
  rows.Clear();
  rows.Append(SomeRows(3, 2));
  rows.Gather(order.data() + 2, 1, &gathered);
  EXPECT_TRUE(gathered.teacher_logits.empty());
}

TEST(PackedRowsTest, ClearKeepsTheMemory) {
  const Batch batch = SomeRows(50, 3);
  PackedRows rows(static_cast<int>(batch.fields.size()));
  Batch gathered;
  const std::vector<int> order = {49, 0, 7, 8};
  const auto round = [&] {
    rows.Clear();
    EXPECT_EQ(rows.rows(), 0);
    rows.Append(batch);
    rows.Gather(order.data(), static_cast<int>(order.size()), &gathered);
  };
  round();
  const int64_t before = AllocationCount();
  round();
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_EQ(RowText(gathered, 0), RowText(batch, 49));
}

}  // namespace
}  // namespace tandem
