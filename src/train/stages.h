// The stages of a run with train.validation, at work: which rows are trained on, how the held-out ones
// score, and the way back to the best weights. What is decided is in src/train/validation.h.
//
//   Stages stages(experiment, options, kernels, schema, &workers, *std::move(validation), &state);
//   while (stages.stage() != RunStage::DONE) {
//     ... a source of stages.log() until stages.EndsPortion() ...
//     TANDEM_ASSIGN_OR_RETURN(const ValidationReport report, stages.Validate(model_of_the_run.get()));
//     if (!stages.Over(last)) continue;
//     if (!report.best) TANDEM_RETURN_IF_ERROR(stages.PutBack(&model_of_the_run));
//     stages.Next();
//   }
//
// All of it is kept in the run's state: a run that is killed goes on from its last checkpoint. Not
// thread-safe.
#ifndef TANDEM_SRC_TRAIN_STAGES_H_
#define TANDEM_SRC_TRAIN_STAGES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/train/student_phase.h"
#include "src/train/validation.h"
#include "tandem/dual_model.h"
#include "tandem/run.h"
#include "tandem/state.pb.h"

namespace tandem {

using RunStage = proto::ValidationState;

class Stages {
 public:
  // A state that has none begins with the passes. All but `validation` outlive it.
  Stages(const proto::Experiment& experiment, const RunOptions& options, const Kernels& kernels,
         const Schema& schema, Workers* workers, Validation validation, proto::RunState* state);

  RunStage::Stage stage() const { return state_.validation().stage(); }
  bool in_phase() const { return stage() == RunStage::STUDENT_PHASE || stage() == RunStage::THEN_PHASE; }
  // Whether the held-out rows are learned now.
  bool over_held_out() const { return stage() == RunStage::THEN_PASS || stage() == RunStage::THEN_PHASE; }
  // What the stage trains on, and the pass that ends a source of it: the passes are sources of their own.
  const HeldOutLog& held_out() const { return validation_.held_out(); }
  const HeldOutLog& log() const { return over_held_out() ? validation_.held_out() : validation_.learned(); }
  int last_pass() const {
    return stage() == RunStage::STUDENT_PHASE ? phase_.last_pass() : state_.pass() + 1;
  }
  // Batches of the student phase that the run stands in.
  int64_t phase_batches() const;
  int portions() const { return validation_.portions(phase_batches()); }

  // A batch is trained: whether a portion of the student phase ends with it, though not the phase.
  bool EndsPortion() const;
  // A day of the held-out rows is learned.
  void CountBatches(int64_t batches);
  // Scores the held-out rows and counts that. The model is prepared as before afterwards.
  absl::StatusOr<ValidationReport> Validate(DualModel* model);
  // Whether the stage ends here; `last`: nothing is left of it.
  bool Over(bool last) const { return validation_.Over(last, state_.validation()); }
  // Weights, optimizers' state and their counters become those of the best checkpoint; the place in the
  // log stays, and so do the run's own counts.
  absl::Status PutBack(std::unique_ptr<DualModel>* model);
  // The next stage, and its place in the log.
  void Next();

 private:
  int64_t PhaseSteps() const;

  const proto::Experiment& experiment_;
  const RunOptions& options_;
  const Kernels& kernels_;
  const Schema& schema_;
  Workers& workers_;
  const Validation validation_;
  const StudentPhase phase_;
  proto::RunState& state_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_STAGES_H_
