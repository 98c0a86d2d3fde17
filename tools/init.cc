// tandem init: looks at a log, says what it found, and writes a configuration for it.
#include "tandem/init.h"

#include <gflags/gflags.h>

#include <cstdio>
#include <filesystem>

#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_string(label, "", "Column of the label; not given: the likely one.");
DEFINE_string(positive, "", "Texts of the label that mean 1, comma-separated.");
DEFINE_string(date, "", "Column of times: the log is written as a file a day into --days_dir.");
DEFINE_string(days_dir, "",
              "Folder of the daily files of --date; not given: --output without its ending, and _days.");
DEFINE_string(group, "", "Column whose values group the rows for GAUC.");
DEFINE_string(drop, "", "Columns to leave out, comma-separated.");
DEFINE_string(keep, "", "Columns to use whatever is odd about them, comma-separated.");
DEFINE_int64(sample_rows, 300000, "Rows that are looked at.");
DEFINE_bool(force, false, "Write over what is there.");

namespace tandem {
namespace {

std::string DaysFolder() {
  if (FLAGS_date.empty() || !FLAGS_days_dir.empty()) return FLAGS_days_dir;
  return std::filesystem::path(FLAGS_output).replace_extension().string() + "_days";
}

absl::StatusOr<int> RunInit(const Invocation& invocation) {
  if (FLAGS_date.empty() && !FLAGS_days_dir.empty())
    return ConfigError("--days_dir is for the daily files of --date");
  if (FLAGS_sample_rows < 1) return ConfigError("--sample_rows=", FLAGS_sample_rows, ": must be at least 1");
  InitOptions options;
  options.input = SplitPaths(FLAGS_input);
  options.label = FLAGS_label;
  options.positive = SplitNames(FLAGS_positive);
  options.date = FLAGS_date;
  options.days_folder = DaysFolder();
  options.group = FLAGS_group;
  options.drop = SplitNames(FLAGS_drop);
  options.keep = SplitNames(FLAGS_keep);
  options.settings = invocation.overrides;
  options.output = FLAGS_output;
  options.replace = FLAGS_force;
  options.sample_rows = FLAGS_sample_rows;
  TANDEM_ASSIGN_OR_RETURN(const InitReport report, InitExperiment(FileSystem::Default(), options));
  std::fputs(InitReportText(report).c_str(), stdout);
  return kExitDone;
}

}  // namespace

Command InitCommand() {
  return {"init",
          "looks at a log and writes a configuration for it",
          "  tandem init --input=clicks.csv --label=clicked --output=experiment.pbtxt\n"
          "  tandem init --input='logs/*.tsv.gz' --label=click --group=user --output=experiment.pbtxt\n"
          "  tandem init --input=bank.csv --label=y --positive=yes --drop=duration --output=bank.pbtxt "
          "[data.delimited.delimiter=;]\n\n"
          "Finds format, label and what each column is, prints a table of it, and writes a commented "
          "configuration "
          "that trains as it is.\nColumns that predict the label nearly alone are left out, and named; "
          "--keep takes "
          "one all the same.\nFiles whose names differ by a day are read as daily ones. --date=COLUMN writes "
          "one log as "
          "a file a day.\nA backslash keeps a comma in a name.",
          {"input", "label", "positive", "date", "days_dir", "group", "drop", "keep", "sample_rows", "output",
           "force"},
          {"input", "output"},
          {"data."},
          RunInit};
}

}  // namespace tandem
