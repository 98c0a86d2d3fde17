// What a run tells while it trains, and to whom: its metrics.jsonl, people, and whoever asked to hear of it.
//
//   RunReports reports(fs, clock, experiment, schema, options, passes);
//   TANDEM_RETURN_IF_ERROR(reports.Open(state));
//   reports.Begin(state);
//   TANDEM_RETURN_IF_ERROR(reports.NoteStep(date, batch, result, state));   // told every log_every_steps
//   TANDEM_RETURN_IF_ERROR(reports.TellStep());                             // at the end of a pass in any case
//
// Errors are an observer's own, and those of writing metrics.jsonl. Not thread-safe.
#ifndef TANDEM_SRC_TRAIN_RUN_REPORTS_H_
#define TANDEM_SRC_TRAIN_RUN_REPORTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/train/divergence.h"
#include "src/train/run_log.h"
#include "src/train/run_progress.h"
#include "tandem/batch.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/run.h"
#include "tandem/run_observer.h"
#include "tandem/schema.h"
#include "tandem/state.pb.h"
#include "tandem/trainer.h"

namespace tandem {

class RunReports {
 public:
  // All outlive it. `passes` over the days in all.
  RunReports(FileSystem& fs, Clock& clock, const proto::Experiment& experiment, const Schema& schema,
             const RunOptions& options, double passes);

  // metrics.jsonl goes on from where the state stands.
  absl::Status Open(const proto::RunState& state);
  // Of a run that came to nothing: metrics.jsonl is let go of.
  void Close() { log_.reset(); }
  // From here on rows a second are counted.
  void Begin(const proto::RunState& state);

  // A step that the state knows of already. A tower that has diverged is told of at once.
  absl::Status NoteStep(const std::string& date, const Batch& batch, const StepResult& result,
                        const proto::RunState& state);
  // The last step, where it isn't told yet.
  absl::Status TellStep();
  absl::Status TellDay(const DayReport& day);
  absl::Status TellValidation(const ValidationReport& validation);
  absl::Status TellCheckpoint(const CheckpointReport& checkpoint);
  // metrics.jsonl is on disk.
  absl::Status Sync() { return log_->Sync(); }
  // The progress line stands.
  void Finish() { progress_.Finish(); }

 private:
  struct UntoldStep {
    std::string date;
    LossTerms losses;
    bool labelled;
    int64_t step, rows;
  };

  FileSystem& fs_;
  Clock& clock_;
  const std::string log_path_;
  const int log_every_steps_;
  DivergenceWatch divergence_;
  std::unique_ptr<RunLog> log_;
  RunProgress progress_;
  RunObserver* const asked_;
  std::vector<RunObserver*> observers_;
  std::optional<UntoldStep> untold_;
  double told_at_ = 0;
  int64_t told_rows_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_REPORTS_H_
