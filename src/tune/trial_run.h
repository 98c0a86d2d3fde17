// One training of a tuning: an ordinary run, and what is heard of it.
//
//   TrialWatch watch(experiment, std::nullopt, on_point, on_look);
//   TANDEM_RETURN_IF_ERROR(TrainTrial(experiment, 0, TrialDirectory(options, 7), options, &watch));
#ifndef TANDEM_SRC_TUNE_TRIAL_RUN_H_
#define TANDEM_SRC_TUNE_TRIAL_RUN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/config/methods.h"
#include "src/tune/ledger.h"
#include "tandem/experiment.pb.h"
#include "tandem/run.h"
#include "tandem/run_observer.h"
#include "tandem/tune.h"

namespace tandem {

// The experiment as a tuning trains it, `jobs` at a time: on one thread, in its part of the memory, the
// held-out rows not learned afterwards.
proto::Experiment AsTrial(proto::Experiment experiment, int jobs);

// Turns a run's reports into points. Whatever the functions return that isn't OK ends the run.
class TrialWatch : public RunObserver {
 public:
  using OnPoint = std::function<absl::Status(const TrialPoint& point)>;
  using OnLook = std::function<absl::Status()>;
  // `figure`: the least so far of a trial that goes on; `experiment` outlives it.
  TrialWatch(const proto::Experiment& experiment, std::optional<double> figure, OnPoint on_point,
             OnLook on_look);

  absl::Status OnStep(const StepReport& step) override;
  absl::Status OnValidation(const ValidationReport& report) override;

 private:
  const bool student_, phase_;
  const int patience_, most_passes_;
  std::optional<double> figure_;
  const OnPoint on_point_;
  const OnLook on_look_;
};

// Where a trial's run is, and that of a trial trained again.
std::string TrialDirectory(const TuneOptions& options, int trial);
std::string RematchDirectory(const TuneOptions& options, int trial, uint64_t seed);

// The seeds of the run and of its towers, where they have some.
void AddToSeeds(int number, proto::Experiment* experiment);

// Trains it in `directory`, or goes on there; `part` as RunOptions::held_out_part. Cancelled where a signal
// stopped it.
absl::Status TrainTrial(const proto::Experiment& experiment, int part, const std::string& directory,
                        const TuneOptions& options, RunObserver* observer);
// What isn't needed once a run has ended.
absl::Status RemoveCheckpoints(FileSystem& fs, const std::string& directory);

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_TRIAL_RUN_H_
