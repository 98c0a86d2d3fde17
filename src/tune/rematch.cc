#include "src/tune/rematch.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/train/validation.h"
#include "src/tune/trial_run.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Lock = std::lock_guard<std::mutex>;

}  // namespace

Rematch::Rematch(TuneState* state)
    : state_(*state), parts_(Validation::Parts(state->experiment().train().validation())) {
  const std::vector<Confirmation>& done = state_.ledger().confirmations();
  const std::vector<int> contenders = Contenders(state_.ledger().trials(), state_.budget(), state_.Elapsed());
  for (int round = 1; round <= MostRounds(parts_); ++round) {
    for (const int trial : contenders) {
      const bool is_done = std::any_of(done.begin(), done.end(), [&](const Confirmation& confirmation) {
        return confirmation.trial == trial && confirmation.round == round;
      });
      if (!is_done) matches_.push_back({trial, round});
    }
  }
}

std::string Rematch::Directory(const Match& match) const {
  return RematchDirectory(state_.options(), match.trial, state_.experiment().train().seed() + match.round);
}

absl::Status Rematch::Run() {
  state_.RunThreads([&] {
    while (const std::optional<Match> match = Next()) {
      const absl::Status status = Train(*match);
      if (!status.ok() && !absl::IsCancelled(status)) Drop(*match, status);
    }
  });
  return state_.failure();
}

std::optional<Rematch::Match> Rematch::Next() {
  const Lock lock(state_.mutex());
  if (!state_.failure().ok() || state_.stopped() || matches_.empty()) return std::nullopt;
  const Match match = matches_.front();
  if (state_.Elapsed() + state_.ledger().trials()[match.trial].seconds > state_.budget().seconds) {
    // Those that follow would wait for it in vain.
    matches_.clear();
    return std::nullopt;
  }
  matches_.erase(matches_.begin());
  return match;
}

absl::Status Rematch::Train(const Match& match) {
  const TuneOptions& options = state_.options();
  FileSystem& fs = *options.file_system;
  const double began = state_.Elapsed();
  Settings settings;
  {
    const Lock lock(state_.mutex());
    settings = state_.ledger().trials()[match.trial].settings;
  }
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, state_.ExperimentOf(settings));
  AddToSeeds(match.round, &experiment);
  TrialWatch watch(
      experiment, std::nullopt, [](const TrialPoint& /*point*/) { return absl::OkStatus(); },
      [&] {
        const Lock lock(state_.mutex());
        const bool over = !state_.failure().ok() || state_.Elapsed() >= state_.budget().seconds;
        return over ? absl::CancelledError("the time is up") : absl::OkStatus();
      });
  const std::string directory = Directory(match);
  TANDEM_RETURN_IF_ERROR(TrainTrial(experiment, PartOf(match), directory, options, &watch));
  TANDEM_ASSIGN_OR_RETURN(
      const RowLosses losses,
      MeasureRowLosses(fs, experiment, options.days, PartOf(match), directory, options.kernels));
  TANDEM_RETURN_IF_ERROR(WriteRowLosses(fs, losses, directory + "/losses.bin"));
  const Lock lock(state_.mutex());
  const double elapsed = state_.Elapsed();
  const Confirmation confirmation{match.trial, match.round, MeanLoss(losses), losses.auc, elapsed - began};
  TANDEM_RETURN_IF_ERROR(state_.ledger().Confirmed(confirmation, elapsed));
  state_.Tell(absl::StrFormat("trial %d again, seed %d: %.5f", match.trial, experiment.train().seed(),
                              confirmation.logloss));
  return RemoveCheckpoints(fs, directory);
}

// Without trial 0 there is nothing to compare with; another one isn't the best if a seed makes it fail.
void Rematch::Drop(const Match& match, const absl::Status& status) {
  const Lock lock(state_.mutex());
  if (match.trial == 0) return state_.Fail(status);
  const std::string why = absl::StrCat("trained again: ", status.message());
  state_.Tell(absl::StrCat("trial ", match.trial, ", ", why));
  const double seconds = state_.ledger().trials()[match.trial].seconds;
  const absl::Status written =
      state_.ledger().Ended(match.trial, Trial::kFailed, why, seconds, state_.Elapsed());
  if (!written.ok()) state_.Fail(written);
  matches_.erase(std::remove_if(matches_.begin(), matches_.end(),
                                [&](const Match& other) { return other.trial == match.trial; }),
                 matches_.end());
}

absl::StatusOr<ConfirmedLosses> Rematch::Losses() const {
  ConfirmedLosses losses;
  for (const Confirmation& confirmation : state_.ledger().confirmations()) {
    const Match match{confirmation.trial, confirmation.round};
    TANDEM_ASSIGN_OR_RETURN(losses[match.trial][match.round],
                            ReadRowLosses(*state_.options().file_system, Directory(match) + "/losses.bin"));
  }
  return losses;
}

}  // namespace tandem
