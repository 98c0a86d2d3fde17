// tandem evaluate: metrics of the towers.
#include <gflags/gflags.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "tandem/day_files.h"
#include "tandem/evaluate_model.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"
#include "tools/readable_json.h"

namespace tandem {
namespace {

absl::StatusOr<int> RunEvaluate(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const OutputFormat format, ChosenFormat());
  PredictorOptions options;
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor, Predictor::Load(FLAGS_model, options));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(SplitPaths(FLAGS_input)));
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(files, FLAGS_output));
  TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation evaluation, EvaluateModel(*predictor, files));
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
      "  tandem evaluate --model=run --input='logs/2000-12-0[2-8].tsv.gz' [--format=json] [--output=FILE]\n\n"
      "AUC, log loss, GAUC (by data.group_column), COPC (clicks over predicted clicks) and normalised "
      "entropy; - (in JSON null) where "
      "one is undefined. The same for rows of users that training has seen and has not, where a feature "
      "reads data.group_column, and ten calibration bins of equal count.",
      {"model", "input", "format", "output", "kernels"},
      {"model", "input"},
      {"data.", "runtime."},
      RunEvaluate};
}

}  // namespace tandem
