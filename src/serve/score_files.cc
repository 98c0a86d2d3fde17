#include "tandem/score_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/serve/serving_tables.h"
#include "tandem/day_reader.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 65536;
constexpr int kTaskRows = 1024;

// The table of the ids by which the rows are grouped.
class GroupTable {
 public:
  explicit GroupTable(const Predictor& predictor) : predictor_(predictor) {
    const Schema& schema = predictor.schema();
    for (size_t f = 0; f < schema.fields().size(); ++f) {
      const Field& field = schema.fields()[f];
      const bool reads_group = field.kind == FieldKind::kSparse && field.column == schema.group_column &&
                               !field.multi_valued && !field.serving_value.has_value();
      if (reads_group && !schema.group_column.empty()) field_ = static_cast<int>(f);
    }
    if (field_ >= 0) table_ = schema.fields()[field_].table;
  }

  absl::Status AppendSeen(const Batch& block, std::vector<bool>* seen) const {
    if (field_ < 0) return absl::OkStatus();
    const FieldBags& bags = block.fields[field_];
    std::vector<bool> held;
    TANDEM_RETURN_IF_ERROR(Holds(bags.keys, &held));
    for (int row = 0; row < block.rows(); ++row) {
      const uint32_t at = bags.offsets[row];
      seen->push_back(at != bags.offsets[row + 1] && held[at]);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Holds(const std::vector<uint64_t>& keys, std::vector<bool>* held) const {
    if (predictor_.tables() == nullptr) return predictor_.model().embedding().Holds(table_, keys, held);
    const absl::Span<const uint64_t> holds = predictor_.tables()->keys(table_);
    for (const uint64_t key : keys) held->push_back(std::binary_search(holds.begin(), holds.end(), key));
    return absl::OkStatus();
  }

  const Predictor& predictor_;
  int field_ = -1;
  int table_ = 0;
};

// Scores a block in tasks, each a piece of the rows, and appends to the logs in row order.
class BlockScorer {
 public:
  BlockScorer(const std::vector<const Predictor*>& predictors, double negative_keep_rate, Workers* workers)
      : logs(predictors.size()),
        predictors_(predictors),
        negative_weight_(static_cast<float>(1 / negative_keep_rate)),
        workers_(*workers) {
    for (const Predictor* predictor : predictors) groups_.emplace_back(*predictor);
  }

  absl::Status Score(const Batch& block) {
    const int tasks = (block.rows() + kTaskRows - 1) / kTaskRows;
    const size_t predictors = predictors_.size();
    pieces_.resize(tasks, Batch(predictors_[0]->fields()));
    scores_.resize(tasks * predictors);
    statuses_.assign(tasks, absl::OkStatus());
    workers_.ForEach(tasks, [&](int task, int /*worker*/) {
      Batch& piece = pieces_[task];
      piece.Clear();
      for (int row = task * kTaskRows; row < std::min(block.rows(), (task + 1) * kTaskRows); ++row) {
        piece.AppendRow(block, row);
      }
      for (size_t p = 0; p < predictors; ++p) {
        statuses_[task].Update(predictors_[p]->Score(piece, &scores_[task * predictors + p]));
      }
    });
    for (const absl::Status& status : statuses_) TANDEM_RETURN_IF_ERROR(status);
    for (size_t p = 0; p < predictors; ++p)
      TANDEM_RETURN_IF_ERROR(groups_[p].AppendSeen(block, &logs[p].seen));
    for (int task = 0; task < tasks; ++task) {
      for (size_t p = 0; p < predictors; ++p) {
        Append(pieces_[task], scores_[task * predictors + p].teacher, &logs[p].teacher);
        Append(pieces_[task], scores_[task * predictors + p].student, &logs[p].student);
      }
    }
    rows += block.rows();
    return absl::OkStatus();
  }

  std::vector<TowerLogs> logs;
  int64_t rows = 0;

 private:
  // A negative stands for the ones that were sampled away.
  void Append(const Batch& piece, const std::vector<float>& scores, ScoreLog* log) const {
    for (size_t row = 0; row < scores.size(); ++row) {
      const float weight = piece.weights[row] * (piece.labels[row] > 0 ? 1.0f : negative_weight_);
      log->Add(scores[row], piece.labels[row], weight, piece.groups[row]);
    }
  }

  const std::vector<const Predictor*>& predictors_;
  std::vector<GroupTable> groups_;
  const float negative_weight_;
  Workers& workers_;
  std::vector<Batch> pieces_;
  std::vector<Scores> scores_;
  std::vector<absl::Status> statuses_;  // a task
};

// As a message shows them.
std::string Shown(const std::vector<std::string>& files) {
  if (files.empty()) return "no file";
  return files.size() == 1 ? files[0] : absl::StrCat(files[0], " and ", files.size() - 1, " more");
}

}  // namespace

absl::StatusOr<std::vector<TowerLogs>> ScoreFiles(const std::vector<const Predictor*>& predictors,
                                                  const std::vector<std::string>& files) {
  const Predictor& first = *predictors.at(0);
  const proto::Experiment& experiment = first.experiment();
  Workers workers(experiment.runtime().threads());
  Quarantine quarantine(FileSystem::Default(), "", experiment.data().max_bad_fraction());
  DayReader reader(FileSystem::Default(), first.format(), first.schema(), RowUse::kEvaluate, files,
                   &quarantine, &workers);
  BlockScorer scorer(predictors, experiment.data().negative_keep_rate(), &workers);
  Batch block(first.fields());
  int64_t unlabelled = 0;
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(kBlockRows, &block));
    if (!more) break;
    unlabelled += block.TakeUnlabelled(nullptr);
    TANDEM_RETURN_IF_ERROR(scorer.Score(block));
  }
  if (scorer.rows == 0) {
    return DataError(
        Shown(files), ": not one row ",
        unlabelled > 0 ? absl::StrCat("with a label (", unlabelled, " without)") : "to evaluate");
  }
  for (TowerLogs& logs : scorer.logs) logs.unlabelled = unlabelled;
  if (quarantine.rows_bad() > 0) LOG(WARNING) << quarantine.rows_bad() << " malformed rows were left out";
  return std::move(scorer.logs);
}

}  // namespace tandem
