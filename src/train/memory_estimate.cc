#include "src/train/memory_estimate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "src/config/teachers.h"
#include "src/nn/model_floats.h"
#include "src/train/memory_demand.h"
#include "src/util/available_memory.h"
#include "tandem/optimizer.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr double kKeyBytes = 13;     // of an id in a row that waits to be shuffled: key, coefficient, offset
constexpr double kThreadCopies = 4;  // gradients of a thread's shards, summed as a tree

}  // namespace

int OptimizerSlots(const proto::Optimizer& optimizer) { return MakeOptimizer(optimizer)->slots(); }

namespace {

// Of the teachers' rows, and of the student's where it has rows of its own.
int FloatsAnId(const proto::Experiment& experiment) {
  const MethodPlan plan = PlanOf(experiment);
  const int floats = static_cast<int>(SeedsOfVectors(experiment).size()) * experiment.embedding().dim();
  return floats + (plan.teacher && plan.own_embedding ? StudentAlone(experiment).embedding().dim() : 0);
}

}  // namespace

double BytesAnId(const proto::Experiment& experiment) {
  const proto::Embedding& embedding = experiment.embedding();
  const int copies = 1 + OptimizerSlots(embedding.optimizer()) + (embedding.has_slow_copy() ? 1 : 0);
  return FloatsAnId(experiment) * copies * kFloatBytes + kIndexBytes;
}

MemoryEstimate EstimateMemory(const proto::Experiment& experiment,
                              const std::map<std::string, double>& table_rows, double rows) {
  MemoryEstimate memory;
  for (const auto& [table, ids] : table_rows) memory.tables += ids * BytesAnId(experiment);
  const TowerFloats teacher = TeacherFloats(experiment), student = StudentFloats(experiment);
  const double copies = 2 + OptimizerSlots(experiment.train().optimizer()) +
                        (experiment.train().average_decay() > 0 ? 1 : 0) + kThreadCopies;
  memory.towers =
      ((teacher.weights + student.weights) * copies + teacher.folded + student.folded) * kFloatBytes;
  const double shuffled = std::min(rows, static_cast<double>(experiment.train().shuffle_rows()));
  memory.shuffle = 2 * shuffled * kKeyBytes * std::max(1, experiment.feature_size());
  memory.program = kProgramBytes;
  return memory;
}

absl::Status CheckScoringMemory(const proto::Experiment& experiment, int rows, const std::string& path) {
  MemoryDemand demand;
  for (const bool of_teacher : {true, false}) {
    const proto::Model& model = experiment.model();
    if (!(of_teacher ? HasTeacher(model) : HasStudent(model))) continue;
    const TowerFloats floats = of_teacher ? TeacherFloats(experiment) : StudentFloats(experiment);
    demand.Add(floats.most_activations, floats.activations * rows * kFloatBytes);
    if (floats.folded > 0) demand.Add(floats.most_weights, floats.folded * kFloatBytes);
  }
  const double limit = AvailableMemory();
  if (demand.total() <= limit) return absl::OkStatus();
  return ModelError(path, ": scoring needs about ", MemoryDemand::Gigabytes(demand.total()),
                    " of memory, where the machine, or its limit, has ", MemoryDemand::Gigabytes(limit), ": ",
                    demand.Text(), ". Nothing was loaded.");
}

}  // namespace tandem
