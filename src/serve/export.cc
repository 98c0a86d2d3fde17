#include "tandem/export.h"

#include <glog/logging.h>

#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "src/serve/bundle_files.h"
#include "src/serve/loaded_model.h"
#include "src/serve/precision_proto.h"
#include "src/serve/quantize.h"
#include "src/train/checkpoint_verdict.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/poor_model.h"
#include "tandem/predictor.h"
#include "tandem/score_files.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Sums of int32 hold this many products of bytes.
constexpr int kMostInt8Inputs = 66000;

absl::StatusOr<std::vector<ScoreLog>> StudentLogs(const std::vector<const Predictor*>& predictors,
                                                  const ExportOptions& options) {
  if (options.score != nullptr) return options.score(predictors);
  TANDEM_ASSIGN_OR_RETURN(std::vector<TowerLogs> towers, ScoreFiles(predictors, options.files));
  std::vector<ScoreLog> logs;
  logs.reserve(towers.size());
  for (TowerLogs& of_one : towers) logs.push_back(std::move(of_one.student));
  return logs;
}

// Scores with both; an error if AUC falls too far.
absl::StatusOr<PrecisionReport> Measure(const Predictor& f32, const Predictor& served,
                                        const ExportOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ScoreLog> logs, StudentLogs({&f32, &served}, options));
  CHECK_EQ(logs.size(), 2u);
  PrecisionReport report;
  report.precision = options.precision;
  report.f32 = ComputeMetrics(logs[0], /*with_groups=*/false);
  report.served = ComputeMetrics(logs[1], /*with_groups=*/false);
  report.f32_kernels = f32.student_kernels();
  report.served_kernels = served.student_kernels();
  const char* precision = PrecisionName(options.precision);
  if (!report.f32.auc || !report.served.auc) {
    return DataError("precision ", precision, ": the AUC of the ", report.f32.rows,
                     " rows to measure with is undefined; they must hold clicks and non-clicks");
  }
  const double loss = *report.f32.auc - *report.served.auc;
  if (!(loss <= options.max_auc_loss)) {
    return ConfigError(absl::StrFormat(
        "precision %s: AUC falls from %.6f to %.6f, by %.6f where max_auc_loss allows %g; no bundle was "
        "written. bf16 loses less than int8, f32 nothing",
        precision, *report.f32.auc, *report.served.auc, loss, options.max_auc_loss));
  }
  return report;
}

absl::Status CheckPrecision(const ExportOptions& options) {
  if (options.precision == Precision::kF32 || options.score != nullptr || !options.files.empty())
    return absl::OkStatus();
  return ConfigError("precision ", PrecisionName(options.precision),
                     ": needs labelled samples on which to measure what it costs");
}

// What the sums of int8 can't hold.
absl::Status CheckWidths(const Tower& student, Precision precision) {
  for (const ParameterBlock& block : student.layout().blocks()) {
    if (BlockPrecision(student, block, precision) == Precision::kInt8 && block.shape[0] > kMostInt8Inputs) {
      return ConfigError("precision int8: ", block.name, " has ", block.shape[0],
                         " inputs; int8 carries up to ", kMostInt8Inputs, ". Try bf16");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVerdict(FileSystem& fs, const std::string& checkpoint, bool accepted) {
  TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadJudgedRunState(fs, checkpoint));
  if (!state.has_verdict()) return absl::OkStatus();
  if (!accepted) return PoorModelError(checkpoint, state.verdict().reason());
  LOG(WARNING) << checkpoint << ": exported all the same: " << state.verdict().reason();
  return absl::OkStatus();
}

// What serving needs to know: neither the teacher nor how the student was trained.
proto::Experiment ServedExperiment(proto::Experiment experiment) {
  experiment.clear_runtime();
  experiment.mutable_data()->clear_path();
  experiment.mutable_model()->clear_teacher();
  experiment.mutable_model()->clear_committee();
  experiment.mutable_model()->clear_distill();
  return experiment;
}

}  // namespace

absl::StatusOr<std::optional<PrecisionReport>> ExportBundle(FileSystem& fs, const std::string& model_name,
                                                            const std::string& output,
                                                            const ExportOptions& options) {
  if (fs.Exists(output)) return ConfigError(output, " is there already; a bundle is never written over");
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, ResolveModel(fs, model_name));
  if (IsBundle(fs, checkpoint)) return ConfigError(checkpoint, " is a bundle already");
  TANDEM_RETURN_IF_ERROR(CheckPrecision(options));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, VerifyAndReadExperiment(fs, checkpoint));
  if (experiment.model().method() == proto::TEACHER_ALONE)
    return ConfigError(checkpoint, " has a teacher only; a bundle serves the student");
  TANDEM_RETURN_IF_ERROR(CheckVerdict(fs, checkpoint, options.accept_poor_model));
  TANDEM_RETURN_IF_ERROR(ChooseTowers(TowerChoice::kStudent, checkpoint, &experiment));
  PredictorOptions predictor_options;
  predictor_options.towers = TowerChoice::kStudent;
  predictor_options.kernels = options.kernels;
  predictor_options.data_overrides = options.data_overrides;
  predictor_options.file_system = &fs;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> f32,
                          Predictor::Load(checkpoint, predictor_options));
  const DualModel& model = f32->model();

  proto::BundleHeader header;
  TANDEM_ASSIGN_OR_RETURN(*header.mutable_model_id(), ExportedModelId(fs, checkpoint, options.precision));
  TANDEM_ASSIGN_OR_RETURN(const ModelOrigin origin, ReadModelOrigin(fs, checkpoint));
  if (!origin.base_id.empty()) header.set_base_id(origin.base_id);
  if (!origin.last_day.empty()) header.set_last_day(origin.last_day);
  std::optional<PrecisionReport> report;
  std::unique_ptr<Predictor> low;
  if (options.precision != Precision::kF32) {
    TANDEM_RETURN_IF_ERROR(CheckWidths(model.student(), options.precision));
    low = f32->InPrecision(options.precision);
    TANDEM_ASSIGN_OR_RETURN(report, Measure(*f32, *low, options));
    header.set_precision(ToProto(options.precision));
    *header.mutable_report() = ToProto(*report);
  }
  const Predictor& served = low != nullptr ? *low : *f32;
  TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, output, [&](const std::string& aside) {
    return WriteBundleFiles(fs, aside, header, ServedExperiment(experiment), model.student(),
                            model.student_parameters(), *served.tables());
  }));
  return report;
}

}  // namespace tandem
