// What a run begins with: its configuration, put together from files, overrides and what is there already,
// and its days.
//
//   TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ExperimentToTrain(fs, files, {"train.seed=2"}));
//   RunOptions options;
//   options.run_dir = "run";
//   TANDEM_ASSIGN_OR_RETURN(options.days, DaysToTrain(fs, experiment, "2000-12-01"));
//   TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, options));
//
// Every configuration comes back resolved and valid. Errors: ConfigErrors that name file, key or option;
// ModelErrors of a model to begin from; DataErrors where the log isn't there.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SETUP_H_
#define TANDEM_SETUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/trainer.h"
#include "tandem/tune.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// ---- training

// Files in order, each over those before, then key=value; what has no effect on a training is refused there.
absl::StatusOr<proto::Experiment> ExperimentToTrain(FileSystem& fs, const std::vector<std::string>& files,
                                                    const std::vector<std::string>& overrides);
// The window (train.window_days) that ends on `end_date`; the whole of a log without days, for which it must
// be empty. Days without a file are warned of.
absl::StatusOr<std::vector<Day>> DaysToTrain(FileSystem& fs, const proto::Experiment& experiment,
                                             const std::string& end_date);

// ---- tuning

struct TuneSetup {
  // Of the configuration, as for training. A tuning that is resumed needs no file: it has its own.
  std::vector<std::string> files, overrides;
  std::string end_date;
};

// The configuration as its files have it, for RunTuning; refused where ExperimentToTrain refuses it. Fills
// `days` and `name` of the options, in which run_dir, output and the like are set: an output that is one of
// the files, or of the log's, is refused unless it is to be replaced.
absl::StatusOr<proto::Experiment> ExperimentToTune(const TuneSetup& setup, TuneOptions* options);

// ---- fine-tuning

struct FineTuneSetup {
  std::string init_from;   // a run or a checkpoint, as it was named...
  std::string checkpoint;  // ...and what ResolveModel made of it
  std::vector<std::string> files, overrides;
  std::string input;  // for data.path; "": what the others say
  TrainedParts parts = TrainedParts::kAll;
};

// The model's own configuration; where the log lies and how the machine is used is the run's; then files and
// key=value over it. A key=value that has no effect on a fine-tuning is refused; so are a bundle, which holds
// no state to go on from, and a model without the parts.
absl::StatusOr<proto::Experiment> ExperimentToFineTune(FileSystem& fs, const FineTuneSetup& setup);
// The days begin_date..end_date; the whole of a log without days, for which both must be empty. Days without
// a file are warned of.
absl::StatusOr<std::vector<Day>> DaysToFineTune(FileSystem& fs, const proto::Experiment& experiment,
                                                const std::string& begin_date, const std::string& end_date);

// ---- the daily routine

// As for training; of a run that is resumed the gate stays, but for what the files and key=value say of it.
absl::StatusOr<proto::Experiment> ExperimentForDaily(FileSystem& fs, const std::vector<std::string>& files,
                                                     const std::vector<std::string>& overrides,
                                                     const std::string& run_dir, bool resume);

// ---- online learning

struct OnlineSetup {
  std::string init_from;  // as FindBase takes it
  std::string run_dir, input;
  bool resume = false;
  std::vector<std::string> files, overrides;
};

// The base's configuration, files and key=value over it, made one for online learning (OnlineExperiment); of
// a run that is resumed without files and key=value its own. What has no effect online is refused.
absl::StatusOr<proto::Experiment> ExperimentForOnline(FileSystem& fs, const OnlineSetup& setup);

}  // namespace tandem

#endif  // TANDEM_SETUP_H_
