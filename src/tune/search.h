// The search: trials in threads, until its part of the budget is over, nothing new is left to draw, or a
// signal came. An error of trial 0 is its own; another trial that fails is a loser. A trial that the time
// cuts short stays pending in the ledger, and goes on when the tuning does.
#ifndef TANDEM_SRC_TUNE_SEARCH_H_
#define TANDEM_SRC_TUNE_SEARCH_H_

#include <optional>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/tune/halving.h"
#include "src/tune/ledger.h"
#include "src/tune/proposer.h"
#include "src/tune/tune_state.h"

namespace tandem {

class Search {
 public:
  // `state` outlives it.
  explicit Search(TuneState* state);
  absl::Status Run();

 private:
  // The next trial to train: one that waits, or a new one; nullopt where the search is over.
  absl::StatusOr<std::optional<int>> NextTrial();
  absl::StatusOr<std::optional<int>> DrawTrial();
  void RunTrial(int id);
  // Whether the trial goes on, asked every few steps, and at its validations. Its seconds count from `began`.
  absl::Status Look(int id, double began);
  absl::Status OnPoint(int id, double began, const TrialPoint& point);
  absl::Status End(int id, const absl::Status& status, double began);

  TuneState& state_;
  const Proposer proposer_;
  Halving halving_;
  std::set<int> running_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_SEARCH_H_
