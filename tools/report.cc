// tandem report: one page on what a model learned, from what, and how well.
#include <gflags/gflags.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/util/progress.h"
#include "tandem/day_files.h"
#include "tandem/model_report.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DECLARE_int32(repeats);
DECLARE_int32(max_rows);

namespace tandem {
namespace {

absl::StatusOr<int> RunReport(const Invocation& invocation) {
  ReportOptions options;
  options.model = FLAGS_model;
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  if (!FLAGS_input.empty()) {
    TANDEM_ASSIGN_OR_RETURN(options.input, FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
  } else {
    for (const auto& [flag, value] : invocation.flags) {
      if (flag == "repeats" || flag == "seed" || flag == "max_rows")
        return ConfigError("--", flag, " is about the rows of --input, and there are none");
    }
    if (!invocation.overrides.empty())
      return ConfigError("'", invocation.overrides[0],
                         "': overrides are about the rows of --input, and there are none");
  }
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(options.input, FLAGS_output));
  options.importance.repeats = FLAGS_repeats;
  options.importance.seed = FLAGS_seed;
  options.importance.max_rows = FLAGS_max_rows;
  Progress progress(Progress::IsTerminal(stderr), stderr);
  if (Progress::IsTerminal(stderr)) {
    options.importance.progress = [&](int done, int all) {
      progress.Update(absl::StrCat("importance of columns: ", done, " of ", all));
    };
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string html, MakeModelReport(options));
  progress.Finish();
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(output.Write(html));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command ReportCommand() {
  return {
      "report",
      "writes one page on what a model learned, from what, and how well",
      "  tandem report --model=run --input='logs/2000-12-0[2-8].tsv.gz' --output=report.html\n\n"
      "Data and days, learning curves, metrics, calibration, scores, AUC by day and for users seen and "
      "unseen, what each column is worth, sizes and times, the method; a verdict in words. The page needs "
      "nothing beside it. Without --input it tells what the run noted of itself. Use rows that training "
      "hasn't seen.",
      {"model", "input", "output", "repeats", "seed", "max_rows", "kernels"},
      {"model", "output"},
      {"data.", "runtime."},
      RunReport};
}

}  // namespace tandem
