#include "src/online/learner.h"

#include <utility>

#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {

Learner::Learner(const proto::Experiment& experiment, Workers* workers, proto::RunState* run,
                 proto::OnlineState* stream)
    : experiment_(experiment),
      workers_(*workers),
      run_(*run),
      stream_(*stream),
      window_(experiment.online().window_rows()) {}

void Learner::Take(std::unique_ptr<DualModel> model) {
  // In this order: what reads the old model goes before it.
  trainer_.reset();
  scorer_.reset();
  model_ = std::move(model);
  // Else embedding.max_rows holds, as it did for the base.
  if (experiment_.online().max_rows() > 0) model_->embedding().set_max_rows(experiment_.online().max_rows());
  refused_before_ = stream_.ids_refused();
  const TrainedParts parts =
      experiment_.online().train_embedding() ? TrainedParts::kAll : TrainedParts::kStudent;
  const TrainerClock clock{stream_.model_step(), stream_.model_step(), 0, run_.student_optimizer_steps()};
  trainer_ = std::make_unique<Trainer>(model_.get(), parts, clock, &workers_);
  scorer_ = std::make_unique<LiveScorer>(*model_, LiveScorer::Which::kStudent, &workers_);
}

absl::Status Learner::RestoreWindow() {
  TANDEM_ASSIGN_OR_RETURN(const ScoreLog log, ScoreLog::Parse(stream_.window()));
  for (int64_t row = 0; row < log.rows(); ++row)
    window_.Add(log.probabilities()[row], log.labels()[row], log.weights()[row], log.groups()[row]);
  return absl::OkStatus();
}

void Learner::Save() { stream_.set_window(window_.Log().Serialize()); }

absl::StatusOr<LossTerms> Learner::Learn(const Batch& batch) {
  TANDEM_RETURN_IF_ERROR(scorer_->Score(batch, &logits_));
  for (int row = 0; row < batch.rows(); ++row) {
    window_.Add(static_cast<float>(Sigmoid(logits_[row])), batch.labels[row], batch.weights[row],
                batch.groups[row]);
  }
  run_.set_rows_trained(run_.rows_trained() + batch.rows());
  run_.set_step(run_.step() + 1);
  TANDEM_ASSIGN_OR_RETURN(const StepResult* const result, trainer_->Step(batch));
  run_.set_joint_steps(run_.step());
  run_.set_student_optimizer_steps(trainer_->clock().student_updates);
  stream_.set_model_step(trainer_->clock().step);
  stream_.set_ids_refused(refused_before_ + model_->embedding().ids_refused());
  return result->terms;
}

}  // namespace tandem
