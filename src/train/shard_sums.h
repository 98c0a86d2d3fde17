// The gradients of a batch's shards, added by a fixed tree, ((0 + 1) + (2 + 3)) + ..., as they come.
//
//   ShardSums sums(layout, workers);
//   sums.Reserve(shards, ShardSums::RunLength(shards, workers));
//   ... for each run of shards, on any worker, in their order:
//     tower.Backward(..., sums.Begin(shard, worker));
//     sums.End(shard, worker);
//   sums.AddRuns(offset, n);               // then sums.total() holds the sum of all
//
// A run is 2^k shards in a row that one worker takes, the last one what is left. Inside it the tree is walked
// as one counts: a sum of 2^j shards waits for the next 2^j. So a run of 2^k keeps k vectors, whatever the
// number of shards and workers is, the bits are the same. One caller for Reserve; Begin and End from any
// worker, of a run's shards in order.
#ifndef TANDEM_SRC_TRAIN_SHARD_SUMS_H_
#define TANDEM_SRC_TRAIN_SHARD_SUMS_H_

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "tandem/gradient_sum.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

class ShardSums {
 public:
  // `layout` outlives it.
  ShardSums(const ParameterLayout& layout, int workers);

  // The longest runs that keep no worker longer at a batch than single shards would.
  static int RunLength(int shards, int workers);

  // Makes room; allocates only when there is more to hold than ever before. `run`: a power of two.
  void Reserve(int shards, int run);
  int runs() const { return (shards_ + run_ - 1) / run_; }
  // Where the gradient of a shard goes: all trained blocks, between Begin and End.
  GradientSum Begin(int shard, int worker);
  void End(int shard, int worker);

  // Adds up n floats at `offset` of the runs' sums. Any thread, of other floats.
  void AddRuns(int64_t offset, int64_t n);
  float* total() { return sums_[0][0].data(); }

 private:
  struct Worker {
    AlignedFloats own;  // the gradient of a shard on its way into a sum
    std::array<const float*, GradientSum::kMostBefore> before;
  };
  // Of a shard: how many sums wait in its run, and how many of them it completes.
  struct Place {
    int run, waiting, completed;
  };
  Place PlaceOf(int shard) const;
  // Adds the shard's own gradient where that wasn't done as it was made; what waits is complete then.
  GradientSum SumOf(const Place& place, Worker* worker);

  const ParameterLayout& layout_;
  std::vector<std::pair<int64_t, int64_t>> plain_;  // offset and size of blocks that aren't products
  std::vector<Worker> workers_;
  std::vector<std::vector<AlignedFloats>> sums_;  // of each run, the sums that wait
  int shards_ = 0, run_ = 1;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_SHARD_SUMS_H_
