// tandem online: a student that goes on learning from a stream, published as it learns.
#include "tandem/online.h"

#include <gflags/gflags.h>
#include <glog/logging.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/files.h"
#include "tandem/model_directory.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DECLARE_string(init_from);
DEFINE_bool(follow, false, "The file grows: wait for more at its end.");

namespace tandem {
namespace {

// What an online run has no place for: each would be accepted, and change nothing.
absl::Status CheckOverrides(const std::vector<std::string>& overrides) {
  constexpr const char* kWithoutEffect[] = {"model.method=",
                                            "model.teacher.",
                                            "model.distill.switches",
                                            "model.distill.hint",
                                            "model.distill.replay",
                                            "model.distill.phase",
                                            "model.distill.schedule",
                                            "model.student.optimizer.muon=",
                                            "model.student.optimizer.muon.lr",
                                            "model.student.optimizer.muon.momentum",
                                            "model.student.optimizer.muon.iterations",
                                            "embedding.slow_copy",
                                            "train.batch_size=",
                                            "train.epochs=",
                                            "train.window_days=",
                                            "train.shuffle_rows=",
                                            "train.schedule",
                                            "train.average_decay",
                                            "daily."};
  for (const std::string& text : overrides) {
    for (const char* prefix : kWithoutEffect) {
      if (!absl::StartsWith(text, prefix)) continue;
      return ConfigError(
          "'", text, "': has no effect online",
          absl::StartsWith(text, "train.batch_size=")         ? "; online.batch_rows is the micro-batch"
          : absl::StartsWith(text, "model.student.optimizer") ? "; the student's matrices move by Adam there"
                                                              : "");
    }
  }
  return absl::OkStatus();
}

// The base's configuration with what the command line says over it; a resumed run has its own.
absl::StatusOr<proto::Experiment> ReadExperiment(const Invocation& invocation) {
  TANDEM_RETURN_IF_ERROR(CheckOverrides(invocation.overrides));
  FileSystem& fs = FileSystem::Default();
  const std::string own = FLAGS_run_dir + "/config.pbtxt";
  proto::Experiment experiment;
  if (FLAGS_resume && fs.Exists(own) && FLAGS_config.empty() && invocation.overrides.empty()) {
    TANDEM_ASSIGN_OR_RETURN(experiment, LoadExperiment({own}, {}));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const Base base, FindBase(fs, FLAGS_init_from));
    TANDEM_ASSIGN_OR_RETURN(experiment, ReadModelExperiment(fs, base.checkpoint));
    if (experiment.model().method() == proto::TEACHER_ALONE) {
      return ConfigError("--init_from: ", base.checkpoint,
                         " has a teacher only; a student is what learns online");
    }
    TANDEM_RETURN_IF_ERROR(LoadOver(SplitPaths(FLAGS_config), invocation.overrides, &experiment));
    experiment.mutable_data()->set_path(FLAGS_input);
    ResolveDefaults(&experiment);
    // Before the rates are multiplied: what is wrong is what was written.
    TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
    experiment = OnlineExperiment(std::move(experiment));
  }
  experiment.mutable_data()->set_path(FLAGS_input);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return experiment;
}

absl::StatusOr<int> RunOnline(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadExperiment(invocation));
  OnlineOptions options;
  options.run_dir = FLAGS_run_dir;
  options.init_from = FLAGS_init_from;
  options.input = FLAGS_input;
  options.follow = FLAGS_follow;
  options.resume = FLAGS_resume;
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const OnlineSummary summary, LearnOnline(experiment, options));
  if (summary.stopped_by != 0) {
    LOG(INFO) << "stopped; " << summary.checkpoint << " holds everything, --resume goes on";
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
          "the base's, and "
          "--config and\nkey=value override it. A run that was stopped or killed goes on with --resume on "
          "the same "
          "stream; standard input is\nfed again from its beginning. Prints the last checkpoint's path.",
          {"init_from", "run_dir", "input", "follow", "resume", "config", "kernels"},
          {"init_from", "run_dir", "input"},
          {""},
          RunOnline};
}

}  // namespace tandem
