#include "src/train/validation.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using RunStage = proto::ValidationState;

// Of a phase that is shorter than as many passes.
constexpr int kFewestPortions = 4;

}  // namespace

Validation::Validation(const proto::Experiment& experiment, TrainedParts parts)
    : plan_(PlanOf(experiment)),
      parts_(parts),
      phase_passes_(StudentPhase(experiment, parts).passes()),
      patience_(experiment.train().validation().patience()),
      then_learn_(experiment.train().validation().then_learn()) {}

absl::StatusOr<Validation> Validation::Create(const proto::Experiment& experiment, TrainedParts parts,
                                              const std::vector<Day>& days, int part) {
  const proto::Validation& config = experiment.train().validation();
  Validation validation(experiment, parts);
  validation.learned_.days = validation.held_out_.days = days;
  if (part < 0 || part >= Parts(config))
    return ConfigError("RunOptions::held_out_part is ", part, ", and train.validation makes parts 0 to ",
                       Parts(config) - 1);
  if (config.has_share()) {
    validation.learned_.choice = {RowChoice::kLearned, config.share(), part};
    validation.held_out_.choice = {RowChoice::kHeldOut, config.share(), part};
    return validation;
  }
  if (static_cast<int>(days.size()) <= config.days()) {
    return ConfigError(
        "train.validation.days: ", config.days(), ", but only ", days.size(), " day",
        days.size() == 1 ? " has" : "s have",
        " a log: nothing would be left to learn from; train.validation.share takes a share of the "
        "rows, clear=train.validation holds out none");
  }
  validation.learned_.days.resize(days.size() - config.days());
  validation.held_out_.days.assign(days.end() - config.days(), days.end());
  return validation;
}

int Validation::Parts(const proto::Validation& config) {
  return config.has_share() ? std::max(1, static_cast<int>(std::floor(1 / config.share()))) : 1;
}

HeldOutScorer::Towers Validation::Scored(const proto::ValidationState& state) const {
  const bool student_only = parts_ == TrainedParts::kStudent || state.stage() == RunStage::STUDENT_PHASE;
  return {plan_.teacher && !student_only, plan_.student && (plan_.joint || student_only)};
}

bool Validation::StudentDecides(const proto::ValidationState& state) const {
  const HeldOutScorer::Towers scored = Scored(state);
  if (!scored.teacher || !scored.student) return scored.student;
  return plan_.trains_embedding && !plan_.own_embedding;
}

bool Validation::Note(std::optional<double> loss, std::optional<double> student_loss, int64_t step,
                      proto::ValidationState* state) const {
  const double undefined = std::numeric_limits<double>::infinity();
  state->set_validations(state->validations() + 1);
  const bool better = !state->has_best_step() || loss.value_or(undefined) < state->best_logloss();
  state->set_without_better(better ? 0 : state->without_better() + 1);
  if (!better) return false;
  state->set_best_step(step);
  state->set_best_logloss(loss.value_or(undefined));
  state->set_best_student_logloss(student_loss.value_or(undefined));
  return true;
}

bool Validation::Over(bool last, const proto::ValidationState& state) const {
  const bool may_end = state.stage() == RunStage::PASSES || !plan_.joint;
  return last || (may_end && state.without_better() >= patience_);
}

void Validation::Advance(int64_t step, proto::ValidationState* state) const {
  const bool phase = phase_passes_ > 0;
  const RunStage::Stage after_phase = then_learn_ ? RunStage::THEN_PASS : RunStage::DONE;
  const RunStage::Stage before = state->stage();
  state->set_stage(before == RunStage::PASSES          ? (phase ? RunStage::STUDENT_PHASE : after_phase)
                   : before == RunStage::STUDENT_PHASE ? after_phase
                   : before == RunStage::THEN_PASS     ? (phase ? RunStage::THEN_PHASE : RunStage::DONE)
                                                       : RunStage::DONE);
  state->clear_validations();
  state->clear_without_better();
  const double student_loss = state->best_student_logloss();
  state->clear_best_step();
  state->clear_best_logloss();
  state->clear_best_student_logloss();
  if (state->stage() != RunStage::STUDENT_PHASE || !plan_.joint) return;
  // The student has learned before: a phase may also be worse than none.
  state->set_best_step(step);
  state->set_best_logloss(student_loss);
  state->set_best_student_logloss(student_loss);
}

int Validation::portions(int64_t phase_steps) const {
  const int passes = static_cast<int>(std::ceil(phase_passes_));
  const int portions = plan_.joint ? std::max(kFewestPortions, passes) : passes;
  return static_cast<int>(std::clamp<int64_t>(phase_steps, 1, portions));
}

int64_t Validation::PortionEnd(int n, int64_t phase_steps) const {
  // phase_steps * n / portions, whose product might leave an int64.
  const int64_t portions = this->portions(phase_steps);
  return phase_steps / portions * n + phase_steps % portions * n / portions;
}

}  // namespace tandem
