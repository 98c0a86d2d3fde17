#include "src/init/memory_estimate.h"

#include <algorithm>

#include "src/config/committee.h"
#include "src/config/methods.h"

namespace tandem {
namespace {

constexpr double kProgramBytes = 32e6;
constexpr double kIndexBytes = 40;  // of an id: its key, its place, its count, and room to grow
constexpr double kKeyBytes = 13;    // of an id in a row that waits to be shuffled: key, coefficient, offset
constexpr double kFloatBytes = 4;
constexpr double kThreadCopies = 4;  // gradients of the shards of a batch, summed as a tree

// Floats an optimizer keeps for each weight.
int Slots(const proto::Optimizer& optimizer) {
  return optimizer.has_sgd() ? 0 : optimizer.has_adagrad() || optimizer.has_muon() ? 1 : 2;
}

double WidthOf(const proto::Experiment& experiment) {
  double fields = 0;
  for (const proto::Feature& feature : experiment.feature())
    fields += feature.sparse().has_sequence() ? 0 : 1;
  return fields * experiment.embedding().dim();
}

double MlpWeights(const proto::Mlp& mlp, double width) {
  double weights = 0;
  for (const int hidden : mlp.hidden()) {
    weights += (width + 1) * hidden;
    width = hidden;
  }
  return weights + width + 1;
}

double TowerWeights(const proto::Tower& tower, double width) {
  double weights = 0;
  double outputs = width;
  for (const proto::Interaction& interaction : tower.interaction()) {
    if (!interaction.has_cross()) continue;
    const proto::Cross& cross = interaction.cross();
    weights += cross.layers() * (cross.rank() > 0 ? 2 * width * cross.rank() : width * width) +
               cross.layers() * width;
    outputs += width;
  }
  return weights + MlpWeights(tower.mlp(), outputs);
}

// Of the teachers' rows, and of the student's where it has rows of its own.
int VectorsAnId(const proto::Experiment& experiment) {
  const MethodPlan plan = PlanOf(experiment);
  return static_cast<int>(SeedsOfVectors(experiment).size()) + (plan.teacher && plan.own_embedding ? 1 : 0);
}

double TeacherWeights(const proto::Experiment& experiment, double width) {
  double weights = 0;
  for (const MemberConfig& member : TeachersOf(experiment)) weights += TowerWeights(*member.tower, width);
  return weights;
}

}  // namespace

MemoryEstimate EstimateMemory(const proto::Experiment& experiment,
                              const std::map<std::string, double>& table_rows, double rows) {
  MemoryEstimate memory;
  const proto::Embedding& embedding = experiment.embedding();
  const double floats = VectorsAnId(experiment) * embedding.dim() *
                        (1 + Slots(embedding.optimizer()) + (embedding.has_slow_copy() ? 1 : 0));
  for (const auto& [table, ids] : table_rows) memory.tables += ids * (floats * kFloatBytes + kIndexBytes);
  const double width = WidthOf(experiment);
  const double weights =
      TeacherWeights(experiment, width) + TowerWeights(experiment.model().student(), width);
  memory.towers = weights * kFloatBytes *
                  (2 + Slots(experiment.train().optimizer()) +
                   (experiment.train().average_decay() > 0 ? 1 : 0) + kThreadCopies);
  const double shuffled = std::min(rows, static_cast<double>(experiment.train().shuffle_rows()));
  memory.shuffle = 2 * shuffled * kKeyBytes * std::max(1, experiment.feature_size());
  memory.program = kProgramBytes;
  return memory;
}

}  // namespace tandem
