#include "config/experiment.pb.h"
#include "src/compare/comparison.h"

namespace tandem {

TrainingPasses PassesOf(const proto::Experiment& experiment) {
  const proto::Train& train = experiment.train();
  TrainingPasses passes;
  if (experiment.model().method() != proto::STUDENT_ALONE) passes.teacher = train.epochs();
  if (experiment.model().method() != proto::TEACHER_ALONE)
    passes.student = train.epochs() * train.student_steps();
  return passes;
}

}  // namespace tandem
