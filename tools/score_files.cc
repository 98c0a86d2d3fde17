#include "tools/score_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "config/experiment.pb.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 65536;
constexpr int kTaskRows = 1024;

// Scores a block in tasks, each a piece of the rows, and appends to the logs in row order.
class BlockScorer {
 public:
  BlockScorer(const std::vector<const Predictor*>& predictors, double negative_keep_rate, Workers* workers)
      : logs(predictors.size()),
        predictors_(predictors),
        negative_weight_(static_cast<float>(1 / negative_keep_rate)),
        workers_(*workers) {}

  void Score(const Batch& block) {
    const int tasks = (block.rows() + kTaskRows - 1) / kTaskRows;
    const size_t predictors = predictors_.size();
    pieces_.resize(tasks, Batch(predictors_[0]->fields()));
    scores_.resize(tasks * predictors);
    workers_.ForEach(tasks, [&](int task, int /*worker*/) {
      Batch& piece = pieces_[task];
      piece.Clear();
      for (int row = task * kTaskRows; row < std::min(block.rows(), (task + 1) * kTaskRows); ++row) {
        piece.AppendRow(block, row);
      }
      for (size_t p = 0; p < predictors; ++p) {
        predictors_[p]->Score(piece, &scores_[task * predictors + p]);
      }
    });
    for (int task = 0; task < tasks; ++task) {
      for (size_t p = 0; p < predictors; ++p) {
        Append(pieces_[task], scores_[task * predictors + p].teacher, &logs[p].teacher);
        Append(pieces_[task], scores_[task * predictors + p].student, &logs[p].student);
      }
    }
    rows += block.rows();
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
  const float negative_weight_;
  Workers& workers_;
  std::vector<Batch> pieces_;
  std::vector<Scores> scores_;
};

}  // namespace

absl::StatusOr<std::vector<TowerLogs>> ScoreFiles(const std::vector<const Predictor*>& predictors,
                                                  const std::string& input) {
  const Predictor& first = *predictors.at(0);
  const proto::Experiment& experiment = first.experiment();
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FindFiles(input));
  Workers workers(experiment.runtime().threads());
  Quarantine quarantine("", experiment.data().max_bad_fraction());
  DayReader reader(first.schema(), RowUse::kEvaluate, std::move(files), &quarantine, &workers);
  BlockScorer scorer(predictors, experiment.data().negative_keep_rate(), &workers);
  Batch block(first.fields());
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(kBlockRows, &block));
    if (!more) break;
    scorer.Score(block);
  }
  if (scorer.rows == 0) return DataError("--input: ", input, ": not one row to evaluate");
  if (quarantine.rows_bad() > 0) LOG(WARNING) << quarantine.rows_bad() << " malformed rows were left out";
  return std::move(scorer.logs);
}

}  // namespace tandem
