#include "src/config/methods.h"

namespace tandem {
namespace {

struct Preset {
  bool joint, phase, own_embedding, stop_gradient, logit, hint;
};

// One a method, in the order of the enum.
constexpr Preset kPresets[] = {
    {true, true, false, true, true, true},      // CO_TRAIN
    {true, false, false, true, false, false},   // TEACHER_ALONE
    {true, false, false, false, false, false},  // STUDENT_ALONE
    {true, false, false, false, true, false},   // ROCKET_LAUNCHING
    {false, true, true, false, true, false},    // TWO_STAGE_KD
    {false, true, false, true, false, false},   // FEATURE_TRANSFER
    {false, true, false, true, true, true},     // TWO_STAGE_FULL
};

Preset SwitchesOf(const proto::Model& model) {
  Preset preset = kPresets[model.method()];
  const proto::Switches& switches = model.distill().switches();
  // A tower alone has nothing to switch, but for a student with a teacher's scores in its log.
  if (!HasTeacher(model)) {
    preset.logit = model.distill().has_stored_logits() && (!switches.has_logit() || switches.logit());
  }
  if (!HasTeacher(model) || !HasStudent(model)) return preset;
  if (switches.has_joint()) preset.joint = switches.joint();
  if (switches.has_phase()) preset.phase = switches.phase();
  if (switches.has_own_embedding() && switches.own_embedding() != preset.own_embedding) {
    preset.own_embedding = switches.own_embedding();
    // Tables of its own are its to train.
    preset.stop_gradient = !preset.own_embedding;
  }
  if (switches.has_stop_gradient()) preset.stop_gradient = switches.stop_gradient();
  if (switches.has_logit()) preset.logit = switches.logit();
  if (switches.has_hint()) preset.hint = switches.hint();
  return preset;
}

void TakeOwn(const proto::OwnEmbedding& own, proto::Embedding* embedding) {
  if (own.has_dim()) embedding->set_dim(own.dim());
  if (own.has_init_deviation()) embedding->set_init_deviation(own.init_deviation());
  if (own.has_min_count()) embedding->set_min_count(own.min_count());
  if (own.has_l2()) embedding->set_l2(own.l2());
}

}  // namespace

MethodPlan PlanOf(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  const proto::Distill& distill = model.distill();
  const Preset preset = SwitchesOf(model);
  MethodPlan plan;
  plan.teacher = HasTeacher(model);
  plan.student = HasStudent(model);
  plan.own_embedding = preset.own_embedding;
  plan.trains_embedding = plan.student && !preset.stop_gradient;
  plan.joint = preset.joint;
  if (!plan.teacher || !plan.student) return plan;
  const bool has_phase = preset.phase && (distill.has_phase() || !preset.joint);
  if (has_phase) plan.phase_passes = preset.joint ? distill.phase().fraction() : experiment.train().epochs();
  if (!plan.trains_embedding) {
    plan.joint_steps = distill.has_replay() ? distill.replay().steps() : 1;
    plan.phase_steps = distill.has_phase() ? distill.phase().steps_per_row() : plan.joint_steps;
  }
  const bool learns_from_teacher =
      LogitWeightOf(experiment) > 0 || (distill.hint_size() > 0 && HintWeightOf(experiment) > 0);
  if (has_phase && learns_from_teacher && (!plan.trains_embedding || plan.own_embedding))
    plan.recombined_batches = distill.phase().recombined_batches();
  return plan;
}

proto::Experiment StudentAlone(proto::Experiment experiment) {
  proto::Model& model = *experiment.mutable_model();
  if (PlanOf(experiment).own_embedding && HasTeacher(model)) {
    TakeOwn(model.distill().own_embedding(), experiment.mutable_embedding());
    model.mutable_distill()->clear_own_embedding();
  }
  model.set_method(proto::STUDENT_ALONE);
  return experiment;
}

double LogitWeightOf(const proto::Experiment& experiment) {
  return SwitchesOf(experiment.model()).logit ? experiment.model().distill().logit_weight() : 0;
}

double HintWeightOf(const proto::Experiment& experiment) {
  return SwitchesOf(experiment.model()).hint ? experiment.model().distill().hint_weight() : 0;
}

bool ReadsStoredLogits(const proto::Experiment& experiment) {
  return experiment.model().distill().has_stored_logits() && HasStudent(experiment.model()) &&
         LogitWeightOf(experiment) > 0;
}

bool TeacherReadsSlowCopy(const proto::Experiment& experiment) {
  const proto::Embedding& embedding = experiment.embedding();
  return HasTeacher(experiment.model()) && embedding.has_slow_copy() &&
         embedding.slow_copy().towers() != proto::SlowCopy::STUDENT;
}

bool StudentReadsSlowCopy(const proto::Experiment& experiment) {
  const proto::Embedding& embedding = experiment.embedding();
  return HasStudent(experiment.model()) && embedding.has_slow_copy() &&
         embedding.slow_copy().towers() != proto::SlowCopy::TEACHER;
}

proto::Distill::LogitLoss LogitLossOf(const proto::Model& model) {
  if (model.method() == proto::ROCKET_LAUNCHING) return proto::Distill::MSE;
  if (model.method() == proto::TWO_STAGE_KD) return proto::Distill::SOFT_LABEL;
  return model.distill().logit_loss();
}

proto::Distill DistillOf(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  proto::Distill distill = model.distill();
  distill.set_logit_weight(LogitWeightOf(experiment));
  distill.set_hint_weight(HintWeightOf(experiment));
  distill.set_logit_loss(LogitLossOf(model));
  // A student alone has nothing to weigh the labels against.
  if (!HasTeacher(model) && !ReadsStoredLogits(experiment)) distill.set_student_label_weight(1);
  if (distill.logit_loss() != proto::Distill::SOFT_LABEL) distill.set_temperature(1);
  return distill;
}

}  // namespace tandem
