#include "src/train/model_costs.h"

#include <cmath>

#include "src/config/optimizers.h"
#include "src/train/shard_sums.h"
#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

constexpr double kFloat = sizeof(float);
constexpr int kLineFloats = 16;

double WholeLines(int64_t floats) {
  const int64_t lines = (floats + kLineFloats - 1) / kLineFloats;
  return static_cast<double>(lines * kLineFloats) * kFloat;
}

}  // namespace

void SetModelCosts(const DualModel& model, TrainedParts parts, Profile* profile) {
  const EmbeddingLayer& embedding = model.embedding();
  const RowShape& shape = embedding.shape();
  const double x_floats = static_cast<double>(embedding.fields()) * embedding.dim();
  const bool all = parts == TrainedParts::kAll;
  profile->SetCost(Stage::kRead, {0, 1});
  profile->SetCost(Stage::kWrite, {0, 1});
  profile->SetCost(Stage::kGather,
                   {2 * x_floats, embedding.fields() * WholeLines(shape.width) + x_floats * kFloat});
  // Row and slots are read and written, and each gradient is read once.
  profile->SetCost(Stage::kEmbeddingUpdate,
                   {0, 2 * WholeLines(shape.width * (1 + shape.slots)) + embedding.dim() * kFloat});
  // A unit is a run of shards, whose sum is read; weights and slots are read and written once a step.
  const proto::Train& train = model.experiment().train();
  const int shards = (train.batch_size() + train.shard_rows() - 1) / train.shard_rows();
  const int threads = ThreadsOf(model.experiment().runtime().threads());
  const double runs = std::ceil(static_cast<double>(shards) / ShardSums::RunLength(shards, threads));
  double dense = 0, bytes = 0;
  const auto add = [&](const proto::Optimizer& optimizer, int64_t floats) {
    const int slots = MakeOptimizer(optimizer)->slots();
    dense += static_cast<double>(floats);
    bytes += (1 + 2 * (1 + slots) / runs) * static_cast<double>(floats) * kFloat;
  };
  if (model.has_teacher()) {
    const auto forward = static_cast<double>(model.teacher().flops_per_sample());
    profile->SetCost(Stage::kTeacherForward, {forward, 0});
    profile->SetCost(Stage::kTeacherBackward,
                     {static_cast<double>(model.teacher().backward_flops_per_sample(/*d_x=*/true)), 0});
    if (all) add(TeacherOptimizerOf(model.experiment()), model.teacher().layout().size());
  }
  if (model.has_student()) {
    const auto forward = static_cast<double>(model.student().flops_per_sample());
    profile->SetCost(Stage::kStudentForward, {forward, 0});
    const bool d_x = all && !model.has_teacher();
    profile->SetCost(Stage::kStudentBackward,
                     {static_cast<double>(model.student().backward_flops_per_sample(d_x)), 0});
    add(OptimizerOf(model.experiment(), model.experiment().model().student()),
        model.student().layout().size() + model.loss().layout().size());
  }
  profile->SetCost(Stage::kDenseUpdate, {dense, bytes});
}

}  // namespace tandem
