// The sum of the shards' gradients is that of the fixed tree, whoever takes how many of them in a row.
#include "src/train/shard_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tandem/kernels.h"
#include "tandem/random.h"

namespace tandem {
namespace {

constexpr int kInputs = 5, kOutputs = 19;

class ShardSumsTest : public testing::Test {
 protected:
  ShardSumsTest() : kernels_(*FindKernels("auto").value()) {
    weight_ = layout_.Add("weight", {kInputs, kOutputs}, ParameterKind::kMatrix, BlockGradient::kProduct);
    layout_.Add("mean", {3}, ParameterKind::kStatistic);
    bias_ = layout_.Add("bias", {kOutputs}, ParameterKind::kBias);
  }

  static AlignedFloats Normals(int shard, int part, int64_t n) {
    AlignedFloats values(n);
    for (int64_t i = 0; i < n; ++i)
      values[i] = static_cast<float>(Random(7, RandomPurpose::kRow, {static_cast<uint64_t>(shard)})
                                         .Normal(static_cast<uint64_t>(part) * 100000 + i));
    return values;
  }
  // What a layer does with a shard of `rows` rows.
  void Backward(int shard, int rows, const GradientSum& gradients) const {
    const AlignedFloats x = Normals(shard, 0, int64_t{rows} * kInputs);
    const AlignedFloats dy = Normals(shard, 1, int64_t{rows} * kOutputs);
    gradients.SetProduct(kernels_, {x.data(), rows, kInputs, kInputs}, {dy.data(), rows, kOutputs, kOutputs},
                         weight_);
    std::copy_n(dy.data(), kOutputs, gradients + bias_);
  }
  AlignedFloats ByTree(int shards, int rows) const {
    std::vector<AlignedFloats> gradients(shards, AlignedFloats(layout_.size(), 0.0f));
    for (int s = 0; s < shards; ++s) Backward(s, rows, gradients[s].data());
    for (int distance = 1; distance < shards; distance *= 2) {
      for (int i = 0; i + distance < shards; i += 2 * distance) {
        for (int64_t j = 0; j < layout_.size(); ++j) gradients[i][j] += gradients[i + distance][j];
      }
    }
    return gradients[0];
  }
  void ExpectTree(int shards, int rows, int run, ShardSums* sums) const {
    SCOPED_TRACE(testing::Message() << shards << " shards of " << rows << " rows, " << run << " in a row");
    sums->Reserve(shards, run);
    for (int s = 0; s < shards; ++s) {
      const int worker = s / run % 2;
      Backward(s, rows, sums->Begin(s, worker));
      sums->End(s, worker);
    }
    sums->AddRuns(0, layout_.size());
    const AlignedFloats expected = ByTree(shards, rows);
    for (int64_t block : {weight_, bias_}) {
      const int64_t size = block == weight_ ? kInputs * kOutputs : kOutputs;
      for (int64_t j = block; j < block + size; ++j) ASSERT_EQ(sums->total()[j], expected[j]) << j;
    }
  }

  const Kernels& kernels_;
  ParameterLayout layout_;
  int64_t weight_, bias_;
};

TEST_F(ShardSumsTest, RunsOfAnyLengthGiveTheBitsOfTheTree) {
  ShardSums sums(layout_, 2);
  for (int shards = 1; shards <= 17; ++shards) {
    for (const int run : {1, 2, 4, 8, 32}) ExpectTree(shards, /*rows=*/3, run, &sums);
  }
}

TEST_F(ShardSumsTest, ShardsOfMoreRowsThanAProductIsAddedForAreAddedAfterwards) {
  ShardSums sums(layout_, 2);
  ExpectTree(/*shards=*/6, Kernels::kMostOntoRows + 1, /*run=*/4, &sums);
}

TEST_F(ShardSumsTest, RunsAreAsLongAsNoWorkerWaitsForThem) {
  EXPECT_EQ(ShardSums::RunLength(4, 1), 4);
  EXPECT_EQ(ShardSums::RunLength(5, 1), 8);
  EXPECT_EQ(ShardSums::RunLength(4, 2), 2);
  EXPECT_EQ(ShardSums::RunLength(4, 4), 1);
  EXPECT_EQ(ShardSums::RunLength(6, 4), 2);
  EXPECT_EQ(ShardSums::RunLength(64, 3), 2);
  EXPECT_EQ(ShardSums::RunLength(1, 8), 1);
}

}  // namespace
}  // namespace tandem
