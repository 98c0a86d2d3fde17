#include "src/train/training_memory.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "src/config/teachers.h"
#include "src/nn/model_floats.h"
#include "src/train/memory_estimate.h"
#include "src/util/available_memory.h"
#include "src/util/packed_name.h"
#include "tandem/row_store.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr double kPackedCopies = 2;      // of a weight, as the products on the way there and back want it
constexpr double kBlockCopies = 2.5;     // of rows that are written: a block, a record, and room to grow
constexpr double kOccurrenceBytes = 16;  // of a row's id: key, coefficient, and where the next field begins
constexpr double kRowBytes = 32;         // label, weight, group, and where the row is
constexpr double kWaitingRowBytes =
    150;                          // of the text of a row that waits, its key, its place among the others
constexpr double kCellBytes = 6;  // of a cell of a log, with what divides it from the next
constexpr double kCompression = 4;

// Of a field, what members take out of a row and hand back to it: in turn, or with several threads at a time.
double MembersVectors(const proto::Experiment& experiment, bool of_teacher, int threads) {
  const auto members = of_teacher ? static_cast<double>(TeachersOf(experiment).size()) : 1.0;
  if (members == 1) return 0;
  return (SideBySide(experiment) ? members : 0) + (threads > 1 ? members : 1);
}

// Weights as they are trained, and `threads` shards on their way through the tower.
void AddTower(const proto::Experiment& experiment, bool of_teacher, int threads, MemoryDemand* demand) {
  const TowerFloats floats = of_teacher ? TeacherFloats(experiment) : StudentFloats(experiment);
  const proto::Optimizer& optimizer =
      of_teacher ? TeacherOptimizerOf(experiment) : OptimizerOf(experiment, experiment.model().student());
  // A gradient of each shard of a batch, which are added as a tree.
  const double shards =
      std::ceil(static_cast<double>(experiment.train().batch_size()) / experiment.train().shard_rows());
  const double copies = 1 + kPackedCopies + shards + OptimizerSlots(optimizer) +
                        (experiment.train().average_decay() > 0 ? 1 : 0);
  demand->Add(floats.most_weights.empty() ? "embedding.dim" : floats.most_weights,
              (floats.weights * copies + floats.folded) * kFloatBytes);
  const double vectors = of_teacher ? static_cast<double>(SeedsOfVectors(experiment).size()) : 1;
  const double vector_width =
      PlainFieldsOf(experiment, of_teacher) * static_cast<double>(experiment.embedding().dim());
  const double of_row =
      floats.activations + vector_width * (vectors + MembersVectors(experiment, of_teacher, threads));
  demand->Add(
      absl::StrCat("train.shard_rows (", experiment.train().shard_rows(), " rows",
                   threads > 1 ? absl::StrCat(" on each of ", threads, " threads") : "",
                   floats.most_activations.empty() ? "" : ", most of it by " + floats.most_activations, ")"),
      of_row * experiment.train().shard_rows() * threads * kFloatBytes);
}

// Occurrences of ids in a row, one a feature but for a sequence's, which are there as often as it allows.
double Occurrences(const proto::Experiment& experiment) {
  double occurrences = 0;
  for (const proto::Feature& feature : experiment.feature())
    occurrences += feature.sparse().has_sequence() ? feature.sparse().sequence().max_length() : 1;
  return occurrences;
}

void AddReplay(const proto::Experiment& experiment, double batch_rows, MemoryDemand* demand) {
  const proto::Distill& distill = experiment.model().distill();
  const MethodPlan plan = PlanOf(experiment);
  if (!plan.teacher || !plan.student || (!distill.has_replay() && !distill.has_phase())) return;
  // And where each of the ids is in the table.
  const double row = kRowBytes + Occurrences(experiment) * (kOccurrenceBytes + kFloatBytes);
  demand->Add(absl::StrCat("model.distill.replay.batches (", distill.replay().batches(), " of ", batch_rows,
                           " rows)"),
              distill.replay().batches() * batch_rows * row);
}

}  // namespace

TrainingMemory::TrainingMemory(const proto::Experiment& experiment, int threads, const std::string& bound)
    : bound_(bound),
      block_bytes_(RowStore::kBlockRows * BytesAnId(experiment)),
      configured_(experiment.runtime().memory_limit() > 0),
      limit_(configured_ ? static_cast<double>(experiment.runtime().memory_limit()) : AvailableMemory()) {
  if (HasTeacher(experiment.model())) AddTower(experiment, /*of_teacher=*/true, threads, &demand_);
  if (HasStudent(experiment.model())) AddTower(experiment, /*of_teacher=*/false, threads, &demand_);
}

TrainingMemory::TrainingMemory(const proto::Experiment& experiment, int threads, double rows)
    : TrainingMemory(experiment, threads, "embedding.max_rows") {
  AddReplay(experiment, experiment.train().batch_size(), &demand_);
  // The block at hand, and room to grow.
  const double shuffled = std::min(rows, static_cast<double>(experiment.train().shuffle_rows()));
  demand_.Add(absl::StrCat("train.shuffle_rows (", experiment.train().shuffle_rows(), ")"),
              1.5 * shuffled * (kRowBytes + kOccurrenceBytes * Occurrences(experiment)));
  most_table_ = static_cast<double>(experiment.embedding().max_rows()) * BytesAnId(experiment);
}

TrainingMemory TrainingMemory::OfStream(const proto::Experiment& experiment, int threads) {
  TrainingMemory memory(experiment, threads, "online.max_rows");
  const proto::Online& online = experiment.online();
  if (online.label_delay() > 0) {
    const double row = kWaitingRowBytes + kCellBytes * experiment.feature_size();
    memory.demand_.Add(absl::StrCat("online.label_queue_rows (", online.label_queue_rows(), ")"),
                       row * static_cast<double>(online.label_queue_rows()));
  }
  memory.most_table_ = static_cast<double>(online.max_rows()) * BytesAnId(experiment);
  return memory;
}

std::string TrainingMemory::Limit() const {
  return absl::StrCat(configured_ ? "it may take " : "the machine, or its limit, has ",
                      MemoryDemand::Gigabytes(limit_));
}

double TrainingMemory::bytes(double table_bytes) const {
  return kProgramBytes + demand_.total() + table_bytes + kBlockCopies * std::min(table_bytes, block_bytes_);
}

absl::Status TrainingMemory::CheckStart() const {
  if (bytes(most_table_) <= limit_) return absl::OkStatus();
  MemoryDemand all = demand_;
  if (most_table_ > 0) all.Add(bound_, bytes(most_table_) - bytes(0));
  return ConfigError("runtime.memory_limit: training needs about ", MemoryDemand::Gigabytes(all.total()),
                     " of memory", most_table_ > 0 ? "" : " before the first row", ", where ", Limit(), ": ",
                     all.Text());
}

absl::Status TrainingMemory::CheckTables(double table_bytes) const {
  if (bytes(table_bytes) <= limit_) return absl::OkStatus();
  return ConfigError(
      "runtime.memory_limit: the tables have grown to ", MemoryDemand::Gigabytes(table_bytes),
      ", and with all else to ", MemoryDemand::Gigabytes(bytes(table_bytes)), ", where ", Limit(), "; ",
      bound_,
      " bounds them, and so do embedding.expire_days and min_count; resumed with more memory, it goes on");
}

absl::Status TrainingMemory::CheckTables(const DualModel& model) const {
  TANDEM_ASSIGN_OR_RETURN(const StoreState shared, model.embedding().store().State());
  int64_t bytes = shared.bytes;
  if (model.has_student() && &model.student_embedding() != &model.embedding()) {
    TANDEM_ASSIGN_OR_RETURN(const StoreState own, model.student_embedding().store().State());
    bytes += own.bytes;
  }
  return CheckTables(static_cast<double>(bytes));
}

double ExpectedRows(FileSystem& fs, const proto::Experiment& experiment, const std::vector<Day>& days) {
  const double row = kCellBytes * (1 + Occurrences(experiment));
  double most = 0;
  for (const Day& day : days) {
    double bytes = 0;
    for (const std::string& file : day.files) {
      const absl::StatusOr<FileInfo> info = fs.Info(file);
      // What can't be looked at can't be read, which is said where it is.
      if (file == "-" || (info.ok() && info->size == 0)) return std::numeric_limits<double>::infinity();
      if (!info.ok()) continue;
      bytes += static_cast<double>(info->size) * (IsPackedLog(file) ? kCompression : 1);
    }
    most = std::max(most, bytes / row);
  }
  return most;
}

}  // namespace tandem
