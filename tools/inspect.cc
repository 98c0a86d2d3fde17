// tandem inspect: what a run, checkpoint or bundle holds; with --data, what a log holds.
#include <gflags/gflags.h>

#include <string>
#include <vector>

#include "tandem/day_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/log_summary.h"
#include "tandem/model_description.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_bool(data, false, "Describe the log of --input instead of a model.");
DEFINE_bool(time, false, "Measure each tower's scoring time, one thread, on rows like the tables' own.");

namespace tandem {
namespace {

// The description as JSON, or as text.
absl::StatusOr<std::string> InspectModel(OutputFormat format) {
  if (FLAGS_model.empty())
    return ConfigError("tandem inspect needs --model, or --data with --input (`tandem help inspect`)");
  if (!FLAGS_input.empty() || !FLAGS_config.empty()) {
    return ConfigError("--input and --config go with --data; a model carries its own configuration");
  }
  DescribeOptions options;
  options.times = FLAGS_time;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const ModelDescription model,
                          DescribeModel(FileSystem::Default(), FLAGS_model, options));
  return format == OutputFormat::kJson ? ModelDescriptionJson(model) : ModelDescriptionText(model);
}

absl::StatusOr<std::string> InspectLog(const std::vector<std::string>& overrides, OutputFormat format) {
  if (FLAGS_input.empty()) return ConfigError("tandem inspect --data needs --input");
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> config, FilesGivenOnce("config", FLAGS_config));
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, LoadExperiment(config, overrides));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                          FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
  TANDEM_ASSIGN_OR_RETURN(const LogSummary log, SummarizeLog(FileSystem::Default(), experiment, files));
  return format == OutputFormat::kJson ? LogSummaryJson(log) : LogSummaryText(log);
}

absl::StatusOr<int> RunInspect(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const OutputFormat format, ChosenFormat());
  std::string text;
  if (FLAGS_data) {
    if (!FLAGS_model.empty()) return ConfigError("--data describes a log: --input, not --model");
    if (FLAGS_time) return ConfigError("--time goes with --model");
    TANDEM_ASSIGN_OR_RETURN(text, InspectLog(invocation.overrides, format));
  } else {
    if (!invocation.overrides.empty())
      return ConfigError("'", invocation.overrides[0], "': overrides go with --data");
    TANDEM_ASSIGN_OR_RETURN(text, InspectModel(format));
  }
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(output.Write(text));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command InspectCommand() {
  return {"inspect",
          "describes a model, or with --data a log",
          "  tandem inspect --model=run [--time] [--format=json] [--output=FILE]\n"
          "  tandem inspect --data --input='logs/*.tsv.gz' [--config=configs/movielens.pbtxt] "
          "[data.delimited.delimiter=,]\n\n"
          "A model: fields, tables, and for each tower parameters, FLOPs a sample (forward, without "
          "look-ups) and embedding "
          "size.\nA log: for each column coverage, distinct values, missing values, and mean and deviation "
          "where it is numeric.",
          {"model", "data", "input", "config", "format", "time", "output", "kernels"},
          {},
          {"data."},
          RunInspect};
}

}  // namespace tandem
