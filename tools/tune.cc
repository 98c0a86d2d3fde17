// tandem tune: searches settings that are better than a configuration's own, within a budget of time.
#include "tandem/tune.h"

#include <gflags/gflags.h>
#include <glog/logging.h>

#include <cstdio>

#include "absl/time/time.h"
#include "tandem/experiment.pb.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"

DECLARE_bool(force);
DEFINE_string(
    budget, "",
    "Time to spend, of all calls together: 90s, 10m, 2h. A tuning that is resumed needs none: it has "
    "its own.");

namespace tandem {
namespace {

absl::StatusOr<double> BudgetSeconds() {
  if (FLAGS_budget.empty() && FLAGS_resume) return 0;
  absl::Duration budget;
  if (!absl::ParseDuration(FLAGS_budget, &budget) || budget <= absl::ZeroDuration() ||
      budget == absl::InfiniteDuration())
    return ConfigError("--budget=", FLAGS_budget, ": not a time to spend; 90s, 10m or 2h would be one");
  return absl::ToDoubleSeconds(budget);
}

absl::StatusOr<int> RunTune(const Invocation& invocation) {
  TuneOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.budget, BudgetSeconds());
  TuneSetup setup;
  TANDEM_ASSIGN_OR_RETURN(setup.files, FilesGivenOnce("config", FLAGS_config));
  if (setup.files.empty() && !FLAGS_resume)
    return ConfigError("tandem tune needs --config (`tandem help tune`)");
  setup.overrides = invocation.overrides;
  setup.end_date = FLAGS_end_date;
  if (FLAGS_output == "-") return ConfigError("--output=-: the table goes to standard output; name a file");
  if (!FLAGS_force) TANDEM_RETURN_IF_ERROR(CheckOutputFile({}, FLAGS_output));
  options.run_dir = FLAGS_run_dir;
  options.output = FLAGS_output;
  options.replace = FLAGS_force;
  options.resume = FLAGS_resume;
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment given, ExperimentToTune(setup, &options));
  options.progress = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  FLAGS_minloglevel = google::GLOG_ERROR;  // a line a trial is enough
  TANDEM_ASSIGN_OR_RETURN(const TuneSummary summary, RunTuning(given, options));
  std::fputs(summary.text.c_str(), stdout);
  if (!summary.output.empty()) std::printf("%s\n", summary.output.c_str());
  if (summary.stopped_by == 0) return kExitDone;
  std::fprintf(stderr, "stopped; %s keeps what it has, --resume goes on with it\n", FLAGS_run_dir.c_str());
  return 128 + summary.stopped_by;
}

}  // namespace

Command TuneCommand() {
  return {
      "tune",
      "searches better settings for a configuration, within a budget of time",
      "  tandem tune --config=shop.pbtxt --run_dir=tuned --budget=10m\n"
      "  tandem tune --config=shop.pbtxt --run_dir=tuned --budget=2h --end_date=2026-01-30 "
      "--output=best.pbtxt\n\n"
      "Varies rates, widths, regularisation, averages, the teacher's kind and the student's levers, trains "
      "trials on\nall cores, each on one, stops the losers early, and trains the best again with other "
      "seeds. The rows of\ntrain.validation decide; where there are none, some are held out. Prints a table, "
      "the best first, says by\nhow much it is better or that nothing was, and writes the configuration to "
      "--output (RUN_DIR/best.pbtxt).\n--resume goes on with what is left of the budget.",
      {"config", "run_dir", "budget", "end_date", "output", "force", "resume", "kernels"},
      {"run_dir"},
      {""},
      RunTune};
}

}  // namespace tandem
