// What a program hears of a run while it trains.
//
//   class Losses : public RunObserver {
//    public:
//     absl::Status OnStep(const StepReport& step) override {
//       std::printf("%d %f\n", static_cast<int>(step.step), step.losses.total);
//       return absl::OkStatus();
//     }
//   };
//   Losses losses;
//   options.observer = &losses;                              // RunOptions: tandem/run.h
//
// Called from the thread that called TrainRun, in the order of the run; what it takes, the run waits. An
// error ends the run with it: the last checkpoint stays, and the run can be resumed. (A run that is to end in
// good order is stopped by RunOptions::stop.)
#ifndef TANDEM_RUN_OBSERVER_H_
#define TANDEM_RUN_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "tandem/committee.h"
#include "tandem/loss.h"
#include "tandem/metrics.h"

namespace tandem {

// Reports are valid during the call.
struct StepReport {
  int64_t step;
  const std::string& day;   // YYYY-MM-DD, "" for a log without days
  int64_t rows;             // trained on so far
  const LossTerms& losses;  // of the step's batch, before its update
  bool labelled;            // the batch has labels; else the label terms mean nothing
  double rows_per_second;   // since the last report
};

// Of the first pass over a day.
struct DayReport {
  int64_t step;
  const std::string& day;
  int64_t rows, unlabelled, malformed;  // good rows, those of them without a label, and bad ones
  // Each row scored before it was trained on. Not set without that tower, or where it had no part yet.
  std::optional<Metrics> teacher, student;
};

// The held-out rows of train.validation, scored after a pass, or a portion of the student phase.
struct ValidationReport {
  int64_t step;
  int number;  // of the passes, or of the phase's portions, from 1
  bool of_phase;
  int64_t rows;
  // Not set without that tower, or where it doesn't learn now.
  std::optional<Metrics> teacher, student;
  bool best;           // so far, for the tower that decides
  int without_better;  // passes (portions) since the best
  // Of the committee, where it is learned (model.committee.weights).
  std::optional<CommitteeMean> mean = std::nullopt;
};

struct CheckpointReport {
  int64_t step;
  const std::string& path;  // run_dir/checkpoints/step-N
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // After every runtime.log_every_steps-th step.
  virtual absl::Status OnStep(const StepReport& /*step*/) { return absl::OkStatus(); }
  virtual absl::Status OnDay(const DayReport& /*day*/) { return absl::OkStatus(); }
  virtual absl::Status OnValidation(const ValidationReport& /*validation*/) { return absl::OkStatus(); }
  // A checkpoint is written, and durable.
  virtual absl::Status OnCheckpoint(const CheckpointReport& /*checkpoint*/) { return absl::OkStatus(); }
};

}  // namespace tandem

#endif  // TANDEM_RUN_OBSERVER_H_
