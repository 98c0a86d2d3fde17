// What an online run says: metrics.jsonl for programs, log lines for people.
//
//   TANDEM_ASSIGN_OR_RETURN(auto report, OnlineReport::Open(fs, clock, observer, experiment, run_dir, ...));
//   TANDEM_RETURN_IF_ERROR(report->Step(learner, &losses, queue.size()));
//   TANDEM_RETURN_IF_ERROR(report->RolledBack(good_step, why));
//   LogRows(run, stream, waiting);                           // at the end
//
// What is reported is read from the run's states. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_ONLINE_REPORT_H_
#define TANDEM_SRC_ONLINE_ONLINE_REPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/online/label_queue.h"
#include "src/online/learner.h"
#include "src/train/run_log.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/loss.h"
#include "tandem/run_observer.h"

namespace tandem {

namespace proto {
class Experiment;
class OnlineState;
class RunState;
}  // namespace proto

class OnlineReport {
 public:
  // Goes on after the step of `run`. `observer` (may be null) hears of steps with losses. All but the path
  // outlive it.
  static absl::StatusOr<std::unique_ptr<OnlineReport>> Open(
      FileSystem& fs, Clock& clock, RunObserver* observer, const proto::Experiment& experiment,
      const std::string& run_dir, const proto::RunState& run, const proto::OnlineState& stream);

  // {"step":..,"rows":..,"offset":..,"loss":..,"window":{..},...}; `losses` of the last micro-batch, null
  // where there was none since.
  absl::Status Step(const Learner& learner, const LossTerms* losses, int64_t waiting);
  // Whether the run's step has such a line.
  bool HasStep() const { return logged_step_ == RunStep(); }
  // {"step":..,"event":..,...}: a new base, after which rows are counted anew; a level that is accepted; a
  // roll-back to an earlier step.
  absl::Status NewBase(const std::string& checkpoint);
  absl::Status Accepted(double logloss, const std::string& why);
  absl::Status RolledBack(int64_t to_step, const std::string& why);
  // Every few seconds a line for people: how far it is. `waiting` as LogRows has it. Cheap to ask.
  void Where(int64_t waiting);
  // Says which times of the queue's rows, from `input`, turned out wrong: the first ones.
  void WrongTimes(const std::string& input, const LabelQueue& queue);

  // On return the lines are on the device.
  absl::Status Sync() { return log_->Sync(); }

 private:
  OnlineReport(Clock& clock, RunObserver* observer, const proto::Experiment& experiment,
               const proto::RunState& run, const proto::OnlineState& stream);
  int64_t RunStep() const;

  Clock& clock_;
  RunObserver* const observer_;
  const proto::Experiment& experiment_;
  const proto::RunState& run_;
  const proto::OnlineState& stream_;
  std::unique_ptr<RunLog> log_;
  double reported_at_;
  int64_t reported_rows_;
  int64_t logged_step_ = -1;
  int64_t wrong_times_ = 0;
  double where_at_;
};

// Where the stream's rows went, and what to look after. `waiting`: those that aren't trained on yet.
void LogRows(const proto::RunState& run, const proto::OnlineState& stream, int64_t waiting);

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_ONLINE_REPORT_H_
