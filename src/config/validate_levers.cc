// Checks of what the student learns from, and of the switches between methods.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/config/validate.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status CheckSlowCopy(const proto::Experiment& experiment) {
  const bool read = TeacherReadsSlowCopy(experiment) || StudentReadsSlowCopy(experiment);
  if (!read || experiment.embedding().weight_decay() == 0) return absl::OkStatus();
  return ConfigError("embedding.weight_decay: ", experiment.embedding().weight_decay(),
                     "; must be 0 with a slow_copy, whose average knows no lazy decay; embedding.l2 can take "
                     "its place");
}

absl::Status CheckStudent(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  if (!HasTeacher(model) || !HasStudent(model)) return absl::OkStatus();
  const MethodPlan plan = PlanOf(experiment);
  if (!plan.joint && plan.phase_passes == 0) {
    return ConfigError(
        "model.distill.switches: joint and phase are both false; then the student never learns");
  }
  if (plan.own_embedding && !plan.trains_embedding) {
    return ConfigError(
        "model.distill.switches.stop_gradient: true with own_embedding; an embedding of its own that the "
        "student doesn't train stays as it began");
  }
  if (plan.trains_embedding && !plan.own_embedding && plan.phase_passes > 0) {
    return ConfigError(
        "model.distill.switches.stop_gradient: false with a student phase, in which the embedding is frozen; "
        "set model.distill.switches.phase: false");
  }
  const bool alone = plan.joint_steps > 1 || plan.phase_passes > 0 ||
                     experiment.data().unlabelled() == proto::Data::USE_TEACHER;
  if (model.student().linear() && alone && !plan.own_embedding) {
    return ConfigError(
        "model.student.linear: true; its weights lie in the shared table and move with it, once a batch: "
        "must be false where the student takes steps of its own (model.distill.replay, a student phase, "
        "data.unlabelled: USE_TEACHER)");
  }
  return absl::OkStatus();
}

// A feature that is dropped may stay in its group: `drop_feature` is one word of a command line.
absl::Status CheckRecombinedGroups(const proto::Experiment& experiment) {
  std::vector<std::string> names;
  for (const proto::Feature& feature : experiment.feature()) names.push_back(feature.name());
  std::vector<std::string> grouped;
  const proto::StudentPhase& phase = experiment.model().distill().phase();
  for (int g = 0; g < phase.recombined_group_size(); ++g) {
    const std::string key = absl::StrCat("model.distill.phase.recombined_group[", g, "].feature");
    if (phase.recombined_group(g).feature().empty()) return ConfigError(key, ": empty; must name features");
    for (const std::string& name : phase.recombined_group(g).feature()) {
      if (std::count(names.begin(), names.end(), name) == 0)
        return ConfigError(key, ": '", name, "' is no feature", DidYouMean(name, names));
      if (std::count(grouped.begin(), grouped.end(), name) > 0)
        return ConfigError(key, ": '", name, "' is named twice; a feature goes with one group");
      grouped.push_back(name);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRecombined(const proto::Experiment& experiment) {
  const MethodPlan plan = PlanOf(experiment);
  const int batches = plan.recombined_batches;
  if (batches > 0 && plan.own_embedding && experiment.embedding().weight_decay() > 0) {
    return ConfigError("embedding.weight_decay: ", experiment.embedding().weight_decay(),
                       "; must be 0 where a student with an embedding of its own learns from recombined rows "
                       "(model.distill.phase.recombined_batches); embedding.l2 can take its place");
  }
  if (batches == 0 || !ReadsStoredLogits(experiment)) return absl::OkStatus();
  return ConfigError(
      "model.distill.phase.recombined_batches: ", batches,
      ", but the student learns from model.distill.stored_logits, which hold none of rows that "
      "aren't in the log; must be 0");
}

absl::Status CheckUnlabelled(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  if (experiment.data().unlabelled() != proto::Data::USE_TEACHER || !HasStudent(model))
    return absl::OkStatus();
  const char* const fault = "data.unlabelled: USE_TEACHER, but ";
  const char* const remedy = "; DROP leaves rows without a label out";
  if (!HasTeacher(model) && !model.distill().has_stored_logits()) {
    return ConfigError(fault,
                       "there is no teacher: method STUDENT_ALONE, and model.distill.stored_logits isn't set",
                       remedy);
  }
  const bool hints = HasTeacher(model) && model.distill().hint_size() > 0 && HintWeightOf(experiment) > 0;
  if (LogitWeightOf(experiment) == 0 && !hints) {
    return ConfigError(fault, "the student's loss has neither a logit term nor a hint: nothing is left of it",
                       remedy);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateLevers(const proto::Experiment& experiment,
                            const std::vector<const proto::Feature*>& features) {
  const bool nothing_for_student =
      std::all_of(features.begin(), features.end(), [](const proto::Feature* feature) {
        return feature->towers() == proto::Feature::TEACHER || feature->sparse().has_sequence();
      });
  if (HasStudent(experiment.model()) && !features.empty() && nothing_for_student)
    return ConfigError(
        "feature.towers: all features are TEACHER, or sequences; the student needs one to read");
  TANDEM_RETURN_IF_ERROR(CheckSlowCopy(experiment));
  TANDEM_RETURN_IF_ERROR(CheckUnlabelled(experiment));
  TANDEM_RETURN_IF_ERROR(CheckRecombined(experiment));
  TANDEM_RETURN_IF_ERROR(CheckRecombinedGroups(experiment));
  return CheckStudent(experiment);
}

}  // namespace tandem
