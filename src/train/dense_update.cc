#include "src/train/dense_update.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "src/optim/muon.h"
#include "src/util/finite.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// Floats of a flat vector that a worker reduces and updates at a time: with gradients and slots they stay in
// the cache from the one to the other.
constexpr int64_t kChunkFloats = 8192;

double SumOfSquares(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

}  // namespace

// A piece of a flat vector, of one kind of parameters.
struct DenseUpdater::Chunk {
  int64_t offset;
  int64_t size;
  ParameterKind kind;
  bool moved_as_whole;  // its values are those of a MovedMatrix
  int norm;             // of norms_, the one that it is clipped by
};

struct DenseUpdater::MovedMatrix {
  int inputs, outputs;
  Chunk whole;
  std::vector<float> scratch;
};

struct DenseUpdater::Tracked {
  Tracked(const Part& of, int workers) : part(of), sums(*of.layout, workers) {}

  Part part;
  std::unique_ptr<const Optimizer> optimizer;  // of all that isn't moved as a whole
  std::unique_ptr<const Muon> muon;
  std::vector<Chunk> chunks;
  std::vector<MovedMatrix> matrices;
  ShardSums sums;
  std::vector<double> squares;  // of the reduced gradient, a chunk; only where the norm is limited
};

DenseUpdater::DenseUpdater(const proto::Train& train, const Kernels& kernels, Workers* workers)
    : train_(train), kernels_(kernels), workers_(*workers) {}

DenseUpdater::~DenseUpdater() = default;

int DenseUpdater::Add(const Part& part, const proto::Optimizer& optimizer) {
  auto tracked = std::make_unique<Tracked>(part, workers_.size());
  tracked->optimizer = MakeOptimizer(optimizer);
  tracked->muon = MakeMuon(optimizer, kernels_);
  const int first_norm = static_cast<int>(norms_.size());
  norms_.resize(norms_.size() + part.towers.size());
  int norm = part.towers.empty() ? static_cast<int>(part.group) : first_norm - 1;
  auto next_tower = part.towers.begin();
  for (const ParameterBlock& block : part.layout->blocks()) {
    for (; next_tower != part.towers.end() && *next_tower <= block.offset; ++next_tower) ++norm;
    if (block.kind == ParameterKind::kStatistic) continue;
    const bool whole = tracked->muon != nullptr && block.kind == ParameterKind::kMatrix;
    for (int64_t begin = 0; begin < block.size; begin += kChunkFloats) {
      tracked->chunks.push_back(
          {block.offset + begin, std::min(kChunkFloats, block.size - begin), block.kind, whole, norm});
    }
    if (whole) {
      const int inputs = block.shape[0], outputs = block.shape[1];
      tracked->matrices.push_back({inputs,
                                   outputs,
                                   {block.offset, block.size, block.kind, whole, norm},
                                   std::vector<float>(tracked->muon->ScratchFloats(inputs, outputs))});
    }
  }
  tracked->squares.resize(tracked->chunks.size());
  clips_.assign(norms_.size(), 1);
  parts_.push_back(std::move(tracked));
  return static_cast<int>(parts_.size()) - 1;
}

void DenseUpdater::Reserve(int shards) {
  shards_ = shards;
  run_ = ShardSums::RunLength(shards, workers_.size());
  for (const auto& part : parts_) part->sums.Reserve(shards, run_);
}

GradientSum DenseUpdater::Begin(int part, int shard, int worker) {
  return parts_[part]->sums.Begin(shard, worker);
}

void DenseUpdater::End(int part, int shard, int worker) { parts_[part]->sums.End(shard, worker); }

template <typename F>
void DenseUpdater::ForEachChunk(absl::Span<const int> parts, const F& f) {
  tasks_.clear();
  for (const int part : parts) {
    for (size_t c = 0; c < parts_[part]->chunks.size(); ++c)
      tasks_.emplace_back(parts_[part].get(), static_cast<int>(c));
  }
  workers_.ForEach(static_cast<int>(tasks_.size()),
                   [&](int task, int /*worker*/) { f(tasks_[task].first, tasks_[task].second); });
}

absl::Status DenseUpdater::Update(absl::Span<const int> parts, const std::array<double, kGroups>& rate_scales,
                                  int64_t step) {
  const bool clips = train_.clip_norm() > 0;
  if (clips) {
    // The norm is that of all sums, so that they come first.
    ForEachChunk(parts, [&](Tracked* part, int c) {
      const Chunk& chunk = part->chunks[c];
      part->sums.AddRuns(chunk.offset, chunk.size);
      part->squares[c] = SumOfSquares(part->sums.total() + chunk.offset, chunk.size);
    });
    FindClips(parts);
  }
  std::array<bool, kGroups> counted = {};
  for (const int part : parts) {
    const Group group = parts_[part]->part.group;
    if (!counted[group]) ++updates_[group];
    counted[group] = true;
  }
  std::atomic<const Tracked*> not_finite{nullptr};
  ForEachChunk(parts, [&](Tracked* part, int c) {
    const Chunk& chunk = part->chunks[c];
    if (!clips) part->sums.AddRuns(chunk.offset, chunk.size);
    if (!AllFinite(part->sums.total() + chunk.offset, chunk.size)) {
      not_finite = part;
      return;
    }
    const Group group = part->part.group;
    UpdateChunk(part, chunk, rate_scales[group]);
    if (!part->part.parameters->averages.empty() && !chunk.moved_as_whole) AverageChunk(part, chunk);
  });
  if (not_finite != nullptr) {
    return absl::InternalError(absl::StrCat("step ", step, ": the gradient of ", not_finite.load()->part.name,
                                            " isn't finite; a lower rate or train.clip_norm may help"));
  }
  UpdateMatrices(parts, rate_scales);
  return absl::OkStatus();
}

void DenseUpdater::FindClips(absl::Span<const int> parts) {
  std::fill(norms_.begin(), norms_.end(), 0.0);
  for (const int part : parts) {
    const Tracked& tracked = *parts_[part];
    for (size_t c = 0; c < tracked.chunks.size(); ++c) norms_[tracked.chunks[c].norm] += tracked.squares[c];
  }
  for (size_t i = 0; i < norms_.size(); ++i) {
    const double norm = std::sqrt(norms_[i]);
    clips_[i] = norm > train_.clip_norm() ? static_cast<float>(train_.clip_norm() / norm) : 1;
  }
}

void DenseUpdater::UpdateChunk(Tracked* tracked, const Chunk& chunk, double rate_scale) {
  const Part& part = tracked->part;
  const UpdateStep step{rate_scale * part.rate_multiplier, updates_[part.group]};
  float* gradient = tracked->sums.total() + chunk.offset;
  float* values = part.parameters->values.data() + chunk.offset;
  const float clip = clips_[chunk.norm];
  if (clip != 1) {
    for (int64_t j = 0; j < chunk.size; ++j) gradient[j] *= clip;
  }
  const bool decays = chunk.kind != ParameterKind::kBias;
  if (decays && train_.l2() > 0) {
    const auto l2 = static_cast<float>(train_.l2());
    for (int64_t j = 0; j < chunk.size; ++j) gradient[j] += l2 * values[j];
  }
  if (decays && train_.weight_decay() > 0) {
    const auto left =
        static_cast<float>(1 - tracked->optimizer->rate() * step.rate_scale * train_.weight_decay());
    for (int64_t j = 0; j < chunk.size; ++j) values[j] *= left;
  }
  if (chunk.moved_as_whole) return;
  tracked->optimizer->Update(step, chunk.size, gradient, values, part.parameters->slots.data() + chunk.offset,
                             static_cast<int64_t>(part.parameters->values.size()));
}

// After the chunks: what they have left of the gradient is summed, clipped, and has its L2.
void DenseUpdater::UpdateMatrices(absl::Span<const int> parts,
                                  const std::array<double, kGroups>& rate_scales) {
  tasks_.clear();
  for (const int part : parts) {
    for (size_t m = 0; m < parts_[part]->matrices.size(); ++m)
      tasks_.emplace_back(parts_[part].get(), static_cast<int>(m));
  }
  workers_.ForEach(static_cast<int>(tasks_.size()), [&](int task, int /*worker*/) {
    Tracked* tracked = tasks_[task].first;
    MovedMatrix& matrix = tracked->matrices[tasks_[task].second];
    const Part& part = tracked->part;
    const int64_t offset = matrix.whole.offset;
    tracked->muon->Update({rate_scales[part.group] * part.rate_multiplier, updates_[part.group]},
                          matrix.inputs, matrix.outputs, tracked->sums.total() + offset,
                          part.parameters->values.data() + offset, part.parameters->slots.data() + offset,
                          static_cast<int64_t>(part.parameters->values.size()), matrix.scratch.data());
    if (!part.parameters->averages.empty()) AverageChunk(tracked, matrix.whole);
  });
}

void DenseUpdater::AverageChunk(Tracked* tracked, const Chunk& chunk) const {
  const auto updates = static_cast<double>(updates_[tracked->part.group]);
  const auto taken = static_cast<float>(1 - std::min(train_.average_decay(), (updates - 1) / updates));
  DenseParameters& parameters = *tracked->part.parameters;
  const float* values = parameters.values.data() + chunk.offset;
  float* averages = parameters.averages.data() + chunk.offset;
  for (int64_t j = 0; j < chunk.size; ++j) averages[j] += taken * (values[j] - averages[j]);
}

void DenseUpdater::AverageStatistics(int part) {
  DenseParameters& parameters = *parts_[part]->part.parameters;
  if (parameters.averages.empty()) return;
  for (const ParameterBlock& block : parts_[part]->part.layout->blocks()) {
    if (block.kind != ParameterKind::kStatistic) continue;
    std::copy_n(parameters.values.data() + block.offset, block.size,
                parameters.averages.data() + block.offset);
  }
}

}  // namespace tandem
