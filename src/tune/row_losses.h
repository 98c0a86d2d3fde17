// The log loss of every held-out row by a model: what the difference of two models, and its error, are made
// of.
//
//   TANDEM_ASSIGN_OR_RETURN(const RowLosses base, MeasureRowLosses(fs, experiment, days, 1, "run", kernels));
//   const Gain gain = GainOf({base, base2}, {other, other2}, /*same_rows=*/false);       // a round each
//
// Thread-safe.
#ifndef TANDEM_SRC_TUNE_ROW_LOSSES_H_
#define TANDEM_SRC_TUNE_ROW_LOSSES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"

namespace tandem {

struct RowLosses {
  std::vector<float> losses, weights;  // in the order of the rows
  std::optional<double> auc;
};

// Of trials trained again, by trial and round.
using ConfirmedLosses = std::map<int, std::map<int, RowLosses>>;

// Of the rows that `experiment` holds out of `days` (of disjoint shares the `part`-th), by the served tower
// of the model (a run's newest checkpoint), which nobody publishes or replaces meanwhile. One thread. Errors
// as Predictor's and ScoreFiles's; a DataError where a row has no finite score.
absl::StatusOr<RowLosses> MeasureRowLosses(FileSystem& fs, const proto::Experiment& experiment,
                                           const std::vector<Day>& days, int part, const std::string& model,
                                           const Kernels* kernels);
absl::Status WriteRowLosses(FileSystem& fs, const RowLosses& losses, const std::string& path);
// Without the AUC.
absl::StatusOr<RowLosses> ReadRowLosses(FileSystem& fs, const std::string& path);

// The mean over rows, by their weights.
double MeanLoss(const RowLosses& losses);

// By how much one configuration is better than another: in every round both are trained with the same seed
// and measured on the same rows.
struct Gain {
  int rounds = 0;
  int64_t rows = 0;
  double base = 0, other = 0;  // mean log losses
  double gain = 0;             // base - other
  // One standard error. Where every round has rows of its own: that of the mean of the rows' paired
  // differences, or that of the mean of the rounds', whichever is larger. Where all rounds have the same:
  // those of the rows' differences, each averaged over the rounds, and of the rounds', added in squares.
  // With one round, the rows' alone.
  double error = 0;
};
// Entry i of both is of round i, of as many rows (CHECK).
Gain GainOf(const std::vector<RowLosses>& base, const std::vector<RowLosses>& other, bool same_rows);

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_ROW_LOSSES_H_
