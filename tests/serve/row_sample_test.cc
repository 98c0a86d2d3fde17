// A sample of rows that go by.
#include "src/serve/row_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tandem {
namespace {

// Rows whose one key is their number.
Batch Numbered(int first, int rows) {
  Batch batch(1);
  for (int row = first; row < first + rows; ++row) {
    batch.labels.push_back(0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
    batch.fields[0].keys.push_back(row);
    batch.fields[0].coefficients.push_back(1);
    batch.fields[0].offsets.push_back(batch.fields[0].keys.size());
  }
  return batch;
}

std::vector<uint64_t> Sampled(int rows, int limit, int block, uint64_t seed) {
  RowSample sample(1, limit, Random(seed, RandomPurpose::kShuffle, {0}));
  for (int first = 0; first < rows; first += block)
    sample.Add(Numbered(first, std::min(block, rows - first)));
  EXPECT_EQ(sample.seen(), rows);
  return sample.Take().fields[0].keys;
}

TEST(RowSampleTest, FewRowsAreAllThereInTheirOrder) {
  const std::vector<uint64_t> keys = Sampled(50, 50, 7, 1);
  ASSERT_EQ(keys.size(), 50);
  for (uint64_t row = 0; row < 50; ++row) EXPECT_EQ(keys[row], row);
}

TEST(RowSampleTest, OfManyRowsAsManyStayAsWereAskedForWhateverTheBlocks) {
  const std::vector<uint64_t> keys = Sampled(10000, 100, 64, 1);
  EXPECT_EQ(keys.size(), 100);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(keys, Sampled(10000, 100, 1000, 1));
  EXPECT_NE(keys, Sampled(10000, 100, 64, 2));
}

TEST(RowSampleTest, EveryRowHasTheSameChance) {
  std::vector<int> tenths(10);
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    for (const uint64_t key : Sampled(1000, 50, 100, seed)) ++tenths[key / 100];
  }
  // 500 each but for chance, whose deviation is 21.
  for (const int count : tenths) EXPECT_NEAR(count, 500, 85);
}

}  // namespace
}  // namespace tandem
