// tandem finetune: more training on the newest samples, in a run of its own.
#include <gflags/gflags.h>

#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/run.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"
#include "tools/train_run.h"

DEFINE_string(init_from, "", "The run or checkpoint to start from.");
DEFINE_string(towers, "both", "both, or student: teacher and embedding are frozen.");
DEFINE_bool(reset_optimizer, false, "Start the optimizer's state anew.");
DEFINE_bool(allow_feature_change, false,
            "Accept that features were added or removed: what they share goes on, what is new starts anew.");

namespace tandem {
namespace {

absl::StatusOr<int> RunFinetune(const Invocation& invocation) {
  FileSystem& fs = FileSystem::Default();
  RunOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.init_from, ResolveModel(fs, FLAGS_init_from));
  if (FLAGS_towers == "student") {
    options.parts = TrainedParts::kStudent;
  } else if (FLAGS_towers != "both") {
    return ConfigError("--towers=", FLAGS_towers, ": 'both' or 'student'");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesGivenOnce("config", FLAGS_config));
  const FineTuneSetup setup{FLAGS_init_from,      options.init_from, files,
                            invocation.overrides, FLAGS_input,       options.parts};
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ExperimentToFineTune(fs, setup));
  if (!FLAGS_input.empty()) {
    if (!FLAGS_begin_date.empty() || !FLAGS_end_date.empty()) {
      return ConfigError(
          "--input names the files; --begin_date and --end_date choose days of data.path: either");
    }
    TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files,
                            FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
    options.days.push_back({"", std::move(files)});
  } else {
    TANDEM_ASSIGN_OR_RETURN(
        options.days, DaysToFineTune(FileSystem::Default(), experiment, FLAGS_begin_date, FLAGS_end_date));
  }
  options.resume = FLAGS_resume;
  options.reset_optimizer = FLAGS_reset_optimizer;
  options.allow_feature_change = FLAGS_allow_feature_change;
  return TrainAndReport(experiment, &options);
}

}  // namespace

Command FinetuneCommand() {
  return {
      "finetune",
      "trains a run's model further on newer samples, in a run of its own",
      "  tandem finetune --init_from=run --run_dir=run-1202 --begin_date=2000-12-02 --end_date=2000-12-02\n\n"
      "The configuration is that of --init_from; --config and key=value override it. Prints the last "
      "checkpoint's path.",
      {"init_from", "run_dir", "begin_date", "end_date", "input", "config", "towers", "reset_optimizer",
       "allow_feature_change", "resume", "kernels", "profile"},
      {"init_from", "run_dir"},
      {""},
      RunFinetune};
}

}  // namespace tandem
