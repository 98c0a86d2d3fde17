#include "src/train/stages.h"

#include <glog/logging.h>

#include <string>
#include <utility>

#include "src/train/checkpoint_state.h"
#include "src/train/run_files.h"
#include "src/train/run_position.h"
#include "src/util/progress.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/quarantine.h"
#include "tandem/status.h"

namespace tandem {

Stages::Stages(const proto::Experiment& experiment, const RunOptions& options, const Kernels& kernels,
               const Schema& schema, Workers* workers, Validation validation, proto::RunState* state)
    : experiment_(experiment),
      options_(options),
      kernels_(kernels),
      schema_(schema),
      workers_(*workers),
      validation_(std::move(validation)),
      phase_(experiment, options.parts),
      state_(*state) {
  if (state_.has_validation()) return;
  state_.mutable_validation()->set_stage(RunStage::PASSES);
  if (validation_.held_out_days() > 0) state_.set_held_out_days(validation_.held_out_days());
}

int64_t Stages::PhaseSteps() const {
  return state_.step() - state_.validation().undone_steps() - state_.joint_steps() - state_.distilled_steps();
}

int64_t Stages::phase_batches() const {
  return stage() == RunStage::THEN_PHASE ? state_.validation().then_batches() : phase_.Batches(state_);
}

bool Stages::EndsPortion() const {
  if (stage() != RunStage::STUDENT_PHASE) return false;
  const int next = state_.validation().validations() + 1;
  return next < portions() && PhaseSteps() == validation_.PortionEnd(next, phase_batches());
}

void Stages::CountBatches(int64_t batches) {
  proto::ValidationState& state = *state_.mutable_validation();
  if (stage() == RunStage::THEN_PASS) state.set_then_batches(state.then_batches() + batches);
}

absl::StatusOr<ValidationReport> Stages::Validate(DualModel* model) {
  proto::ValidationState& state = *state_.mutable_validation();
  // Whole days that nobody has read before: what is malformed there is set aside now.
  const bool first_look =
      validation_.held_out_days() > 0 && stage() == RunStage::PASSES && state.validations() == 0;
  FileSystem& fs = *options_.file_system;
  Quarantine quarantine(fs, RunQuarantinePath(options_.run_dir), experiment_.data().max_bad_fraction());
  const HeldOutScorer scorer(fs, experiment_, schema_, validation_.held_out(), &workers_);
  model->PrepareServed();
  TANDEM_ASSIGN_OR_RETURN(const HeldOutScores scores, scorer.Score(*model, validation_.Scored(state),
                                                                   first_look ? &quarantine : nullptr));
  if (scores.mean.has_value()) model->SetCommitteeMean(*scores.mean);
  model->Prepare();
  const bool teacher_rests = in_phase() || options_.parts == TrainedParts::kStudent;
  if (model->has_teacher() && teacher_rests) model->PrepareServedTeacher();
  if (first_look) {
    const int64_t good = quarantine.rows_read() - quarantine.rows_bad();
    state_.set_rows_good(state_.rows_good() + good);
    state_.set_rows_held_out(state_.rows_held_out() + good);
    for (int fault = 0; fault < kRowFaults; ++fault)
      state_.set_rows_bad(fault, state_.rows_bad(fault) + quarantine.by_fault()[fault]);
  }
  const auto loss = [](const std::optional<Metrics>& tower) {
    return tower.has_value() ? tower->logloss : std::nullopt;
  };
  const std::optional<double> of_student = loss(scores.student);
  const std::optional<double> decides = validation_.StudentDecides(state) ? of_student : loss(scores.teacher);
  const bool best = validation_.Note(decides, of_student, state_.step(), &state);
  if (best) NoteVerdicts(scores.verdicts, &state_);
  return ValidationReport{state_.step(), state.validations(),    in_phase(),
                          scores.rows,   scores.teacher,         scores.student,
                          best,          state.without_better(), scores.mean};
}

absl::Status Stages::PutBack(std::unique_ptr<DualModel>* model) {
  FileSystem& fs = *options_.file_system;
  const int64_t step = state_.validation().best_step();
  const std::string path = StepDirectory(options_.run_dir, step);
  if (!fs.Exists(path)) {
    return ModelError(path,
                      ": the best weights so far, which the run would go back to, are gone; a run begun "
                      "anew makes them again");
  }
  TANDEM_RETURN_IF_ERROR(VerifyCheckpoint(fs, path));
  // A model is filled once, and two may not fit in memory.
  model->reset();
  *model = std::make_unique<DualModel>(experiment_, kernels_, /*trained=*/true);
  proto::RunState best;
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, path, EmbeddingLoad::kResume, model->get(), &best, nullptr));
  state_.set_joint_steps(best.joint_steps());
  state_.set_distilled_steps(best.distilled_steps());
  state_.set_optimizer_steps(best.optimizer_steps());
  state_.set_student_optimizer_steps(best.student_optimizer_steps());
  state_.mutable_validation()->set_undone_steps(state_.step() - best.step() +
                                                best.validation().undone_steps());
  LOG(INFO) << "back to the weights of step " << step << ", the best";
  return absl::OkStatus();
}

void Stages::Next() {
  proto::ValidationState& state = *state_.mutable_validation();
  // From the last stage that reads them on, no day is held out any more.
  if (stage() == RunStage::THEN_PASS) state_.clear_held_out_days();
  validation_.Advance(state_.step(), &state);
  LogPosition next{state_.pass(), 0, 0, 0};
  if (stage() == RunStage::STUDENT_PHASE) {
    next = phase_.Start(state_);
    LOG(INFO) << "the student alone from here on: " << FormatCount(phase_batches()) << " batches in "
              << portions() << " portions, each of them validated";
  } else if (stage() == RunStage::THEN_PASS) {
    // Whether there was a phase: the teacher learns alike.
    next.pass = experiment_.train().epochs();
    LOG(INFO) << "the rows that were held out are learned, too";
  } else if (stage() == RunStage::THEN_PHASE) {
    next.pass = experiment_.train().epochs() + 1;
    state.set_phase_steps_before(PhaseSteps());
  }
  NotePosition(next, &state_);
}

}  // namespace tandem
