#include "src/train/unused_settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "config/experiment.pb.h"
#include "src/config/methods.h"
#include "src/train/student_phase.h"

namespace tandem {
namespace {

// Of train.student_phase and its switch.
void AddOfPhase(const proto::Experiment& experiment, const MethodPlan& plan, TrainedParts parts,
                std::vector<std::string>* unused) {
  const proto::Train& train = experiment.train();
  const proto::Switches& switches = experiment.model().switches();
  const std::string method = proto::Method_Name(experiment.model().method());
  if (plan.phase_passes == 0) {
    if (train.has_student_phase()) {
      const bool off = switches.has_student_phase() && !switches.student_phase();
      unused->push_back(absl::StrCat(
          "train.student_phase has no effect: ",
          off ? "model.switches.student_phase is false" : absl::StrCat(method, " has no such phase")));
    } else if (plan.student && switches.student_phase()) {
      unused->push_back("model.switches.student_phase has no effect without train.student_phase");
    }
    return;
  }
  if (train.has_student_phase() && !StudentPhase(experiment, parts).exists()) {
    unused->push_back("train.student_phase has no effect: this run trains nothing but the student anyway");
    return;
  }
  if (train.student_phase().recombined_batches() > plan.recombined_batches) {
    unused->push_back(absl::StrCat(
        "train.student_phase.recombined_batches has no effect: they are for a student that reads "
        "the frozen table and learns logits or hints, unlike this of ",
        method));
  }
  if (train.student_phase().steps_per_row() > plan.phase_steps && plan.trains_embedding) {
    unused->push_back(absl::StrCat("train.student_phase.steps_per_row has no effect: with ", method,
                                   " the student's embedding moves, once a batch"));
  }
}

}  // namespace

std::vector<std::string> UnusedSettings(const proto::Experiment& experiment, TrainedParts parts) {
  std::vector<std::string> unused;
  const MethodPlan plan = PlanOf(experiment);
  const proto::Train& train = experiment.train();
  const std::string method = proto::Method_Name(experiment.model().method());
  if (!experiment.data().teacher_column().empty() && !ReadsStoredLogits(experiment)) {
    unused.push_back(absl::StrCat("data.teacher_column '", experiment.data().teacher_column(),
                                  "' isn't read: the method has no student, or its loss no logit term"));
  }
  proto::Switches switches = experiment.model().switches();
  if (plan.student && !experiment.data().teacher_column().empty()) switches.clear_logit();
  if ((!plan.teacher || !plan.student) && switches.ByteSizeLong() > 0) {
    unused.push_back(absl::StrCat("model.switches has no effect: ", method, " has one tower only (",
                                  switches.ShortDebugString(), ")"));
  }
  if (train.student_steps() > 1 && std::max(plan.joint_steps, plan.phase_steps) == 1) {
    unused.push_back(absl::StrCat("train.student_steps: ", train.student_steps(), " has no effect: with ",
                                  method, " the student takes no steps of its own"));
  }
  AddOfPhase(experiment, plan, parts, &unused);
  return unused;
}

}  // namespace tandem
