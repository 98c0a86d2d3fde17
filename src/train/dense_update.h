// The step of the dense parameters: the shards' gradients are added by a fixed tree, clipped, and handed to
// its optimizer; averages follow. Muon moves a part's matrices as wholes, its adam the rest.
//
//   DenseUpdater updater(experiment.train(), kernels, &workers);
//   const int teacher = updater.Add({"teacher", &parameters, &layout, DenseUpdater::kTeacher, 1}, optimizer);
//   updater.Reserve(shards);
//   ... for each run of updater.run() shards, in their order, on any worker:
//     tower.Backward(..., updater.Begin(teacher, shard, worker));
//     updater.End(teacher, shard, worker);
//   TANDEM_RETURN_IF_ERROR(updater.Update({teacher}, rates, step));
//
// An average (train.average_decay) is that of the values after each update: update n, from 1, keeps
// min(decay, (n - 1) / n) of it, so that the first ones weigh alike.
//
// The results don't depend on the number of workers. One caller.
#ifndef TANDEM_SRC_TRAIN_DENSE_UPDATE_H_
#define TANDEM_SRC_TRAIN_DENSE_UPDATE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "src/train/shard_sums.h"
#include "tandem/dual_model.h"
#include "tandem/optimizer.h"
#include "tandem/parameters.h"
#include "tandem/threads.h"

namespace tandem {

class Kernels;

namespace proto {
class Optimizer;
class Train;
}  // namespace proto

class DenseUpdater {
 public:
  // Parts of a group count their updates together, and are clipped by their common norm; but where a part is
  // several towers, each by its own.
  enum Group { kTeacher = 0, kStudent = 1 };
  static constexpr int kGroups = 2;

  struct Part {
    std::string name;  // for messages
    DenseParameters* parameters;
    const ParameterLayout* layout;
    Group group;
    double rate_multiplier;
    // Where each of several towers begins in the flat vector; empty: it is one.
    std::vector<int64_t> towers = {};
  };

  // `train`, `kernels` and `workers` outlive the updater.
  DenseUpdater(const proto::Train& train, const Kernels& kernels, Workers* workers);
  ~DenseUpdater();

  // `optimizer` needn't outlive the call.
  int Add(const Part& part, const proto::Optimizer& optimizer);
  // Makes room for the gradients of so many shards; allocates only when there are more than ever before.
  void Reserve(int shards);
  // Shards in a row that one worker takes (src/train/shard_sums.h).
  int run() const { return run_; }
  // Where a shard's gradient goes: all trained blocks of the part's layout, between Begin and End.
  GradientSum Begin(int part, int shard, int worker);
  void End(int part, int shard, int worker);

  // Updates so far of a group, earlier runs included: the optimizer's step.
  int64_t updates(Group group) const { return updates_[group]; }
  void set_updates(Group group, int64_t updates) { updates_[group] = updates; }

  // One update of `parts`, whose shards have all ended. `rate_scales`: of each group. kInternal, naming part
  // and step, when a gradient isn't finite.
  absl::Status Update(absl::Span<const int> parts, const std::array<double, kGroups>& rate_scales,
                      int64_t step);
  // Running statistics aren't averaged: their average is what they are.
  void AverageStatistics(int part);

 private:
  struct Chunk;
  struct MovedMatrix;
  struct Tracked;

  // Calls f(part, chunk index) for every chunk of the parts, on all workers.
  template <typename F>
  void ForEachChunk(absl::Span<const int> parts, const F& f);
  void FindClips(absl::Span<const int> parts);
  void UpdateChunk(Tracked* part, const Chunk& chunk, double rate_scale);
  void UpdateMatrices(absl::Span<const int> parts, const std::array<double, kGroups>& rate_scales);
  void AverageChunk(Tracked* part, const Chunk& chunk) const;

  const proto::Train& train_;
  const Kernels& kernels_;
  Workers& workers_;
  std::vector<std::unique_ptr<Tracked>> parts_;
  int shards_ = 0, run_ = 1;
  std::array<int64_t, kGroups> updates_ = {};
  // Norms that are limited, and the factors that follow: of each group, then of every tower of several.
  std::vector<double> norms_ = std::vector<double>(kGroups);
  std::vector<float> clips_;
  std::vector<std::pair<Tracked*, int>> tasks_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_DENSE_UPDATE_H_
