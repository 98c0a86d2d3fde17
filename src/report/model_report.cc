#include "tandem/model_report.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "src/report/report_data.h"
#include "src/train/checkpoint_state.h"
#include "src/train/run_files.h"
#include "src/util/date.h"
#include "tandem/checkpoint.h"
#include "tandem/model_directory.h"
#include "tandem/predictor.h"
#include "tandem/score_files.h"
#include "tandem/served_model.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// The first YYYY-MM-DD in the file's own name, or "".
std::string DateIn(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  constexpr absl::string_view kShape = "dddd-dd-dd";
  for (size_t at = 0; at + kShape.size() <= name.size(); ++at) {
    bool fits = true;
    for (size_t i = 0; i < kShape.size(); ++i)
      fits &= kShape[i] == 'd' ? absl::ascii_isdigit(name[at + i]) != 0 : name[at + i] == kShape[i];
    if (fits) return name.substr(at, kShape.size());
  }
  return "";
}

ScoreShares SharesOf(const ScoreLog& log) {
  ScoreShares shares;
  double highest = 0, clicks = 0, others = 0;
  for (const float probability : log.probabilities()) highest = std::max<double>(highest, probability);
  // A round number above: a page's axis.
  for (const double limit : {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0}) {
    shares.highest = limit;
    if (highest <= limit) break;
  }
  for (int64_t row = 0; row < log.rows(); ++row) {
    const double place = log.probabilities()[row] / shares.highest * ScoreShares::kBins;
    const int bin = std::min(static_cast<int>(place), ScoreShares::kBins - 1);
    const bool click = log.labels()[row] > 0.5f;
    (click ? shares.clicks : shares.others)[bin] += log.weights()[row];
    (click ? clicks : others) += log.weights()[row];
  }
  for (double& share : shares.clicks) share /= std::max(clicks, 1e-300);
  for (double& share : shares.others) share /= std::max(others, 1e-300);
  return shares;
}

ModelEvaluation EvaluationOf(const Predictor& predictor, const TowerLogs& logs) {
  ModelEvaluation evaluation;
  evaluation.group_column = predictor.experiment().data().group_column();
  evaluation.rows = std::max(logs.teacher.rows(), logs.student.rows());
  evaluation.unlabelled = logs.unlabelled;
  const bool with_groups = !evaluation.group_column.empty();
  if (predictor.has_teacher()) evaluation.teacher = Evaluate(logs.teacher, with_groups, logs.seen);
  if (predictor.has_student()) evaluation.student = Evaluate(logs.student, with_groups, logs.seen);
  for (const std::optional<Evaluation>& tower : {evaluation.teacher, evaluation.student})
    if (tower.has_value()) evaluation.rows_without_group = tower->all.rows_without_group;
  return evaluation;
}

void Append(const TowerLogs& from, TowerLogs* to) {
  to->teacher.Merge(from.teacher);
  to->student.Merge(from.student);
  to->seen.insert(to->seen.end(), from.seen.begin(), from.seen.end());
  to->unlabelled += from.unlabelled;
}

absl::StatusOr<JudgedRows> Judge(const Predictor& predictor, const ReportOptions& options) {
  JudgedRows judged;
  judged.files = options.input;
  std::map<std::string, std::vector<std::string>> days;
  for (const std::string& file : options.input) days[DateIn(file)].push_back(file);
  TowerLogs all;
  for (const auto& [day, files] : days) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<TowerLogs> logs, ScoreFiles({&predictor}, files));
    if (!day.empty()) judged.days.push_back({day, EvaluationOf(predictor, logs[0])});
    Append(logs[0], &all);
  }
  judged.evaluation = EvaluationOf(predictor, all);
  if (predictor.has_teacher()) judged.teacher = SharesOf(all.teacher);
  if (predictor.has_student()) judged.student = SharesOf(all.student);
  TANDEM_ASSIGN_OR_RETURN(judged.importance, MeasureImportance(predictor, options.input, options.importance));
  return judged;
}

// The run that the model is, or that the checkpoint lies in; "" for neither.
std::string RunOf(FileSystem& fs, const std::string& model, const std::string& directory) {
  if (fs.Exists(RunMetricsPath(model))) return model;
  const size_t at = directory.rfind("/checkpoints/");
  return at == std::string::npos || !fs.Exists(RunMetricsPath(directory.substr(0, at)))
             ? ""
             : directory.substr(0, at);
}

absl::Status ReadRun(FileSystem& fs, const std::string& directory, ReportData* data) {
  if (data->description.bundle) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadRunState(fs, directory));
  data->rows_read = state.rows_good();
  data->rows_unlabelled = state.rows_unlabelled();
  for (const int64_t bad : state.rows_bad()) data->rows_malformed += bad;
  data->days.assign(state.day().begin(), state.day().end());
  const std::string run = RunOf(fs, data->model, directory);
  if (run.empty()) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(data->history, ReadRunHistory(fs, run));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> MakeModelReport(const ReportOptions& options) {
  FileSystem& fs = *options.file_system;
  if (std::find(options.input.begin(), options.input.end(), "-") != options.input.end())
    return ConfigError("a report reads its rows twice, which standard input can't be: name a file");
  ReportData data;
  data.model = options.model;
  data.date = options.date.empty() ? Today(*options.clock) : options.date;
  PredictorOptions predictor_options;
  predictor_options.data_overrides = options.data_overrides;
  predictor_options.kernels = options.kernels;
  predictor_options.file_system = options.file_system;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                          ServedModel::Open(options.model, predictor_options));
  const std::shared_ptr<const Predictor> predictor = served->current();
  data.experiment = predictor->experiment();
  DescribeOptions describe;
  describe.times = options.times;
  describe.kernels = options.kernels;
  TANDEM_ASSIGN_OR_RETURN(data.description, DescribeModel(fs, predictor->directory(), describe));
  TANDEM_RETURN_IF_ERROR(ReadRun(fs, predictor->directory(), &data));
  if (!options.input.empty()) {
    TANDEM_ASSIGN_OR_RETURN(data.judged, Judge(*predictor, options));
  }
  return ReportHtml(data);
}

}  // namespace tandem
