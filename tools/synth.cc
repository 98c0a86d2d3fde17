// tandem synth: writes a synthetic log of daily files, and prints as one JSON object what a perfect model
// would reach on it.
#include <gflags/gflags.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "src/data/synthetic_log.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"

DEFINE_int32(days, 31, "Daily files.");
DEFINE_int64(rows_per_day, 20000, "Rows of each.");
DEFINE_int64(holdout_rows, 0,
             "Rows of OUTPUT/holdout.tsv.gz, more draws from the last day; 0: no such file.");
DEFINE_int64(vocabulary, 20000, "Users alive on a day; other vocabularies grow with it.");

namespace tandem {
namespace {

absl::StatusOr<int> RunSynth(const Invocation& /*invocation*/) {
  TANDEM_RETURN_IF_ERROR(CheckOutputIsFolder());
  SyntheticOptions options;
  options.output = FLAGS_output;
  options.days = FLAGS_days;
  options.rows_per_day = FLAGS_rows_per_day;
  options.holdout_rows = FLAGS_holdout_rows;
  options.seed = FLAGS_seed;
  options.vocabulary = FLAGS_vocabulary;
  if (!FLAGS_begin_date.empty()) options.begin_date = FLAGS_begin_date;
  FileSystem& fs = FileSystem::Default();
  const absl::Status is_free = CheckLogDirectory(fs, options.output);
  if (!is_free.ok()) return absl::Status(is_free.code(), absl::StrCat("--output: ", is_free.message()));
  TANDEM_ASSIGN_OR_RETURN(const SyntheticReport report, WriteSyntheticLog(fs, options));
  std::puts(SyntheticReportToJson(report).c_str());
  return kExitDone;
}

}  // namespace

Command SynthCommand() {
  return {"synth",
          "writes a synthetic log of daily files whose truth is known",
          "  tandem synth --output=logs --days=31 --rows_per_day=20000 --seed=1\n\n"
          "Writes OUTPUT/{date}.tsv.gz a day and OUTPUT/TRUTH.json; prints, as JSON, what a perfect model "
          "would reach on it.\n"
          "docs/synthetic_log.md describes the truth; configs/synthetic.pbtxt reads it.",
          {"output", "days", "rows_per_day", "seed", "holdout_rows", "begin_date", "vocabulary"},
          {"output"},
          {},
          RunSynth};
}

}  // namespace tandem
