// Trains several methods and seeds on equal terms, measures them on the same test rows, and reports.
//
//   CompareOptions options;
//   options.config_files = {"configs/frappe.pbtxt"};
//   options.methods = {"CO_TRAIN", "ROCKET_LAUNCHING"};
//   options.seeds = {1, 2, 3};
//   options.test = {"frappe-tsv/test.tsv.gz"};
//   options.run_dir = "compared";
//   TANDEM_ASSIGN_OR_RETURN(const CompareSummary summary, RunComparison(options));
//   std::cout << summary.markdown;
//
// Every row (a method, a variant, a width of the frontier) is trained with every seed, by ordinary runs in
// run_dir/runs/ROW/seed-S (tandem/run.h). TEACHER_ALONE and STUDENT_ALONE are always there: the 100 % and the
// 0 % of every gap. run_dir holds, besides, manifest.txt: kernels and files; cells/: what was measured; and
// compare.json, compare.md, compare.html. docs/compare.md tells how to read them.
//
// A comparison that was stopped or killed goes on with `resume`, and rows and seeds may be added then.
//
// One caller a run_dir: another process is refused (a ConfigError). Calls with other directories don't know
// of each other.
#ifndef TANDEM_COMPARE_H_
#define TANDEM_COMPARE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/run_observer.h"

namespace tandem {

struct CompareOptions {
  // One more row, with changes to the first of the methods.
  struct Variant {
    std::string name;                  // letters, digits, _ - . +: it names a folder
    std::vector<std::string> changes;  // key=value, or a configuration file
  };

  // What all rows have in common: configuration files, and key=value over them.
  std::vector<std::string> config_files, overrides;
  std::vector<std::string> methods = {"CO_TRAIN"};
  std::vector<uint64_t> seeds = {1, 2, 3};
  std::vector<Variant> variants;
  // Hidden layers of the student ("16-8"): rows for each, alone and distilled by the first of the methods.
  std::vector<std::string> frontier;
  // Configuration files over the others for STUDENT_ALONE: its own tuning.
  std::vector<std::string> student_alone_config;

  std::string run_dir;
  // Last day of the window (YYYY-MM-DD), where data.path has days.
  std::string end_date;
  // Either files to test on, as paths and globs; or so many last days of the window, to train on the others.
  std::vector<std::string> test;
  int test_days = 0;
  // Runs at a time; from two on each has one thread.
  int jobs = 1;
  bool resume = false;

  // A progress line of the run at hand that rewrites itself on stderr.
  bool terminal = false;
  // Gets a line when a cell is done or has failed; from the threads that train, one at a time. May be null.
  std::function<void(const std::string& line)> progress;
  // Set to a signal's number from outside: the runs at hand write a checkpoint, and the call returns.
  const std::atomic<int>* stop = nullptr;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // Hears of the trainings; with several jobs of all of them mixed, one call at a time. Null: nobody.
  // Outlives the call.
  RunObserver* observer = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

// A variant as one text: NAME:CHANGE;CHANGE... A ConfigError where it has no name.
absl::StatusOr<CompareOptions::Variant> ParseVariant(absl::string_view text);

struct CompareSummary {
  int stopped_by = 0;    // the signal, or 0; then nothing else is set
  std::string markdown;  // the tables, as in compare.md
  // Of the first row that is left out of the tables because a cell of it failed; what else there is was
  // written.
  absl::Status failure;
};

// ConfigErrors for rows that can't be compared, a directory that holds another comparison; else as TrainRun's
// and ScoreFiles's. A row that others are measured by is an error where it fails.
absl::StatusOr<CompareSummary> RunComparison(const CompareOptions& options);

}  // namespace tandem

#endif  // TANDEM_COMPARE_H_
