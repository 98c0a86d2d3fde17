#include "src/tune/search.h"

#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/tune/trial_run.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Lock = std::lock_guard<std::mutex>;

absl::Status Loser(const std::string& why) { return absl::AbortedError(why); }

}  // namespace

Search::Search(TuneState* state)
    : state_(*state),
      proposer_(&state->space(), state->experiment().train().seed(),
                [state](const Settings& settings) { return state->ExperimentOf(settings).ok(); }) {
  for (const Ledger::RungFigure& figure : state_.ledger().rung_figures())
    halving_.GoesOn(figure.trial, figure.rung, figure.figure);
}

absl::Status Search::Run() {
  state_.RunThreads([&] {
    for (;;) {
      const absl::StatusOr<std::optional<int>> trial = NextTrial();
      if (!trial.ok()) {
        const Lock lock(state_.mutex());
        state_.Fail(trial.status());
      }
      if (!trial.ok() || !trial->has_value()) return;
      RunTrial(**trial);
    }
  });
  return state_.failure();
}

absl::StatusOr<std::optional<int>> Search::NextTrial() {
  const Lock lock(state_.mutex());
  const std::vector<Trial>& trials = state_.ledger().trials();
  if (!state_.failure().ok() || state_.stopped()) return std::optional<int>();
  const double elapsed = state_.Elapsed();
  const bool over = elapsed >= SearchEnd(trials, state_.budget());
  for (const Trial& trial : trials) {
    if (trial.state != Trial::kPending || running_.count(trial.id) > 0) continue;
    // Without trial 0 there is nothing to compare with.
    if (over && (trial.id != 0 || elapsed >= state_.budget().seconds)) continue;
    running_.insert(trial.id);
    return std::optional<int>(trial.id);
  }
  if (over) return std::optional<int>();
  return DrawTrial();
}

absl::StatusOr<std::optional<int>> Search::DrawTrial() {
  Ledger& ledger = state_.ledger();
  std::vector<Settings> before;
  std::vector<FinishedTrial> finished;
  for (const Trial& trial : ledger.trials()) {
    before.push_back(trial.settings);
    if (trial.state == Trial::kDone) finished.push_back({trial.id, trial.settings, *trial.logloss});
  }
  std::optional<Proposal> drawn = Proposal();
  if (!before.empty()) drawn = proposer_.Draw(static_cast<int>(before.size()), before, std::move(finished));
  if (!drawn.has_value()) return std::optional<int>();
  TANDEM_ASSIGN_OR_RETURN(const int id, ledger.Drawn(drawn->settings, drawn->parent, state_.Elapsed()));
  running_.insert(id);
  return std::optional<int>(id);
}

void Search::RunTrial(int id) {
  const TuneOptions& options = state_.options();
  const std::string directory = TrialDirectory(options, id);
  Trial before;
  {
    const Lock lock(state_.mutex());
    before = state_.ledger().trials()[id];
  }
  const double began = state_.Elapsed() - before.seconds;
  const absl::StatusOr<proto::Experiment> experiment = state_.ExperimentOf(before.settings);
  absl::Status status = experiment.status();
  if (status.ok()) {
    TrialWatch watch(
        *experiment, before.portions == 0 ? before.passes_figure : std::nullopt,
        [&](const TrialPoint& point) { return OnPoint(id, began, point); }, [&] { return Look(id, began); });
    status = TrainTrial(*experiment, 0, directory, options, &watch);
  }
  const Lock lock(state_.mutex());
  running_.erase(id);
  if (absl::IsCancelled(status)) return;
  absl::Status ended = End(id, status, began);
  if (ended.ok()) ended = RemoveCheckpoints(*options.file_system, directory);
  if (!ended.ok()) state_.Fail(ended);
}

absl::Status Search::Look(int id, double began) {
  const Lock lock(state_.mutex());
  if (!state_.failure().ok()) return absl::CancelledError("another trial failed");
  const std::vector<Trial>& trials = state_.ledger().trials();
  const double elapsed = state_.Elapsed();
  const double end = id == 0 ? state_.budget().seconds : SearchEnd(trials, state_.budget());
  if (elapsed >= end) return absl::CancelledError("the time is up");
  if (id != 0 && IsTooSlow(trials, state_.budget(), elapsed - began))
    return Loser("much slower than trial 0");
  return absl::OkStatus();
}

absl::Status Search::OnPoint(int id, double began, const TrialPoint& point) {
  const Lock lock(state_.mutex());
  const double elapsed = state_.Elapsed();
  const absl::Status written = state_.ledger().Validated(id, point, elapsed - began, elapsed);
  if (!written.ok()) state_.Fail(written);
  if (!written.ok() || !point.rung.has_value()) return written;
  if (halving_.GoesOn(id, *point.rung, point.figure) || id == 0) return absl::OkStatus();
  return Loser(*point.rung == Halving::kEndOfPasses
                   ? "in the worse half at the end of the passes"
                   : absl::StrCat("in the worse half after ", *point.rung, " passes"));
}

absl::Status Search::End(int id, const absl::Status& status, double began) {
  const Trial& trial = state_.ledger().trials()[id];
  Trial::State how = Trial::kDone;
  std::string why;
  if (absl::IsAborted(status)) {
    how = Trial::kStopped;
    why = std::string(status.message());
  } else if (!status.ok() || !trial.logloss.has_value()) {
    if (id == 0) return status.ok() ? ModelError("the configuration as it is has no log loss") : status;
    how = Trial::kFailed;
    why = status.ok() ? "its log loss is undefined" : std::string(status.message());
  }
  const double elapsed = state_.Elapsed();
  TANDEM_RETURN_IF_ERROR(state_.ledger().Ended(id, how, why, elapsed - began, elapsed));
  const std::string loss = trial.logloss.has_value() ? absl::StrFormat("%.5f", *trial.logloss) : "-";
  state_.Tell(absl::StrCat("trial ", id, ": ", loss, why.empty() ? "" : ", ", why, ": ",
                           SettingsText(trial.settings)));
  return absl::OkStatus();
}

}  // namespace tandem
