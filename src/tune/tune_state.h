// What the two halves of a tuning share: the configuration, the ledger, the clock, and the first error.
//
//   TuneState state(experiment, options, std::move(ledger));
//   TANDEM_RETURN_IF_ERROR(Search(&state).Run());
//   TANDEM_RETURN_IF_ERROR(Rematch(&state).Run());
#ifndef TANDEM_SRC_TUNE_TUNE_STATE_H_
#define TANDEM_SRC_TUNE_TUNE_STATE_H_

#include <functional>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/tune/budget.h"
#include "src/tune/ledger.h"
#include "src/tune/search_space.h"
#include "tandem/experiment.pb.h"
#include "tandem/tune.h"

namespace tandem {

class TuneState {
 public:
  // `experiment`: resolved and valid, with train.validation; it and `options` outlive this. `ledger` is
  // that of options.run_dir; the clock goes on where it stands.
  TuneState(const proto::Experiment& experiment, const TuneOptions& options, Ledger ledger);

  const proto::Experiment& experiment() const { return experiment_; }
  const TuneOptions& options() const { return options_; }
  const SearchSpace& space() const { return space_; }
  bool stopped() const { return options_.stop != nullptr && *options_.stop != 0; }
  // Seconds of the budget, of all calls.
  double Elapsed() const { return options_.clock->Now() - began_; }
  Budget budget() const { return {ledger_.budget(), jobs_}; }

  // The experiment with the settings, as a trial; a ConfigError where they don't go together.
  absl::StatusOr<proto::Experiment> ExperimentOf(const Settings& settings) const;
  // Calls `work` in as many threads as trainings run at a time, and waits.
  void RunThreads(const std::function<void()>& work) const;

  // ---- under the mutex, where threads run

  std::mutex& mutex() { return mutex_; }
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }
  // The first failure is kept; all threads end with it.
  void Fail(const absl::Status& status);
  const absl::Status& failure() const { return failure_; }
  // A line for people.
  void Tell(const std::string& line) const;

 private:
  const proto::Experiment& experiment_;
  const TuneOptions& options_;
  const SearchSpace space_;
  const int jobs_;
  const double began_;
  std::mutex mutex_;
  Ledger ledger_;
  absl::Status failure_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_TUNE_STATE_H_
