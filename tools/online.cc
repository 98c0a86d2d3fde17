// tandem online: a student that goes on learning from a stream, published as it learns.
#include "tandem/online.h"

#include <gflags/gflags.h>
#include <glog/logging.h>

#include <cstdio>
#include <string>

#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"

DECLARE_string(init_from);
DECLARE_bool(accept_poor_model);
DEFINE_bool(follow, false, "The file grows: wait for more at its end.");

namespace tandem {
namespace {

absl::StatusOr<int> RunOnline(const Invocation& invocation) {
  OnlineSetup setup;
  setup.init_from = FLAGS_init_from;
  setup.run_dir = FLAGS_run_dir;
  setup.input = FLAGS_input;
  setup.resume = FLAGS_resume;
  TANDEM_ASSIGN_OR_RETURN(setup.files, FilesGivenOnce("config", FLAGS_config));
  setup.overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment,
                          ExperimentForOnline(FileSystem::Default(), setup));
  OnlineOptions options;
  options.run_dir = FLAGS_run_dir;
  options.init_from = FLAGS_init_from;
  options.input = FLAGS_input;
  options.follow = FLAGS_follow;
  options.resume = FLAGS_resume;
  options.accept_poor_model = FLAGS_accept_poor_model;
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const OnlineSummary summary, LearnOnline(experiment, options));
  if (summary.stopped_by != 0) {
    LOG(INFO) << "stopped at step " << summary.steps << "; --resume goes on from " << summary.checkpoint
              << ", with the " << summary.rows_waiting << " rows that wait for their label";
    return 128 + summary.stopped_by;
  }
  std::puts(summary.checkpoint.c_str());
  return kExitDone;
}

}  // namespace

Command OnlineCommand() {
  return {"online",
          "goes on training a student alone on a stream of samples, and publishes it",
          "  tandem online --init_from=run --run_dir=online --input=clicks.tsv --follow\n"
          "  tail -F clicks.tsv | tandem online --init_from=daily/published --run_dir=online --input=- "
          "online.time_column=time\n"
          "  tandem predict --model=online/published --input=...\n\n"
          "The student is a copy: --init_from isn't touched. Options: online.* (docs/config.md); the rest is "
          "the base's, and --config and\nkey=value override it. A run that was stopped or killed goes on "
          "with --resume on the same stream; standard input is\nfed again from its beginning. Prints the "
          "last checkpoint's path.",
          {"init_from", "run_dir", "input", "follow", "resume", "config", "accept_poor_model", "kernels"},
          {"init_from", "run_dir", "input"},
          {""},
          RunOnline};
}

}  // namespace tandem
