// What a model learned from what: its method and settings in sentences.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/config/methods.h"
#include "src/report/report_data.h"

namespace tandem {
namespace {

// "linear, cin, MLP 64-64": whatever kinds of interaction there are.
std::string TowerWords(const proto::Tower& tower) {
  std::vector<std::string> parts;
  if (tower.linear()) parts.emplace_back("linear");
  for (const proto::Interaction& interaction : tower.interaction()) {
    const auto* kind = interaction.GetReflection()->GetOneofFieldDescriptor(
        interaction, interaction.GetDescriptor()->FindOneofByName("kind"));
    if (kind != nullptr) parts.push_back(kind->name());
  }
  if (tower.has_mlp()) {
    const bool shared = tower.head_weights() == proto::Tower::RANK_ONE;
    parts.push_back(absl::StrCat(tower.heads() > 1 ? absl::StrCat(tower.heads(), " heads of ") : "", "MLP ",
                                 absl::StrJoin(tower.mlp().hidden(), "-"),
                                 shared ? " with rank-one factors" : ""));
  }
  return absl::StrJoin(parts, ", ");
}

std::string MethodWords(proto::Method method) {
  switch (method) {
    case proto::CO_TRAIN:
      return "Both towers learn in one pass; the student reads the teacher's embedding, and nothing of it "
             "flows back.";
    case proto::TEACHER_ALONE:
      return "There is no student: the teacher learns from the labels alone.";
    case proto::STUDENT_ALONE:
      return "There is no teacher beside the student: it owns and trains the embedding.";
    case proto::ROCKET_LAUNCHING:
      return "Both towers learn in one pass and train the embedding that they share.";
    case proto::TWO_STAGE_KD:
      return "The teacher learns first; then the student, with an embedding of its own, from the teacher's "
             "soft labels.";
    case proto::FEATURE_TRANSFER:
      return "The teacher learns first; then the student on its frozen embedding, from the labels alone.";
    case proto::TWO_STAGE_FULL:
      return "The teacher learns first; then the student on its frozen embedding, from labels, logits and "
             "hidden layers.";
  }
  return "";
}

std::string LogitLossWords(const proto::Model& model) {
  switch (LogitLossOf(model)) {
    case proto::Distill::MSE:
      return "squared distance";
    case proto::Distill::SOFT_LABEL:
      return absl::StrFormat("soft labels at temperature %g", model.distill().temperature());
  }
  return proto::Distill::LogitLoss_Name(LogitLossOf(model));
}

void AddDistillation(const proto::Experiment& experiment, std::vector<std::string>* sentences) {
  const proto::Distill& distill = experiment.model().distill();
  const MethodPlan plan = PlanOf(experiment);
  const bool stored = ReadsStoredLogits(experiment);
  if (!plan.student || !(plan.teacher || stored)) return;
  std::vector<std::string> from = {absl::StrFormat("the labels (weight %g)", distill.student_label_weight())};
  if (LogitWeightOf(experiment) > 0) {
    from.push_back(absl::StrFormat(
        "%s logits (weight %g, %s)",
        stored ? absl::StrCat("the column ", distill.stored_logits().column(), " of the log, a teacher's")
               : "the teacher's",
        LogitWeightOf(experiment), LogitLossWords(experiment.model())));
  }
  if (plan.teacher && HintWeightOf(experiment) > 0 && distill.hint_size() > 0)
    from.push_back(absl::StrFormat("hidden layers, in pairs: %d (weight %g)", distill.hint_size(),
                                   HintWeightOf(experiment)));
  sentences->push_back(absl::StrCat("The student learns from ", absl::StrJoin(from, ", "), "."));
  if (plan.joint && plan.joint_steps > 1) {
    sentences->push_back(absl::StrFormat(
        "Replay: %d student steps a batch, the first on the batch itself, the others on recent ones.",
        plan.joint_steps));
  }
  if (plan.phase_passes > 0) {
    sentences->push_back(absl::StrFormat(
        "A student phase ends the run: the student alone learns from %g passes over the window, %d steps a "
        "batch%s.",
        plan.phase_passes, plan.phase_steps,
        plan.recombined_batches > 0
            ? absl::StrFormat(", and from %d batches of recombined rows for each", plan.recombined_batches)
            : ""));
  }
}

void AddTraining(const proto::Experiment& experiment, std::vector<std::string>* sentences) {
  const proto::Train& train = experiment.train();
  sentences->push_back(absl::StrFormat("Batches of %d rows, %s%d over the log; seed %d.", train.batch_size(),
                                       train.has_validation() ? "passes up to " : "passes: ", train.epochs(),
                                       train.seed()));
  if (train.has_validation()) {
    const std::string rows = train.validation().has_days()
                                 ? absl::StrFormat("The last %d days", train.validation().days())
                                 : absl::StrFormat("%g %% of the rows", 100 * train.validation().share());
    sentences->push_back(
        absl::StrCat(rows, " were held out and chose the pass at which each tower stopped",
                     train.validation().then_learn() ? "; then they were learned, too." : "."));
  }
  if (train.average_decay() > 0)
    sentences->push_back(
        "Both towers are judged and served with averages of their weights over the last steps.");
  if (experiment.embedding().has_slow_copy())
    sentences->push_back("What is served reads slow averages of the embedding's rows.");
  if (experiment.embedding().id_dropout() > 0) {
    sentences->push_back(
        absl::StrFormat("%g %% of the ids' occurrences were hidden in training, so that unseen ids "
                        "have something to stand on.",
                        100 * experiment.embedding().id_dropout()));
  }
  if (experiment.data().negative_keep_rate() < 1) {
    sentences->push_back(
        absl::StrFormat("The log holds %g %% of the rows without a click; scores are those of the "
                        "full log.",
                        100 * experiment.data().negative_keep_rate()));
  }
}

void AddTeachers(const proto::Experiment& experiment, std::vector<std::string>* sentences) {
  const proto::Model& model = experiment.model();
  if (model.has_teacher()) sentences->push_back(absl::StrCat("Teacher: ", TowerWords(model.teacher()), "."));
  if (!model.has_committee()) return;
  std::vector<std::string> kinds;
  for (const proto::CommitteeMember& member : model.committee().member())
    kinds.push_back(absl::StrCat(member.copies(), " of ", TowerWords(member.tower())));
  sentences->push_back(
      absl::StrCat("Committee, which teaches by its mean logit: ", absl::StrJoin(kinds, "; "),
                   model.has_teacher() ? "; and the teacher." : "."));
}

}  // namespace

std::vector<std::string> WhatWasLearned(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  std::vector<std::string> sentences = {
      absl::StrCat("Method ", proto::Method_Name(model.method()), ". ", MethodWords(model.method()))};
  if (model.method() != proto::STUDENT_ALONE) AddTeachers(experiment, &sentences);
  if (model.method() != proto::TEACHER_ALONE)
    sentences.push_back(absl::StrCat("Student: ", TowerWords(model.student()), "."));
  AddDistillation(experiment, &sentences);
  AddTraining(experiment, &sentences);
  return sentences;
}

}  // namespace tandem
