// tandem evaluate: metrics of the towers as JSON.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <nlohmann/json.hpp>

#include "config/experiment.pb.h"
#include "tandem/metrics.h"
#include "tandem/predictor.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tools/command.h"
#include "tools/common.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 65536;
constexpr int kTaskRows = 1024;

// Scores a block in tasks, each a piece of the rows, and appends to the logs in row order.
class BlockScorer {
 public:
  BlockScorer(const Predictor& predictor, double negative_keep_rate, Workers* workers)
      : predictor_(predictor),
        negative_weight_(static_cast<float>(1 / negative_keep_rate)),
        workers_(*workers) {}

  void Score(const Batch& block) {
    const int tasks = (block.rows() + kTaskRows - 1) / kTaskRows;
    pieces_.resize(tasks, Batch(predictor_.fields()));
    scores_.resize(tasks);
    workers_.ForEach(tasks, [&](int task, int /*worker*/) {
      Batch& piece = pieces_[task];
      piece.Clear();
      for (int row = task * kTaskRows; row < std::min(block.rows(), (task + 1) * kTaskRows); ++row) {
        piece.AppendRow(block, row);
      }
      predictor_.Score(piece, &scores_[task]);
    });
    for (int task = 0; task < tasks; ++task) {
      Append(pieces_[task], scores_[task].teacher, &teacher);
      Append(pieces_[task], scores_[task].student, &student);
    }
    rows += block.rows();
  }

  ScoreLog teacher, student;
  int64_t rows = 0;

 private:
  // A negative stands for the ones that were sampled away.
  void Append(const Batch& piece, const std::vector<float>& scores, ScoreLog* log) const {
    for (size_t row = 0; row < scores.size(); ++row) {
      const float weight = piece.weights[row] * (piece.labels[row] > 0 ? 1.0f : negative_weight_);
      log->Add(scores[row], piece.labels[row], weight, piece.groups[row]);
    }
  }

  const Predictor& predictor_;
  const float negative_weight_;
  Workers& workers_;
  std::vector<Batch> pieces_;
  std::vector<Scores> scores_;
};

absl::StatusOr<int> RunEvaluate(const Invocation& invocation) {
  PredictorOptions options;
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor, Predictor::Load(FLAGS_model, options));
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FindFiles(FLAGS_input));
  TANDEM_RETURN_IF_ERROR(CheckOutputIsNoInput(files, FLAGS_output));

  const proto::Experiment& experiment = predictor->experiment();
  Workers workers(experiment.runtime().threads());
  Quarantine quarantine("", experiment.data().max_bad_fraction());
  DayReader reader(predictor->schema(), RowUse::kEvaluate, std::move(files), &quarantine, &workers);
  BlockScorer scorer(*predictor, experiment.data().negative_keep_rate(), &workers);
  Batch block(predictor->fields());
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(kBlockRows, &block));
    if (!more) break;
    scorer.Score(block);
  }
  if (scorer.rows == 0) return DataError("--input: ", FLAGS_input, ": not one row to evaluate");
  if (quarantine.rows_bad() > 0) LOG(WARNING) << quarantine.rows_bad() << " malformed rows were left out";

  const bool with_groups = !experiment.data().group_column().empty();
  nlohmann::ordered_json report;
  report["rows"] = scorer.rows;
  const auto add = [&](const char* tower, const ScoreLog& log) {
    report[tower] = nlohmann::ordered_json::parse(MetricsToJson(ComputeMetrics(log, with_groups)));
  };
  if (predictor->has_teacher()) add("teacher", scorer.teacher);
  if (predictor->has_student()) add("student", scorer.student);
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(output.Write(report.dump(2) + "\n"));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command EvaluateCommand() {
  return {"evaluate",
          "prints the metrics of both towers on labelled samples, as JSON",
          "  tandem evaluate --model=run --input='logs/2000-12-0[2-8].tsv.gz'\n\n"
          "AUC, log loss, GAUC (by data.group_column), COPC (clicks over predicted clicks) and normalised "
          "entropy; null where "
          "one is undefined.",
          {"model", "input", "output", "kernels"},
          {"model", "input"},
          {"data.", "runtime."},
          RunEvaluate};
}

}  // namespace tandem
