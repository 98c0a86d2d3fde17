// Trains the best of the search and trial 0 again for what is left of the budget, in rounds: each with
// another seed and another share of the rows held out, disjoint from those that chose (where days are held
// out, they stay). What its trainings leave is the loss of every held-out row.
#ifndef TANDEM_SRC_TUNE_REMATCH_H_
#define TANDEM_SRC_TUNE_REMATCH_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/tune/row_losses.h"
#include "src/tune/tune_state.h"

namespace tandem {

class Rematch {
 public:
  // Trial 0 is done. `state` outlives it.
  explicit Rematch(TuneState* state);
  // Errors of trial 0; another one that fails is out.
  absl::Status Run();
  // All that were ever trained again, by trial and round.
  absl::StatusOr<ConfirmedLosses> Losses() const;
  // Whether every round is measured on the same rows.
  bool same_rows() const { return parts_ == 1; }

 private:
  struct Match {
    int trial, round;
  };
  std::string Directory(const Match& match) const;
  int PartOf(const Match& match) const { return parts_ > 1 ? match.round : 0; }
  // Nullopt where nothing is left, or the next one would take too long.
  std::optional<Match> Next();
  absl::Status Train(const Match& match);
  void Drop(const Match& match, const absl::Status& status);

  TuneState& state_;
  const int parts_;             // disjoint shares of the rows
  std::vector<Match> matches_;  // that are left, in their order
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_REMATCH_H_
