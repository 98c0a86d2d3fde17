// Searches settings that are better than a configuration's own on rows that are held out, within a budget
// of time, and says by how much, or that it found none.
//
//   TuneOptions options;
//   options.run_dir = "tuned";
//   options.budget = 600;
//   TANDEM_ASSIGN_OR_RETURN(options.days, DaysToTrain(fs, experiment, end_date));
//   TANDEM_ASSIGN_OR_RETURN(const TuneSummary summary, RunTuning(experiment, options));
//   std::cout << summary.text;
//
// Trial 0 is the configuration as it is. The others change some of its settings, at random
// first, later mostly by steps away from the best so far: random search
// (Bergstra and Bengio 2012) with local search after it. A trial that is in the worse half after 2, 4, 8,
// ... passes, or before its student phase, is stopped: asynchronous successive halving (Jamieson and
// Talwalkar 2016; Li et al. 2018, 2020). So is one that takes four times as long as
// trial 0 took, and a sixth of the budget; one that fails is a loser like others. What ranks is the
// validation log loss of the tower that is served: the student, or the teacher of a method without one.
//
// The winner of many trials looks better than it is. So in the last third of the budget the best few and
// trial 0 are trained again, in rounds: each with another seed and another share of the rows held out,
// disjoint from the rows that chose (train.validation.share; where days are held out, they stay). The
// configuration is kept as it is unless another one's mean is ahead by more than one standard error of the
// difference, row by row.
//
// Trials run side by side, one thread each, as many as runtime.threads says. A draw depends on the trials
// that were drawn and done before it, so which settings are tried depends, beyond the first ones, on the
// machine's speed; what a trial gives doesn't.
//
// run_dir holds given.pbtxt (the configuration as it was given), trials.jsonl (all that happened), trials/N
// and confirmed/N-seed-S (their runs; checkpoints go when a run ends), and best.pbtxt unless `output` names
// another file. Killed or stopped, a tuning goes on with `resume`: with what is left of the budget, and each
// run from its last checkpoint.
//
// Errors: ConfigErrors for a directory that isn't empty without `resume`, another configuration or data than
// the directory's, an output that somebody edited, a budget in which not even the configuration as it is was
// trained; else as TrainRun's of trial 0.
#ifndef TANDEM_TUNE_H_
#define TANDEM_TUNE_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/clock.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct TuneOptions {
  std::string run_dir;
  // Seconds, of all calls together; 0: what the tuning that is resumed was given last.
  double budget = 0;
  std::vector<Day> days;
  // The best configuration; "": run_dir/best.pbtxt. One that is there is replaced where a tuning wrote it and
  // nobody edited it, else only with `replace`.
  std::string output;
  bool replace = false;
  bool resume = false;
  // What the configuration is called in texts ("shop.pbtxt").
  std::string name = "the configuration";
  // Gets a line when a trial ends; from the threads that train, one at a time. May be null.
  std::function<void(const std::string& line)> progress;
  // Set to a signal's number from outside: runs write a checkpoint, and the call returns with the best so
  // far.
  const std::atomic<int>* stop = nullptr;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

struct TuneSummary {
  int stopped_by = 0;  // the signal, or 0
  std::string text;    // the table, and what came of it in a sentence
  std::string output;  // the file that was written; "": none yet
  // Whether it is another configuration than the one given, and its lead in log loss with its standard error.
  bool better = false;
  double gain = 0, error = 0;
  int trials = 0;
};

// `experiment` as its files have it: defaults needn't be written out.
absl::StatusOr<TuneSummary> RunTuning(const proto::Experiment& experiment, const TuneOptions& options);

}  // namespace tandem

#endif  // TANDEM_TUNE_H_
