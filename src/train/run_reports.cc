#include "src/train/run_reports.h"

#include <algorithm>
#include <utility>

#include "src/train/run_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {

RunReports::RunReports(FileSystem& fs, Clock& clock, const proto::Experiment& experiment,
                       const Schema& schema, const RunOptions& options, double passes)
    : fs_(fs),
      clock_(clock),
      log_path_(RunMetricsPath(options.run_dir)),
      log_every_steps_(experiment.runtime().log_every_steps()),
      divergence_(schema),
      progress_(fs, experiment, options.days, passes, options.terminal, options.quiet),
      asked_(options.observer) {}

absl::Status RunReports::Open(const proto::RunState& state) {
  const int days_done = state.pass() > 0 ? state.day_size() : state.day_index();
  TANDEM_ASSIGN_OR_RETURN(log_, RunLog::Open(fs_, log_path_, state.step(), days_done));
  observers_ = {log_.get(), &progress_};
  if (asked_ != nullptr) observers_.push_back(asked_);
  return absl::OkStatus();
}

void RunReports::Begin(const proto::RunState& state) {
  told_at_ = clock_.Now();
  told_rows_ = state.rows_trained();
}

absl::Status RunReports::NoteStep(const std::string& date, const Batch& batch, const StepResult& result,
                                  const proto::RunState& state) {
  const std::optional<std::string> alarm = divergence_.Note(date, state.step(), batch, result);
  if (alarm.has_value()) progress_.Warn(*alarm);
  untold_ = UntoldStep{date, result.terms, batch.labelled(), state.step(), state.rows_trained()};
  return state.step() % log_every_steps_ == 0 ? TellStep() : absl::OkStatus();
}

absl::Status RunReports::TellStep() {
  if (!untold_.has_value()) return absl::OkStatus();
  const UntoldStep step = *std::exchange(untold_, std::nullopt);
  const double now = clock_.Now();
  const double rate = static_cast<double>(step.rows - told_rows_) / std::max(1e-9, now - told_at_);
  told_at_ = now;
  told_rows_ = step.rows;
  const StepReport report{step.step, step.date, step.rows, step.losses, step.labelled, rate};
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnStep(report));
  return absl::OkStatus();
}

absl::Status RunReports::TellDay(const DayReport& day) {
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnDay(day));
  return absl::OkStatus();
}

absl::Status RunReports::TellValidation(const ValidationReport& validation) {
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnValidation(validation));
  return absl::OkStatus();
}

absl::Status RunReports::TellCheckpoint(const CheckpointReport& checkpoint) {
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnCheckpoint(checkpoint));
  return absl::OkStatus();
}

}  // namespace tandem
