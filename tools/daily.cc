// tandem daily: the routine: train, fine-tune, judge, export and publish a model for each date.
#include "tandem/daily.h"

#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"

DECLARE_bool(accept_poor_model);

namespace tandem {
namespace {

absl::StatusOr<int> RunDailyCommand(const Invocation& invocation) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, ConfigFiles("daily"));
  TANDEM_ASSIGN_OR_RETURN(
      const proto::Experiment experiment,
      ExperimentForDaily(FileSystem::Default(), files, invocation.overrides, FLAGS_run_dir, FLAGS_resume));
  DailyOptions options;
  options.run_dir = FLAGS_run_dir;
  options.begin_date = FLAGS_begin_date;
  options.end_date = FLAGS_end_date;
  options.resume = FLAGS_resume;
  options.accept_poor_model = FLAGS_accept_poor_model;
  options.terminal = isatty(STDERR_FILENO) != 0;
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const DailySummary summary, RunDaily(experiment, options));
  LOG(INFO) << summary.dates << (summary.dates == 1 ? " date done, " : " dates done, ")
            << (summary.skipped > 0 ? absl::StrCat(summary.skipped, " skipped without a log, ") : "")
            << summary.published << (summary.published == 1 ? " model published" : " models published")
            << (summary.waits_for.empty() ? ""
                                          : absl::StrCat("; waiting for the log of ", summary.waits_for));
  if (summary.stopped_by != 0) {
    LOG(INFO) << "stopped; --resume goes on";
    return 128 + summary.stopped_by;
  }
  std::puts((FLAGS_run_dir + "/days.md").c_str());
  return kExitDone;
}

}  // namespace

Command DailyCommand() {
  return {"daily",
          "trains, judges and publishes a model for each date",
          "  tandem daily --config=configs/movielens.pbtxt --run_dir=daily --begin_date=2000-12-02 "
          "--end_date=2000-12-31 "
          "daily.finetune=true\n"
          "  tandem predict --model=daily/published --input=...\n\n"
          "For each date: train on the window that ends there (or go on from the model in place: "
          "daily.warm), fine-tune on "
          "its newest day\n(daily.finetune), judge on the next day, export, and publish if the gate "
          "(daily.gate.*) lets it "
          "through. A later call with --resume\nand another --end_date goes on; killed anywhere, the last "
          "published model "
          "stays in place. Prints the table's path.",
          {"config", "run_dir", "begin_date", "end_date", "resume", "accept_poor_model", "kernels"},
          {"run_dir", "begin_date", "end_date"},
          {""},
          RunDailyCommand};
}

}  // namespace tandem
