// tandem evaluate: metrics of the towers.
#include <gflags/gflags.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "tandem/day_files.h"
#include "tandem/evaluate_model.h"
#include "tandem/predictor.h"
#include "tandem/served_model.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"
#include "tools/readable_json.h"

DECLARE_string(precision);
DECLARE_string(tower);

namespace tandem {
namespace {

// What --tower asks for.
struct Asked {
  TowerChoice towers = TowerChoice::kBoth;
  TeacherChoice teacher;
};

absl::StatusOr<Asked> AskedTower() {
  constexpr char kMember[] = "member:";
  const bool is_default = gflags::GetCommandLineFlagInfoOrDie("tower").is_default;
  Asked asked;
  if (is_default || FLAGS_tower == "both") return asked;
  asked.towers = FLAGS_tower == "student" ? TowerChoice::kStudent : TowerChoice::kTeacher;
  if (FLAGS_tower == "student" || FLAGS_tower == "teacher") return asked;
  asked.teacher.committee = true;
  if (FLAGS_tower == "committee") return asked;
  int member = 0;
  if (absl::StartsWith(FLAGS_tower, kMember) &&
      absl::SimpleAtoi(FLAGS_tower.substr(sizeof(kMember) - 1), &member) && member >= 0) {
    asked.teacher.member = member;
    return asked;
  }
  return ConfigError("--tower=", FLAGS_tower, ": 'student', 'teacher', 'both', 'committee' or 'member:K'");
}

absl::StatusOr<int> RunEvaluate(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const OutputFormat format, ChosenFormat());
  PredictorOptions options;
  TANDEM_ASSIGN_OR_RETURN(const Asked asked, AskedTower());
  options.towers = asked.towers;
  options.members = asked.teacher.member.has_value();
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  const absl::StatusOr<Precision> products = ParsePrecision(FLAGS_precision);
  if (!products.ok()) return ConfigError("--", products.status().message());
  if (*products == Precision::kInt8)
    return ConfigError("--precision=int8: a run multiplies in f32 or bf16; a bundle can be exported in int8");
  options.products = *products;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> model, ServedModel::Open(FLAGS_model, options));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                          FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(files, FLAGS_output));
  TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation evaluation,
                          EvaluateModel(*model->current(), files, asked.teacher));
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(
      output.Write(format == OutputFormat::kText
                       ? ModelEvaluationText(evaluation)
                       : ReadableJson(nlohmann::ordered_json::parse(ModelEvaluationToJson(evaluation)))));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command EvaluateCommand() {
  return {
      "evaluate",
      "prints the metrics of both towers on labelled samples",
      "  tandem evaluate --model=run --input='logs/2000-12-0[2-8].tsv.gz' [--format=json] [--output=FILE]\n"
      "  tandem evaluate --model=run --input=test.tsv --tower=committee      # or member:0, teacher, "
      "student\n"
      "  tandem evaluate --model=run --input=test.tsv --precision=bf16      # products of 16 bits: large "
      "teachers score "
      "faster (docs/precision.md)\n\n"
      "AUC, log loss, GAUC (by data.group_column), COPC (clicks over predicted clicks) and normalised "
      "entropy; - (in JSON null) where "
      "one is undefined. The same for rows of users that training has seen and has not, where a feature "
      "reads data.group_column, and ten calibration bins of equal count.",
      {"model", "input", "tower", "format", "output", "precision", "kernels"},
      {"model", "input"},
      {"data.", "runtime."},
      RunEvaluate};
}

}  // namespace tandem
