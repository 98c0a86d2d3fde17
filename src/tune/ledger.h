// What a tuning has done so far, in RUN_DIR/trials.jsonl: an object a line, appended as it comes, so that a
// tuning that was killed knows all but the last moments.
//
//   TANDEM_ASSIGN_OR_RETURN(Ledger ledger, Ledger::Open(fs, "tuned/trials.jsonl", data, kernels));
//   TANDEM_ASSIGN_OR_RETURN(const int trial, ledger.Drawn(settings, /*parent=*/0, /*at=*/12.5));
//   for (const Trial& trial : ledger.trials()) ...
//
// `at` is the budget that was spent by then, in seconds, of all calls together. A line that a kill cut is
// forgotten. Not thread-safe. Errors: ConfigErrors where the file belongs to another tuning, ModelErrors
// where it can't be read back.
#ifndef TANDEM_SRC_TUNE_LEDGER_H_
#define TANDEM_SRC_TUNE_LEDGER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/tune/search_space.h"
#include "tandem/file_system.h"

namespace tandem {

// A validation of a trial, after a pass or a portion of the student phase.
struct TrialPoint {
  int number = 0;  // of the passes, or of the portions, from 1
  bool of_phase = false;
  bool best = false;                   // the weights of now are the ones to keep
  std::optional<double> logloss, auc;  // of the tower that is served
  double figure = 0;                   // the least log loss so far of the tower that decides
  std::optional<int> rung;             // where the figure is compared with other trials'
};

struct Trial {
  enum State {
    kPending,  // not at its end: running, or interrupted
    kDone,
    kStopped,  // a loser
    kFailed,
  };
  int id = 0;
  int parent = -1;
  Settings settings;
  State state = kPending;
  std::string why;  // of kStopped and kFailed
  int passes = 0, portions = 0;
  std::optional<double> logloss, auc;   // of what is kept of it so far
  std::optional<double> passes_figure;  // TrialPoint::figure of the passes
  double seconds = 0;                   // so far, interruptions left out
};

// A contender trained again, with a seed of its own.
struct Confirmation {
  int trial = 0;
  int round = 0;  // from 1; added to the seed
  double logloss = 0;
  std::optional<double> auc;
  double seconds = 0;
};

class Ledger {
 public:
  // `data`: what all trials read, as text; a ledger that is there must say the same.
  static absl::StatusOr<Ledger> Open(FileSystem& fs, const std::string& path, const std::string& data,
                                     const std::string& kernels);

  absl::Status Budget(double seconds, double at);
  // The id is the ledger's to give.
  absl::StatusOr<int> Drawn(const Settings& settings, int parent, double at);
  // `seconds`: the trial's own so far.
  absl::Status Validated(int trial, const TrialPoint& point, double seconds, double at);
  absl::Status Ended(int trial, Trial::State state, const std::string& why, double seconds, double at);
  absl::Status Confirmed(const Confirmation& confirmation, double at);

  const std::vector<Trial>& trials() const { return trials_; }
  const std::vector<Confirmation>& confirmations() const { return confirmations_; }
  // At the rungs, in their order.
  struct RungFigure {
    int trial, rung;
    double figure;
  };
  const std::vector<RungFigure>& rung_figures() const { return rung_figures_; }
  double spent() const { return spent_; }
  // The last one that was given; 0: none.
  double budget() const { return budget_; }

 private:
  Ledger() = default;
  absl::Status Append(const std::string& line, double at);
  void Read(const std::string& line);

  std::unique_ptr<WritableFile> file_;
  std::vector<Trial> trials_;
  std::vector<Confirmation> confirmations_;
  std::vector<RungFigure> rung_figures_;
  double spent_ = 0, budget_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_LEDGER_H_
