#include "src/train/shard_sums.h"

#include <glog/logging.h>

#include <algorithm>

namespace tandem {
namespace {

void AddTo(const float* __restrict other, int64_t n, float* __restrict sum) {
  for (int64_t j = 0; j < n; ++j) sum[j] += other[j];
}

}  // namespace

ShardSums::ShardSums(const ParameterLayout& layout, int workers) : layout_(layout), workers_(workers) {
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.kind == ParameterKind::kStatistic || block.gradient == BlockGradient::kProduct) continue;
    plain_.emplace_back(block.offset, block.size);
  }
}

int ShardSums::RunLength(int shards, int workers) {
  const auto longest = [&](int run) {
    const int runs = (shards + run - 1) / run;
    return std::min(shards, (runs + workers - 1) / workers * run);
  };
  int run = 1;
  while (run < shards && longest(2 * run) <= longest(1)) run *= 2;
  return run;
}

void ShardSums::Reserve(int shards, int run) {
  CHECK(run > 0 && (run & (run - 1)) == 0) << run;
  shards_ = shards;
  run_ = run;
  size_t waiting = 1;
  for (int length = 4; length <= run; length *= 2) ++waiting;
  if (sums_.size() < static_cast<size_t>(runs())) sums_.resize(runs());
  for (int r = 0; r < runs(); ++r) {
    while (sums_[r].size() < waiting) sums_[r].emplace_back(layout_.size(), 0.0f);
  }
  if (run == 1) return;
  for (Worker& worker : workers_) worker.own.resize(layout_.size());
}

ShardSums::Place ShardSums::PlaceOf(int shard) const {
  Place place = {shard / run_, 0, 0};
  int number = shard % run_;
  for (int bits = number; bits > 0; bits &= bits - 1) ++place.waiting;
  for (; (number & 1) != 0; number /= 2) ++place.completed;
  return place;
}

GradientSum ShardSums::SumOf(const Place& place, Worker* worker) {
  std::vector<AlignedFloats>& sums = sums_[place.run];
  if (place.completed == 0) return {sums[place.waiting].data()};
  for (int k = 0; k < place.completed; ++k) worker->before[k] = sums[place.waiting - 1 - k].data();
  return {worker->own.data(), sums[place.waiting - place.completed].data(),
          absl::MakeConstSpan(worker->before.data(), place.completed)};
}

GradientSum ShardSums::Begin(int shard, int worker) { return SumOf(PlaceOf(shard), &workers_[worker]); }

void ShardSums::End(int shard, int worker) {
  const Place place = PlaceOf(shard);
  const GradientSum sum = SumOf(place, &workers_[worker]);
  for (const auto& [offset, size] : plain_) sum.Add(offset, size);
  if (shard + 1 < shards_) return;
  // The last run may end before what waits is complete: it is added from the top.
  std::vector<AlignedFloats>& sums = sums_[place.run];
  for (int top = place.waiting - place.completed; top > 0; --top)
    AddTo(sums[top].data(), layout_.size(), sums[top - 1].data());
}

void ShardSums::AddRuns(int64_t offset, int64_t n) {
  for (int distance = 1; distance < runs(); distance *= 2) {
    for (int i = 0; i + distance < runs(); i += 2 * distance)
      AddTo(sums_[i + distance][0].data() + offset, n, sums_[i][0].data() + offset);
  }
}

}  // namespace tandem
