// tandem compare: trains several methods and seeds on equal terms and prints the table.
#include "tandem/compare.h"

#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "src/util/printable.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_string(methods, "CO_TRAIN",
              "Methods, comma-separated; TEACHER_ALONE and STUDENT_ALONE are always there.");
DEFINE_string(seeds, "1,2,3", "Values of train.seed, comma-separated.");
DEFINE_string(variant, "",
              "NAME:CHANGE;CHANGE...: one more row, with changes to the first of the methods; a change is "
              "key=value or a configuration file. May be given several times.");
DEFINE_string(
    frontier, "",
    "Hidden layers of the student, comma-separated (8-4,16-8): rows for each, alone and distilled by "
    "the first of the methods.");
DEFINE_string(student_alone_config, "",
              "Configuration files over --config for STUDENT_ALONE: its own tuning, comma-separated.");
DEFINE_string(test, "", "Files to test on: paths and globs, comma-separated.");
DEFINE_int32(test_days, 0, "Test on the last days of the window, so many, and train on the others.");
DEFINE_int32(jobs, 1, "Runs at a time; from two on each has one thread.");

namespace tandem {
namespace {

absl::StatusOr<std::vector<uint64_t>> ParseSeeds() {
  std::vector<uint64_t> seeds;
  for (const std::string& text : SplitList(FLAGS_seeds)) {
    uint64_t seed;
    if (!absl::SimpleAtoi(text, &seed)) return ConfigError("--seeds: '", text, "' is not a whole number");
    if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end())
      return ConfigError("--seeds: ", text, " is there twice");
    seeds.push_back(seed);
  }
  if (seeds.empty()) return ConfigError("--seeds: none given");
  return seeds;
}

absl::StatusOr<int> RunCompare(const Invocation& invocation) {
  CompareOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.config_files, FilesGivenOnce("config", FLAGS_config));
  options.overrides = invocation.overrides;
  options.methods = SplitList(FLAGS_methods);
  TANDEM_RETURN_IF_ERROR(CheckNoneTwice("methods", options.methods));
  TANDEM_ASSIGN_OR_RETURN(options.seeds, ParseSeeds());
  for (const auto& [flag, value] : invocation.flags) {
    if (flag != "variant" || value.empty()) continue;
    TANDEM_ASSIGN_OR_RETURN(CompareOptions::Variant variant, ParseVariant(value));
    options.variants.push_back(std::move(variant));
  }
  options.frontier = SplitList(FLAGS_frontier);
  TANDEM_RETURN_IF_ERROR(CheckNoneTwice("frontier", options.frontier));
  TANDEM_ASSIGN_OR_RETURN(options.student_alone_config,
                          FilesGivenOnce("student_alone_config", FLAGS_student_alone_config));
  options.run_dir = FLAGS_run_dir;
  options.end_date = FLAGS_end_date;
  options.test = SplitPaths(FLAGS_test);
  options.test_days = FLAGS_test_days;
  options.jobs = FLAGS_jobs;
  options.resume = FLAGS_resume;
  options.terminal = FLAGS_jobs == 1 && isatty(STDERR_FILENO) != 0;
  options.progress = [](const std::string& line) { std::fprintf(stderr, "%s\n", Printable(line).c_str()); };
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  FLAGS_minloglevel = google::GLOG_WARNING;  // a line a cell is enough
  TANDEM_ASSIGN_OR_RETURN(const CompareSummary summary, RunComparison(options));
  if (summary.stopped_by != 0) {
    std::fprintf(stderr, "stopped; the runs in %s keep what they have, --resume goes on with them\n",
                 FLAGS_run_dir.c_str());
    return 128 + summary.stopped_by;
  }
  std::fputs(summary.markdown.c_str(), stdout);
  TANDEM_RETURN_IF_ERROR(summary.failure);
  return kExitDone;
}

}  // namespace

Command CompareCommand() {
  return {
      "compare",
      "trains several methods and seeds on equal terms and prints the table",
      "  tandem compare --config=configs/frappe.pbtxt "
      "--student_alone_config=configs/frappe_student_alone.pbtxt\n"
      "    --test=frappe-tsv/test.tsv.gz --run_dir=compared --seeds=1,2,3 --jobs=2\n"
      "    --variant='hint:configs/distill/hint.pbtxt' --variant='no_logit:model.distill.logit_weight=0'\n\n"
      "Every row (a method, a variant, a width of the frontier) is trained with every seed, by ordinary runs "
      "in RUN_DIR/runs/ROW/seed-S, and measured on the test rows. Prints the tables as Markdown and writes "
      "RUN_DIR/compare.json, compare.md and compare.html. --resume keeps what is done, and rows and seeds "
      "may be added then.",
      {"config", "methods", "seeds", "variant", "frontier", "student_alone_config", "run_dir", "end_date",
       "test", "test_days", "jobs", "resume", "kernels"},
      {"config", "run_dir"},
      {""},
      RunCompare,
      {"variant"}};
}

}  // namespace tandem
