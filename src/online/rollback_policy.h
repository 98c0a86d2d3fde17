// Which checkpoint of an online student is good, and when the student goes back to it.
//
//   RollbackPolicy policy(experiment.online(), &state);
//   policy.Begin(step);                                      // a base's student counts as good
//   ... after a micro-batch ...
//   RollbackPolicy::Judgement judged = policy.Judge(window, rows_trained);
//   if (judged.verdict == DriftGuard::Verdict::kRollBack) {  // to policy.good_step(); then
//     policy.RolledBack();
//   }
//   policy.Nominate(step, rows_trained);                     // the checkpoint that is about to be written
//
// A checkpoint that was nominated is a candidate until a whole window of rows has been scored after it
// without a roll-back: then it is the good one. One is a candidate at a time. With online.guard_limit 0 there
// is no policy: all is well, nothing is kept.
//
// In the run's state it keeps good_step, candidate_step, candidate_rows and rollbacks, and with Save what the
// guard knows. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_ROLLBACK_POLICY_H_
#define TANDEM_SRC_ONLINE_ROLLBACK_POLICY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/online/drift_guard.h"
#include "src/online/score_window.h"

namespace tandem {

namespace proto {
class Online;
class OnlineState;
}  // namespace proto

class RollbackPolicy {
 public:
  struct Judgement {
    DriftGuard::Verdict verdict = DriftGuard::Verdict::kGood;
    std::string why;  // not kGood: for the log
    double logloss = 0;
  };

  // `state` outlives it.
  RollbackPolicy(const proto::Online& config, proto::OnlineState* state);

  bool on() const { return on_; }
  int64_t good_step() const;

  // A student of which nothing is known begins at `step`.
  void Begin(int64_t step);
  // The state is a checkpoint's.
  void Resume();

  // Of the last rows, once the window is full; kGood before.
  Judgement Judge(const ScoreWindow& window, int64_t rows_trained);
  void RolledBack();
  void Nominate(int64_t step, int64_t rows_trained);

  // Steps of the checkpoints that it may come back to.
  std::vector<int64_t> KeptSteps() const;
  // The step of the checkpoint that is to be served when the newest is that of `step`: while the student is
  // rolled back time and again, the good one, for what has been learned since has yet to prove good.
  int64_t ServedStep(int64_t step) const;
  void Save();

 private:
  const bool on_;
  const int64_t window_rows_;
  const int patience_;
  proto::OnlineState& state_;
  DriftGuard guard_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_ROLLBACK_POLICY_H_
