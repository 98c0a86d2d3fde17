#include "src/online/rollback_policy.h"

#include <optional>

#include "absl/strings/str_format.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"

namespace tandem {

using Verdict = DriftGuard::Verdict;

RollbackPolicy::RollbackPolicy(const proto::Online& config, proto::OnlineState* state)
    : on_(config.guard_limit() > 0),
      window_rows_(config.window_rows()),
      patience_(config.guard_patience()),
      state_(*state),
      guard_(config.guard_limit(), config.guard_patience()) {}

int64_t RollbackPolicy::good_step() const { return state_.good_step(); }

void RollbackPolicy::Begin(int64_t step) {
  guard_.Reset();
  state_.set_good_step(step);
}

void RollbackPolicy::Resume() {
  guard_.Restore(
      state_.has_guard_reference() ? std::optional<double>(state_.guard_reference()) : std::nullopt,
      state_.rollbacks_in_a_row());
}

RollbackPolicy::Judgement RollbackPolicy::Judge(const ScoreWindow& window, int64_t rows_trained) {
  Judgement judged;
  if (!on_ || !window.full()) return judged;
  const WindowLoss loss{window.LogLoss(), window.LabelEntropy(), window.ExcessError(), window.rows()};
  judged.logloss = loss.logloss;
  const double most = guard_.Most(loss);
  judged.verdict = guard_.Check(loss);
  switch (judged.verdict) {
    case Verdict::kRollBack:
      judged.why = absl::StrFormat(
          "log loss %.5f over the window, where good ones have %.5f at most, and its click rate alone %.5f",
          loss.logloss, most, loss.unlearned);
      break;
    case Verdict::kAccept:
      judged.why = absl::StrFormat("log loss %.5f over the window after %d roll-backs in a row",
                                   judged.logloss, patience_);
      break;
    case Verdict::kGood:
      if (state_.has_candidate_step() && rows_trained - state_.candidate_rows() >= window_rows_) {
        state_.set_good_step(state_.candidate_step());
        state_.clear_candidate_step();
        state_.clear_candidate_rows();
        guard_.Confirm(loss);
      }
      break;
  }
  return judged;
}

void RollbackPolicy::RolledBack() {
  state_.clear_candidate_step();
  state_.clear_candidate_rows();
  state_.set_rollbacks(state_.rollbacks() + 1);
}

void RollbackPolicy::Nominate(int64_t step, int64_t rows_trained) {
  if (!on_ || state_.has_candidate_step()) return;
  state_.set_candidate_step(step);
  state_.set_candidate_rows(rows_trained);
}

std::vector<int64_t> RollbackPolicy::KeptSteps() const {
  std::vector<int64_t> kept;
  if (on_) kept.push_back(state_.good_step());
  if (state_.has_candidate_step()) kept.push_back(state_.candidate_step());
  return kept;
}

int64_t RollbackPolicy::ServedStep(int64_t step) const {
  return guard_.rollbacks_in_a_row() > 0 ? state_.good_step() : step;
}

void RollbackPolicy::Save() {
  state_.clear_guard_reference();
  if (guard_.reference().has_value()) state_.set_guard_reference(*guard_.reference());
  state_.set_rollbacks_in_a_row(guard_.rollbacks_in_a_row());
}

}  // namespace tandem
