// When a run with train.validation stops, and what comes next: the decisions, without the work.
//
//   TANDEM_ASSIGN_OR_RETURN(const Validation validation, Validation::Create(experiment, parts, days));
//   validation.learned();                                   // the rows of the passes
//   const bool better = validation.Note(loss, student_loss, step, &state);
//   if (validation.Over(/*last=*/false, state)) Keep(state.best_step());        // its weights are the stage's
//
// A run goes through stages (proto::ValidationState): passes; the student phase, where the method has one;
// with then_learn the same once more over the held-out rows, a pass each. In the passes the tower decides
// whose table it is: the teacher, or the student where its gradient reaches the table, or where it is alone.
// In the student phase the student does. The passes end, and so do the phases of methods in two stages, once
// `patience` validations have brought nothing better. A phase that ends a joint method runs its course, since
// its rate falls over the whole of it; but its best portion is what is kept, or where the student began it.
//
// A function of the configuration and the state; thread-safe.
#ifndef TANDEM_SRC_TRAIN_VALIDATION_H_
#define TANDEM_SRC_TRAIN_VALIDATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "src/config/methods.h"
#include "src/train/held_out_scorer.h"
#include "src/train/student_phase.h"
#include "tandem/day_files.h"
#include "tandem/row_choice.h"
#include "tandem/state.pb.h"
#include "tandem/trainer.h"

namespace tandem {

class Validation {
 public:
  // A ConfigError where the window has too few days. `part`: which of the disjoint shares is held out.
  static absl::StatusOr<Validation> Create(const proto::Experiment& experiment, TrainedParts parts,
                                           const std::vector<Day>& days, int part = 0);
  // How many disjoint shares there are; 1 where days are held out.
  static int Parts(const proto::Validation& config);

  // What the passes and the student phase read, and what is held out.
  const HeldOutLog& learned() const { return learned_; }
  const HeldOutLog& held_out() const { return held_out_; }
  // Days that are held out as wholes, the last ones.
  int held_out_days() const { return held_out_.choice.rows == RowChoice::kAll ? DaysOf(held_out_) : 0; }

  // Towers that learn in the stage, and which of them decides.
  HeldOutScorer::Towers Scored(const proto::ValidationState& state) const;
  bool StudentDecides(const proto::ValidationState& state) const;

  // Counts a validation at `step`; whether it is the best of its stage. A loss that is undefined is the
  // worst.
  bool Note(std::optional<double> loss, std::optional<double> student_loss, int64_t step,
            proto::ValidationState* state) const;
  // Whether the stage ends with the validation that was noted; `last`: there is nothing left of it.
  bool Over(bool last, const proto::ValidationState& state) const;
  // Goes on to the next stage, which begins after `step` with the best weights of this one.
  void Advance(int64_t step, proto::ValidationState* state) const;

  // Steps of the student phase after which it is validated for the n-th time, from 1; its end is the last
  // one.
  int64_t PortionEnd(int n, int64_t phase_steps) const;
  int portions(int64_t phase_steps) const;

 private:
  Validation(const proto::Experiment& experiment, TrainedParts parts);
  static int DaysOf(const HeldOutLog& log) { return static_cast<int>(log.days.size()); }

  MethodPlan plan_;
  TrainedParts parts_;
  double phase_passes_;
  int patience_;
  bool then_learn_;
  HeldOutLog learned_, held_out_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_VALIDATION_H_
