#include "tandem/score_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/serve/labelled_rows.h"
#include "src/serve/serving_tables.h"
#include "src/util/progress.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

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

  absl::Status AppendSeen(const Batch& block, const std::vector<bool>& finite,
                          std::vector<bool>* seen) const {
    if (field_ < 0) return absl::OkStatus();
    const FieldBags& bags = block.fields[field_];
    std::vector<bool> held;
    TANDEM_RETURN_IF_ERROR(Holds(bags.keys, &held));
    for (int row = 0; row < block.rows(); ++row) {
      if (!finite[row]) continue;
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
  BlockScorer(const std::vector<const Predictor*>& predictors, const LabelledRows& rows, Workers* workers)
      : logs(predictors.size()), predictors_(predictors), rows_(rows), workers_(*workers) {
    for (const Predictor* predictor : predictors) {
      groups_.emplace_back(*predictor);
      ids_.emplace_back(predictor->schema());
    }
  }

  absl::Status Score(const Batch& block) {
    const int tasks = (block.rows() + kTaskRows - 1) / kTaskRows;
    const size_t predictors = predictors_.size();
    pieces_.resize(tasks, Batch(predictors_[0]->fields()));
    scores_.resize(tasks * predictors);
    unknown_.resize(tasks * predictors);
    statuses_.assign(tasks, absl::OkStatus());
    workers_.ForEach(tasks, [&](int task, int /*worker*/) {
      Batch& piece = pieces_[task];
      piece.Clear();
      for (int row = task * kTaskRows; row < std::min(block.rows(), (task + 1) * kTaskRows); ++row) {
        piece.AppendRow(block, row);
      }
      for (size_t p = 0; p < predictors; ++p) {
        const size_t at = task * predictors + p;
        statuses_[task].Update(predictors_[p]->Score(piece, &scores_[at], &unknown_[at]));
      }
    });
    for (const absl::Status& status : statuses_) TANDEM_RETURN_IF_ERROR(status);
    NoteFinite(block.rows());
    for (size_t p = 0; p < predictors; ++p)
      TANDEM_RETURN_IF_ERROR(groups_[p].AppendSeen(block, finite_, &logs[p].seen));
    for (int task = 0; task < tasks; ++task) {
      for (size_t p = 0; p < predictors; ++p) {
        ids_[p].Add(pieces_[task], unknown_[task * predictors + p]);
        Append(task, scores_[task * predictors + p].teacher, &logs[p].teacher);
        Append(task, scores_[task * predictors + p].student, &logs[p].student);
        const std::vector<std::vector<float>>& members = scores_[task * predictors + p].members;
        logs[p].members.resize(members.size());
        for (size_t k = 0; k < members.size(); ++k) Append(task, members[k], &logs[p].members[k]);
      }
    }
    return absl::OkStatus();
  }

  const std::vector<FeatureIds>& Ids(size_t predictor) const { return ids_[predictor].Features(); }

  std::vector<TowerLogs> logs;
  int64_t rows = 0;        // that all scores are finite of...
  int64_t not_finite = 0;  // ...and others, which are left out

 private:
  void NoteFinite(int block_rows) {
    finite_.assign(block_rows, true);
    for (size_t i = 0; i < pieces_.size() * predictors_.size(); ++i) {
      const size_t begin = i / predictors_.size() * kTaskRows;
      for (const std::vector<float>* scores : {&scores_[i].teacher, &scores_[i].student}) {
        for (size_t row = 0; row < scores->size(); ++row) {
          if (!std::isfinite((*scores)[row])) finite_[begin + row] = false;
        }
      }
    }
    const auto left_out = std::count(finite_.begin(), finite_.end(), false);
    not_finite += left_out;
    rows += block_rows - left_out;
  }

  void Append(int task, const std::vector<float>& scores, ScoreLog* log) const {
    const Batch& piece = pieces_[task];
    for (int row = 0; row < static_cast<int>(scores.size()); ++row) {
      if (!finite_[task * kTaskRows + row]) continue;
      log->Add(scores[row], piece.labels[row], rows_.Weight(piece, row), piece.groups[row]);
    }
  }

  const std::vector<const Predictor*>& predictors_;
  std::vector<GroupTable> groups_;
  std::vector<UnknownIds> ids_;  // a predictor
  const LabelledRows& rows_;
  Workers& workers_;
  std::vector<Batch> pieces_;
  std::vector<Scores> scores_;
  std::vector<std::vector<int64_t>> unknown_;
  std::vector<absl::Status> statuses_;  // a task
  std::vector<bool> finite_;            // by row of the block
};

// Rows without a finite score count as malformed ones do.
absl::Status JudgeScores(const BlockScorer& scorer, double max_bad_fraction) {
  if (scorer.not_finite == 0) return absl::OkStatus();
  const int64_t rows = scorer.rows + scorer.not_finite;
  const std::string what =
      absl::StrCat(FormatCount(scorer.not_finite), " of ", FormatCount(rows), " rows have no finite score");
  if (static_cast<double>(scorer.not_finite) / static_cast<double>(rows) > max_bad_fraction)
    return DataError(what, ", more than data.max_bad_fraction ", max_bad_fraction,
                     "; has the model diverged?");
  LOG(WARNING) << what << ", and were left out";
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<TowerLogs>> ScoreFiles(const std::vector<const Predictor*>& predictors,
                                                  const std::vector<std::string>& files,
                                                  const ScoreFilesOptions& options) {
  const Predictor& first = *predictors.at(0);
  Workers workers(options.threads > 0 ? options.threads : first.experiment().runtime().threads());
  LabelledRows rows(first, files, &workers, options.choice, options.judged);
  BlockScorer scorer(predictors, rows, &workers);
  Batch block(first.fields());
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, rows.Next(&block));
    if (!more) break;
    TANDEM_RETURN_IF_ERROR(scorer.Score(block));
  }
  TANDEM_RETURN_IF_ERROR(JudgeScores(scorer, first.experiment().data().max_bad_fraction()));
  for (size_t p = 0; p < predictors.size(); ++p) {
    scorer.logs[p].unlabelled = rows.unlabelled();
    scorer.logs[p].not_finite = scorer.not_finite;
    scorer.logs[p].ids = scorer.Ids(p);
  }
  return std::move(scorer.logs);
}

}  // namespace tandem
