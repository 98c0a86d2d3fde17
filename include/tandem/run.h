// A run: one experiment trained over one window of the log, in a directory of its own that survives anything.
//
//   RunOptions options;
//   options.run_dir = "run";
//   TANDEM_ASSIGN_OR_RETURN(options.days, FindWindow(fs, data.path(), "2000-12-01", 30, &missing));
//   TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, options));
//
// run_dir holds config.pbtxt (fully resolved), metrics.jsonl (an object a logged step, and one a day with
// progressive metrics), checkpoints/step-N/, quarantine/, and profile.json where one is asked for. Killed at
// any moment and resumed, a run ends with the bits of the uninterrupted one.
//
// Errors: ConfigError for an experiment or options at fault, a directory that is not empty without `resume`, a
// configuration that differs from the run's; DataError from the log; ModelError from a damaged checkpoint.
//
// One caller a run_dir: another process is refused (a ConfigError).
#ifndef TANDEM_RUN_H_
#define TANDEM_RUN_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/clock.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/metrics.h"
#include "tandem/row_store_factory.h"
#include "tandem/run_observer.h"
#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct RunOptions {
  std::string run_dir;
  std::vector<Day> days;  // in their order, each once
  bool resume = false;
  // Fine-tuning: the checkpoint to start from, or a run, whose newest it is; "": start anew.
  std::string init_from;
  TrainedParts parts = TrainedParts::kAll;
  bool reset_optimizer = false;
  bool allow_feature_change = false;
  // Of train.validation.share: which of the disjoint shares is held out, from 0. For cross-validation; the
  // run doesn't remember it, and is resumed with the same.
  int held_out_part = 0;
  // The end of a day is no reason for a checkpoint when the last one is younger: a log of many small days
  // would do little else. Changes no result.
  double seconds_between_checkpoints = 0;
  // A progress line that rewrites itself on stderr, rather than log lines.
  bool terminal = false;
  // No progress at all. What is said once of a run (its size, rows read and left out, warnings) is logged in
  // any case: by glog, whose flags and sinks are the program's.
  bool quiet = false;
  // Measures where the time goes, by stage: RunSummary::profile, and profile.json in run_dir. One run of a
  // process at a time. Changes no result.
  bool profile = false;
  // Set to a signal's number from outside: the run finishes its step, writes a checkpoint and returns.
  const std::atomic<int>* stop = nullptr;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // Makes what the embedding tables are kept in; null: this process's memory. Where a store fails the run
  // ends with its Status, the last checkpoint in place; resumed, a new store is filled from that.
  RowStoreFactory row_stores;
  // Hears of steps, days and checkpoints; null: nobody. Outlives the call.
  RunObserver* observer = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

struct RunSummary {
  bool already_complete = false;
  int stopped_by = 0;  // the signal, or 0
  int64_t steps = 0;
  int64_t rows_trained = 0;
  std::string checkpoint;  // the last one written
  // Of a run that is complete: why its model should not be served (docs/poor_models.md); "": nothing against
  // it.
  std::string verdict;
  std::string profile;  // with RunOptions::profile, unless already_complete: a table for people
};

// The experiment as a file gives it: defaults are filled in, and what ValidateExperiment refuses is refused.
absl::StatusOr<RunSummary> TrainRun(const proto::Experiment& experiment, const RunOptions& options);

}  // namespace tandem

#endif  // TANDEM_RUN_H_
