#include "src/train/unused_settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/train/student_phase.h"
#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// Of model.distill.phase and its switch.
void AddOfPhase(const proto::Experiment& experiment, const MethodPlan& plan, TrainedParts parts,
                std::vector<std::string>* unused) {
  const proto::Distill& distill = experiment.model().distill();
  const proto::Switches& switches = distill.switches();
  const std::string method = proto::Method_Name(experiment.model().method());
  if (plan.phase_passes == 0) {
    if (distill.has_phase()) {
      const bool off = switches.has_phase() && !switches.phase();
      unused->push_back(absl::StrCat(
          "model.distill.phase has no effect: ",
          off ? "model.distill.switches.phase is false" : absl::StrCat(method, " has no such phase")));
    } else if (plan.student && switches.phase()) {
      unused->push_back("model.distill.switches.phase has no effect without model.distill.phase");
    }
    return;
  }
  if (distill.has_phase() && !StudentPhase(experiment, parts).exists()) {
    unused->push_back("model.distill.phase has no effect: this run trains nothing but the student anyway");
    return;
  }
  if (distill.phase().recombined_batches() > plan.recombined_batches) {
    unused->push_back(absl::StrCat(
        "model.distill.phase.recombined_batches has no effect: they are for a student that reads "
        "the frozen table and learns logits or hints, unlike this of ",
        method));
  }
  if (plan.recombined_batches == 0 && distill.phase().recombined_group_size() > 0)
    unused->push_back("model.distill.phase.recombined_group has no effect without recombined_batches");
  if (plan.recombined_batches == 0 && distill.phase().recombined_unknown() > 0)
    unused->push_back("model.distill.phase.recombined_unknown has no effect without recombined_batches");
  const double share = distill.phase().recombined_share();
  const bool hides = distill.phase().recombined_unknown() > 0;
  if (plan.recombined_batches > 0 && (share == 0 || share == 1) && !hides) {
    unused->push_back(
        absl::StrCat("model.distill.phase.recombined_share: ", share,
                     " makes no rows that aren't in the log: the recombined batches are the log's own"));
  }
  if (distill.phase().steps_per_row() > plan.phase_steps && plan.trains_embedding) {
    unused->push_back(absl::StrCat("model.distill.phase.steps_per_row has no effect: with ", method,
                                   " the student's embedding moves, once a batch"));
  }
}

}  // namespace

std::vector<std::string> UnusedSettings(const proto::Experiment& experiment, TrainedParts parts) {
  std::vector<std::string> unused;
  const MethodPlan plan = PlanOf(experiment);
  const proto::Distill& distill = experiment.model().distill();
  const std::string method = proto::Method_Name(experiment.model().method());
  if (distill.has_stored_logits() && !ReadsStoredLogits(experiment)) {
    unused.push_back(absl::StrCat("model.distill.stored_logits.column '", distill.stored_logits().column(),
                                  "' isn't read: the method has no student, or its loss no logit term"));
  }
  proto::Switches switches = distill.switches();
  if (plan.student && distill.has_stored_logits()) switches.clear_logit();
  if ((!plan.teacher || !plan.student) && switches.ByteSizeLong() > 0) {
    unused.push_back(absl::StrCat("model.distill.switches has no effect: ", method, " has one tower only (",
                                  switches.ShortDebugString(), ")"));
  }
  if (plan.student && !plan.teacher && !ReadsStoredLogits(experiment) &&
      distill.student_label_weight() != 1) {
    unused.push_back(absl::StrCat("model.distill.student_label_weight has no effect: with ", method,
                                  " the student learns from nothing but the labels"));
  }
  if (distill.has_replay() && distill.replay().steps() > 1 &&
      std::max(plan.joint_steps, plan.phase_steps) == 1) {
    unused.push_back(absl::StrCat("model.distill.replay.steps: ", distill.replay().steps(),
                                  " has no effect: with ", method, " the student takes no steps of its own"));
  }
  if (experiment.train().batches_cross_days() && !HasDate(experiment.data().path())) {
    unused.push_back(absl::StrCat("train.batches_cross_days has no effect: data.path has no days (",
                                  experiment.data().path(), ")"));
  }
  if (distill.has_own_embedding() && plan.student && !plan.own_embedding) {
    unused.push_back(
        absl::StrCat("model.distill.own_embedding has no effect: with ", method,
                     " the student has no tables of its own (model.distill.switches.own_embedding)"));
  }
  AddOfPhase(experiment, plan, parts, &unused);
  return unused;
}

}  // namespace tandem
