// tandem train: offline training on the window that ends on a day.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <cstdio>

#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/poor_model.h"
#include "tandem/run.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/train_run.h"

namespace tandem {
namespace {

absl::StatusOr<int> RunTrain(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, ConfigFiles("train"));
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment,
                          ExperimentToTrain(FileSystem::Default(), files, invocation.overrides));
  RunOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.days, DaysToTrain(FileSystem::Default(), experiment, FLAGS_end_date));
  options.resume = FLAGS_resume;
  return TrainAndReport(experiment, &options);
}

}  // namespace

absl::StatusOr<int> TrainAndReport(const proto::Experiment& experiment, RunOptions* options) {
  options->run_dir = FLAGS_run_dir;
  options->terminal = isatty(STDERR_FILENO) != 0;
  options->stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options->kernels, ChosenKernels());
  options->profile = FLAGS_profile;
  TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, *options));
  std::fputs(summary.profile.c_str(), stderr);
  if (summary.stopped_by != 0) {
    LOG(INFO) << "stopped at step " << summary.steps << "; --resume goes on from " << summary.checkpoint;
    return 128 + summary.stopped_by;
  }
  std::puts(summary.already_complete ? "complete" : summary.checkpoint.c_str());
  return summary.verdict.empty() ? kExitDone : kExitPoorModel;
}

Command TrainCommand() {
  return {
      "train",
      "trains on the window of daily files that ends on --end_date",
      "  tandem train --config=configs/movielens.pbtxt --run_dir=run --end_date=2000-12-01 train.seed=2\n\n"
      "Prints the last checkpoint's path. A run that was stopped goes on with --resume, bit for bit; of one "
      "that is finished it prints `complete`.",
      {"config", "run_dir", "end_date", "resume", "kernels", "profile"},
      {"run_dir"},
      {""},
      RunTrain};
}

}  // namespace tandem
