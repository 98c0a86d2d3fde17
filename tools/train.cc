// tandem train: offline training on the window that ends on a day.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "tandem/experiment.h"
#include "tandem/files.h"
#include "tandem/reader.h"
#include "tandem/run.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"
#include "tools/profile_flag.h"
#include "tools/train_run.h"

namespace tandem {
namespace {

// A run that is resumed needs no --config: it has its own.
absl::StatusOr<proto::Experiment> ReadExperiment(const Invocation& invocation) {
  std::vector<std::string> files = SplitPaths(FLAGS_config);
  if (files.empty()) {
    if (!FLAGS_resume) return ConfigError("tandem train needs --config (`tandem help train`)");
    files.push_back(FLAGS_run_dir + "/config.pbtxt");
  }
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, LoadExperiment(files, invocation.overrides));
  ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return experiment;
}

absl::StatusOr<int> RunTrain(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadExperiment(invocation));
  const std::string& path = experiment.data().path();
  RunOptions options;
  std::vector<std::string> missing;
  if (HasDate(path)) {
    if (FLAGS_end_date.empty())
      return ConfigError("tandem train needs --end_date: data.path has days (", path, ")");
    TANDEM_ASSIGN_OR_RETURN(options.days,
                            FindWindow(path, FLAGS_end_date, experiment.train().window_days(), &missing));
  } else {
    if (!FLAGS_end_date.empty())
      return ConfigError("--end_date: data.path has no {date} (", path, "); it is read whole");
    TANDEM_ASSIGN_OR_RETURN(options.days, FindDays(path, "", "", &missing));
  }
  if (!missing.empty()) {
    LOG(WARNING) << "data.path: only " << options.days.size() << " of the window's "
                 << options.days.size() + missing.size()
                 << " days have a file; missing: " << absl::StrJoin(missing, " ");
  }
  options.resume = FLAGS_resume;
  return TrainAndReport(experiment, &options);
}

}  // namespace

absl::StatusOr<int> TrainAndReport(const proto::Experiment& experiment, RunOptions* options) {
  options->run_dir = FLAGS_run_dir;
  options->terminal = isatty(STDERR_FILENO) != 0;
  options->stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options->kernels, ChosenKernels());
  const std::unique_ptr<Profile> profile =
      StartProfile(ProfiledCommand::kTrain, experiment.runtime().threads(), *options->kernels);
  TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, *options));
  if (profile != nullptr && !summary.already_complete) {
    std::fputs(profile->Table().c_str(), stderr);
    TANDEM_RETURN_IF_ERROR(
        WriteFileAtomically(*options->file_system, options->run_dir + "/profile.json", profile->Json()));
  }
  if (summary.stopped_by != 0) {
    LOG(INFO) << "stopped; " << summary.checkpoint << " holds everything, --resume goes on";
    return 128 + summary.stopped_by;
  }
  std::puts(summary.already_complete ? "complete" : summary.checkpoint.c_str());
  return kExitDone;
}

Command TrainCommand() {
  return {
      "train",
      "trains on the window of daily files that ends on --end_date",
      "  tandem train --config=configs/movielens.pbtxt --run_dir=run --end_date=2000-12-01 train.seed=2\n\n"
      "Prints the last checkpoint's path. A run that was stopped goes on with --resume, bit for bit; of one "
      "that is "
      "finished it prints `complete`.",
      {"config", "run_dir", "end_date", "resume", "kernels", "profile"},
      {"run_dir"},
      {""},
      RunTrain};
}

}  // namespace tandem
