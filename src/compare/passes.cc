// How often a method goes over the window's rows.
#include "src/compare/comparison.h"
#include "src/config/methods.h"
#include "tandem/experiment.pb.h"

namespace tandem {

TrainingPasses PassesOf(const proto::Experiment& experiment) {
  const MethodPlan plan = PlanOf(experiment);
  TrainingPasses passes;
  if (plan.teacher) passes.teacher = experiment.train().epochs();
  if (plan.student && plan.joint) passes.student = experiment.train().epochs() * plan.joint_steps;
  passes.student += plan.phase_passes * (plan.phase_steps + plan.recombined_batches);
  return passes;
}

}  // namespace tandem
