#include "src/tune/tune_state.h"

#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/tune/trial_run.h"
#include "src/util/progress.h"
#include "tandem/experiment.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {

TuneState::TuneState(const proto::Experiment& experiment, const TuneOptions& options, Ledger ledger)
    : experiment_(experiment),
      options_(options),
      space_(SearchSpace::Around(experiment)),
      jobs_(ThreadsOf(experiment.runtime().threads())),
      began_(options.clock->Now() - ledger.spent()),
      ledger_(std::move(ledger)) {}

absl::StatusOr<proto::Experiment> TuneState::ExperimentOf(const Settings& settings) const {
  proto::Experiment experiment = experiment_;
  TANDEM_RETURN_IF_ERROR(ApplySettings(settings, &experiment));
  ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return AsTrial(std::move(experiment), jobs_);
}

void TuneState::RunThreads(const std::function<void()>& work) const {
  std::vector<std::thread> threads;
  for (int job = 1; job < jobs_; ++job) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

void TuneState::Fail(const absl::Status& status) {
  if (failure_.ok()) failure_ = status;
}

void TuneState::Tell(const std::string& line) const {
  if (options_.progress == nullptr) return;
  options_.progress(
      absl::StrCat("[", FormatDuration(Elapsed()), " of ", FormatDuration(ledger_.budget()), "] ", line));
}

}  // namespace tandem
