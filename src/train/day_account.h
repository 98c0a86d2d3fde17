// What the rows of a run's days came to: their counts and metrics, and at last the verdict on the model.
//
//   DayAccount account(experiment, run_dir, std::move(progress), &state);
//   account.Add(event, result);                                       // after every step
//   const DayReport report = account.EndFirstPass(event, day);
//   TANDEM_RETURN_IF_ERROR(account.EndLaterPass(event, day));         // or this, in a later pass
//   account.Close();                                                  // the run is over
//
// A row's score is that of before it was learned. Counts and verdict stand in the run's state, the scores of
// the day in progress in `progress()`: a run that is killed goes on from its last checkpoint. Not
// thread-safe.
#ifndef TANDEM_SRC_TRAIN_DAY_ACCOUNT_H_
#define TANDEM_SRC_TRAIN_DAY_ACCOUNT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/config/methods.h"
#include "src/train/checkpoint_state.h"
#include "tandem/batch_source.h"
#include "tandem/day_files.h"
#include "tandem/run_observer.h"
#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
class RunState;
}  // namespace proto

class DayAccount {
 public:
  // Experiment and state outlive it; the state, and the day that was interrupted, are those that the run goes
  // on from.
  DayAccount(const proto::Experiment& experiment, std::string run_dir, DayProgress day,
             proto::RunState* state);

  // A step on the batch of `event`.
  void Add(const LogEvent& event, const StepResult& result);
  // The end of a day in the first pass. Its strings are those of `day`.
  DayReport EndFirstPass(const LogEvent& event, const Day& day);
  // In a later pass: a DataError where the log has changed meanwhile.
  absl::Status EndLaterPass(const LogEvent& event, const Day& day);
  // After the first pass: a DataError where there was nothing to learn from.
  absl::Status CheckRows() const;
  // The last word: a student phase may end in the middle of a day. Warns of a log with next to nothing in it.
  void Close();
  // Warns of a model that should not be served, and why; the state has a verdict.
  void SayVerdict() const;

  // Where the rows went, in a line.
  std::string Line() const;
  const DayProgress& progress() const { return day_; }

 private:
  bool KeepsScores(const LogEvent& event) const;
  void Judge();
  void CountLabels();
  // Whether rows without a label are trained on.
  bool DistillsUnlabelled() const;

  const proto::Experiment& experiment_;
  const std::string run_dir_;
  const MethodPlan plan_;
  const bool validated_;  // the verdict is on held-out rows, and made there
  proto::RunState& state_;
  DayProgress day_;
  int64_t clicks_ = 0, others_ = 0;  // rows of the days that this process has read to their end
  const bool counts_all_days_;       // it began with the first
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_DAY_ACCOUNT_H_
