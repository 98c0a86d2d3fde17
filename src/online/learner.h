// A student that learns from micro-batches, each of which it is tested on first.
//
//   Learner learner(experiment, &workers, &run_state, &online_state);
//   learner.Take(std::move(model));
//   TANDEM_ASSIGN_OR_RETURN(LossTerms losses, learner.Learn(batch));
//   double logloss = learner.window().LogLoss();             // of the last rows, each before it was learned
//
// In the run's state it keeps step, joint_steps, rows_trained and student_optimizer_steps; in the stream's
// model_step and ids_refused, and with Save `window`. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_LEARNER_H_
#define TANDEM_SRC_ONLINE_LEARNER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/online/score_window.h"
#include "src/train/live_scorer.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/loss.h"
#include "tandem/threads.h"
#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
class OnlineState;
class RunState;
}  // namespace proto

class Learner {
 public:
  // All outlive it.
  Learner(const proto::Experiment& experiment, Workers* workers, proto::RunState* run,
          proto::OnlineState* stream);

  // Goes on with `model`, whose updates so far the states count.
  void Take(std::unique_ptr<DualModel> model);
  // The window of a checkpoint, from the state and to it.
  absl::Status RestoreWindow();
  void Save();
  // Another student: what is known of the last rows isn't its own.
  void ForgetWindow() { window_.Clear(); }

  // Scores the rows, for the window, then trains on them: a step, even where it fails (kInternal, a gradient
  // isn't finite). After that the model is not to be used any more. Take another.
  absl::StatusOr<LossTerms> Learn(const Batch& batch);

  const DualModel& model() const { return *model_; }
  const ScoreWindow& window() const { return window_; }

 private:
  const proto::Experiment& experiment_;
  Workers& workers_;
  proto::RunState& run_;
  proto::OnlineState& stream_;
  std::unique_ptr<DualModel> model_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<LiveScorer> scorer_;
  ScoreWindow window_;
  std::vector<float> logits_;
  int64_t refused_before_ = 0;  // ids that models before this one refused
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_LEARNER_H_
