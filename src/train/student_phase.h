// The span of a run's student phase: whether there is one, where in the log it begins, how long it is.
//
//   const StudentPhase phase(experiment, TrainedParts::kAll);
//   if (phase.exists() && !phase.Begun(state)) source = BatchSource(..., phase.Start(state));
//
// The phase's passes over the window follow the others; the first of them begins where whole passes are left
// after it. The window's length in batches is known once its first pass is over.
#ifndef TANDEM_SRC_TRAIN_STUDENT_PHASE_H_
#define TANDEM_SRC_TRAIN_STUDENT_PHASE_H_

#include <cstdint>

#include "src/config/methods.h"
#include "tandem/batch_source.h"
#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
class RunState;
}  // namespace proto

class StudentPhase {
 public:
  // A run that trains nothing but the student anyway has no phase.
  StudentPhase(const proto::Experiment& experiment, TrainedParts parts);

  bool exists() const { return passes_ > 0; }
  // Passes over the window; 0: none.
  double passes() const { return passes_; }
  // Passes of the whole run, begun ones counted whole.
  int last_pass() const;
  // Whether the run stands in it.
  static bool Begun(const proto::RunState& state);
  // The first pass of the run is over. At least one batch.
  int64_t Batches(const proto::RunState& state) const;
  LogPosition Start(const proto::RunState& state) const;

 private:
  const int epochs_;
  const double passes_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_STUDENT_PHASE_H_
