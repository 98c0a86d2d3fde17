#include "src/train/memory_estimate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/methods.h"
#include "src/config/model_floats.h"
#include "src/config/optimizers.h"
#include "src/config/teachers.h"
#include "src/util/available_memory.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr double kProgramBytes = 32e6;
constexpr double kIndexBytes = 40;  // of an id: its key, its place, its count, and room to grow
constexpr double kKeyBytes = 13;    // of an id in a row that waits to be shuffled: key, coefficient, offset
constexpr double kFloatBytes = 4;
constexpr double kThreadCopies = 4;  // gradients of the shards of a batch, summed as a tree
constexpr double kPackedCopies = 2;  // of a weight, as the products on the way there and back want it
constexpr double kFewestGradients = 2;

// Floats an optimizer keeps for each weight.
int Slots(const proto::Optimizer& optimizer) {
  return optimizer.has_sgd() ? 0 : optimizer.has_adagrad() || optimizer.has_muon() ? 1 : 2;
}

// What settings ask for, by their names.
class Demand {
 public:
  void Add(const std::string& setting, double bytes) {
    total_ += bytes;
    for (auto& [name, of_name] : parts_) {
      if (name != setting) continue;
      of_name += bytes;
      return;
    }
    parts_.emplace_back(setting, bytes);
  }
  double total() const { return total_; }

  // "model.teacher.mlp.hidden asks for 17.2 GB, train.shard_rows for 2.1 GB"
  std::string Text() const {
    std::vector<std::pair<std::string, double>> parts = parts_;
    std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(3, parts.size()); ++i) {
      // What is small beside the largest helps nobody.
      if (i > 0 && parts[i].second < parts[0].second / 20) break;
      absl::StrAppend(&text, i == 0 ? "" : ", ", parts[i].first, i == 0 ? " asks for " : " for ",
                      Gigabytes(parts[i].second));
    }
    return text;
  }
  static std::string Gigabytes(double bytes) {
    return bytes < 1e9 ? absl::StrFormat("%.0f MB", bytes / 1e6) : absl::StrFormat("%.1f GB", bytes / 1e9);
  }

 private:
  std::vector<std::pair<std::string, double>> parts_;
  double total_ = 0;
};

// Weights as they are trained, and `threads` shards on their way through the tower.
void AddTower(const proto::Experiment& experiment, bool of_teacher, int threads, Demand* demand) {
  const TowerFloats floats = of_teacher ? TeacherFloats(experiment) : StudentFloats(experiment);
  const proto::Optimizer& optimizer =
      of_teacher ? TeacherOptimizerOf(experiment) : OptimizerOf(experiment, experiment.model().student());
  const double copies = 1 + kPackedCopies + kFewestGradients + Slots(optimizer) +
                        (experiment.train().average_decay() > 0 ? 1 : 0);
  demand->Add(floats.most_weights.empty() ? "embedding.dim" : floats.most_weights,
              (floats.weights * copies + floats.folded) * kFloatBytes);
  const double vectors = of_teacher ? static_cast<double>(SeedsOfVectors(experiment).size()) : 1;
  const double width =
      PlainFieldsOf(experiment, of_teacher) * vectors * static_cast<double>(experiment.embedding().dim());
  const double of_row = floats.activations + width;
  demand->Add(
      absl::StrCat("train.shard_rows (", experiment.train().shard_rows(), " rows",
                   threads > 1 ? absl::StrCat(" on each of ", threads, " threads") : "",
                   floats.most_activations.empty() ? "" : ", most of it by " + floats.most_activations, ")"),
      of_row * experiment.train().shard_rows() * threads * kFloatBytes);
}

// Of the teachers' rows, and of the student's where it has rows of its own.
int FloatsAnId(const proto::Experiment& experiment) {
  const MethodPlan plan = PlanOf(experiment);
  const int floats = static_cast<int>(SeedsOfVectors(experiment).size()) * experiment.embedding().dim();
  return floats + (plan.teacher && plan.own_embedding ? StudentAlone(experiment).embedding().dim() : 0);
}

}  // namespace

MemoryEstimate EstimateMemory(const proto::Experiment& experiment,
                              const std::map<std::string, double>& table_rows, double rows) {
  MemoryEstimate memory;
  const proto::Embedding& embedding = experiment.embedding();
  const double floats =
      FloatsAnId(experiment) * (1 + Slots(embedding.optimizer()) + (embedding.has_slow_copy() ? 1 : 0));
  for (const auto& [table, ids] : table_rows) memory.tables += ids * (floats * kFloatBytes + kIndexBytes);
  const TowerFloats teacher = TeacherFloats(experiment), student = StudentFloats(experiment);
  const double copies = 2 + Slots(experiment.train().optimizer()) +
                        (experiment.train().average_decay() > 0 ? 1 : 0) + kThreadCopies;
  memory.towers =
      ((teacher.weights + student.weights) * copies + teacher.folded + student.folded) * kFloatBytes;
  const double shuffled = std::min(rows, static_cast<double>(experiment.train().shuffle_rows()));
  memory.shuffle = 2 * shuffled * kKeyBytes * std::max(1, experiment.feature_size());
  memory.program = kProgramBytes;
  return memory;
}

absl::Status CheckTrainingMemory(const proto::Experiment& experiment, int threads) {
  Demand demand;
  if (HasTeacher(experiment.model())) AddTower(experiment, /*of_teacher=*/true, threads, &demand);
  if (HasStudent(experiment.model())) AddTower(experiment, /*of_teacher=*/false, threads, &demand);
  const int64_t configured = experiment.runtime().memory_limit();
  const double limit = configured > 0 ? static_cast<double>(configured) : AvailableMemory();
  if (demand.total() + kProgramBytes <= limit) return absl::OkStatus();
  return ConfigError("runtime.memory_limit: training needs about ", Demand::Gigabytes(demand.total()),
                     " of memory before the first row, where ",
                     configured > 0 ? "it may take " : "the machine, or its limit, has ",
                     Demand::Gigabytes(limit), ": ", demand.Text());
}

absl::Status CheckScoringMemory(const proto::Experiment& experiment, int rows, const std::string& path) {
  Demand demand;
  for (const bool of_teacher : {true, false}) {
    const proto::Model& model = experiment.model();
    if (!(of_teacher ? HasTeacher(model) : HasStudent(model))) continue;
    const TowerFloats floats = of_teacher ? TeacherFloats(experiment) : StudentFloats(experiment);
    demand.Add(floats.most_activations, floats.activations * rows * kFloatBytes);
    if (floats.folded > 0) demand.Add(floats.most_weights, floats.folded * kFloatBytes);
  }
  const double limit = AvailableMemory();
  if (demand.total() <= limit) return absl::OkStatus();
  return ModelError(path, ": scoring needs about ", Demand::Gigabytes(demand.total()),
                    " of memory, where the machine, or its limit, has ", Demand::Gigabytes(limit), ": ",
                    demand.Text(), ". Nothing was loaded.");
}

}  // namespace tandem
