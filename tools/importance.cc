// tandem importance: what a model has from each column of the log.
#include <gflags/gflags.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "src/util/progress.h"
#include "tandem/column_importance.h"
#include "tandem/day_files.h"
#include "tandem/served_model.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_int32(repeats, 5, "Permutations of each column, at least 2; more make smaller error bars.");
DEFINE_int32(max_rows, 100000, "Of longer files so many rows, drawn at random; they are held in memory.");

namespace tandem {
namespace {

absl::StatusOr<int> RunImportance(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const OutputFormat format, ChosenFormat());
  PredictorOptions predictor_options;
  predictor_options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(predictor_options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> model,
                          ServedModel::Open(FLAGS_model, predictor_options));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                          FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(files, FLAGS_output));
  ImportanceOptions options;
  options.repeats = FLAGS_repeats;
  options.seed = FLAGS_seed;
  options.max_rows = FLAGS_max_rows;
  Progress progress(Progress::IsTerminal(stderr), stderr);
  if (Progress::IsTerminal(stderr)) {
    options.progress = [&](int done, int all) {
      progress.Update(absl::StrCat(done, " of ", all, " permutations"));
    };
  }
  TANDEM_ASSIGN_OR_RETURN(const ModelImportance importance,
                          MeasureImportance(*model->current(), files, options));
  progress.Finish();
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(output.Write(format == OutputFormat::kText ? ModelImportanceText(importance)
                                                                    : ModelImportanceJson(importance)));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command ImportanceCommand() {
  return {
      "importance",
      "says what a model has from each column of the log",
      "  tandem importance --model=run --input='logs/2000-12-0[2-8].tsv.gz' [--repeats=10] "
      "[--format=json]\n\n"
      "Permutation importance: the cells of one column are dealt out anew among the rows, and AUC and log "
      "loss of both towers are measured again: what is lost is what the model had from the column. ± is a 95 "
      "% interval over the permutations. Use rows that training hasn't seen.",
      {"model", "input", "repeats", "seed", "max_rows", "format", "output", "kernels"},
      {"model", "input"},
      {"data.", "runtime."},
      RunImportance};
}

}  // namespace tandem
