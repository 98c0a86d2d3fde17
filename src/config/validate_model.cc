// Checks of the towers: layers, interactions, hints.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/config/methods.h"
#include "src/config/teachers.h"
#include "src/config/validate.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status CheckCin(const proto::Cin& cin, const std::string& key) {
  if (cin.layers().empty())
    return ConfigError(key, ".layers: empty; must name the maps of at least one layer");
  for (int i = 0; cin.split_half() && i + 1 < cin.layers_size(); ++i) {
    if (cin.layers(i) % 2 != 0) {
      return ConfigError(key, ".layers[", i, "]: ", cin.layers(i),
                         "; must be even, because split_half halves every layer but the last");
    }
  }
  return absl::OkStatus();
}

// "fm {}, cin {}, ..."
std::string KindsOfInteraction() {
  std::vector<std::string> kinds;
  const google::protobuf::OneofDescriptor& kind = *proto::Interaction::descriptor()->oneof_decl(0);
  kinds.reserve(kind.field_count());
  for (int i = 0; i < kind.field_count(); ++i) kinds.push_back(kind.field(i)->name() + " {}");
  return absl::StrJoin(kinds, ", ");
}

// What the ranges of single numbers (ranges.cc) can't say.
absl::Status CheckInteraction(const proto::Interaction& interaction, const std::string& key) {
  switch (interaction.kind_case()) {
    case proto::Interaction::kCin:
      return CheckCin(interaction.cin(), key + ".cin");
    case proto::Interaction::kCross:
      if (interaction.cross().version() == proto::Cross::V1 && interaction.cross().rank() != 0) {
        return ConfigError(key, ".cross.rank: ", interaction.cross().rank(),
                           "; must be 0 for V1, whose weight is a vector");
      }
      return absl::OkStatus();
    case proto::Interaction::KIND_NOT_SET:
      return ConfigError(key, ": of no kind; accepted: ", KindsOfInteraction(),
                         "; to have none where an earlier file sets some: clear: '",
                         key.substr(0, key.rfind('[')), "'");
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckTower(const proto::Tower& tower, const std::string& key) {
  for (int i = 0; i < tower.interaction_size(); ++i) {
    TANDEM_RETURN_IF_ERROR(
        CheckInteraction(tower.interaction(i), absl::StrCat(key, ".interaction[", i, "]")));
  }
  if (tower.has_mlp() && tower.mlp().hidden().empty()) {
    return ConfigError(key,
                       ".mlp.hidden: empty; must name the width of at least one layer (or leave mlp out)");
  }
  if (tower.heads() > 1 && !tower.has_mlp())
    return ConfigError(key, ".heads: ", tower.heads(), ", but the tower has no mlp, which a head is");
  if (tower.head_weights() == proto::Tower::RANK_ONE && tower.heads() == 1) {
    return ConfigError(key,
                       ".head_weights: RANK_ONE, but there is one head, which shares with nobody; set heads "
                       "to 2 or more");
  }
  if (tower.combine() == proto::Tower::PARALLEL && !tower.linear() && tower.interaction().empty() &&
      !tower.has_mlp()) {
    return ConfigError(key,
                       ".combine: PARALLEL, with nothing to sum; must have linear, an interaction or mlp");
  }
  return absl::OkStatus();
}

absl::Status CheckHintLayer(int layer, const proto::Tower& tower, const char* tower_name,
                            const std::string& key) {
  const int layers = tower.mlp().hidden_size();
  if (layer >= -layers && layer < layers) return absl::OkStatus();
  const std::string accepted =
      layers == 0 ? "" : absl::StrCat(" (0..", layers - 1, ", or -", layers, "..-1)");
  return ConfigError(key, ": ", layer, ", but the ", tower_name, " has ",
                     layers == 0 ? "no" : absl::StrCat(layers), " hidden layer", layers == 1 ? "" : "s",
                     accepted);
}

// Equal towers from equal seeds are one, paid for twice.
absl::Status CheckMembersDiffer(const proto::Experiment& experiment) {
  const std::vector<MemberConfig> members = TeachersOf(experiment);
  std::map<std::pair<std::string, uint64_t>, std::string> known;
  for (const MemberConfig& member : members) {
    proto::Tower tower = *member.tower;
    tower.clear_seed();
    const auto [place, is_new] =
        known.emplace(std::make_pair(tower.SerializeAsString(), member.seed), member.key);
    if (is_new) continue;
    return ConfigError(
        member.key, ": the same tower with the same seed (", member.seed, ") as one of ", place->second,
        "; another seed, or copies, would make it another member (without a seed, member k has "
        "train.seed + k)");
  }
  return absl::OkStatus();
}

absl::Status CheckWeights(const proto::Experiment& experiment) {
  if (!LearnsWeights(experiment)) return absl::OkStatus();
  if (TeachersOf(experiment).size() == 1) {
    return ConfigError(
        "model.committee.weights: LEARNED, but there is one member alone and nothing to weigh; must be "
        "EQUAL, or "
        "more members (copies, member)");
  }
  if (experiment.train().has_validation()) return absl::OkStatus();
  return ConfigError(
      "model.committee.weights: LEARNED, but no rows are held out to learn them on; set "
      "train.validation { share: 0.1 }");
}

absl::Status CheckCommittee(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  if (!model.has_committee()) return absl::OkStatus();
  if (model.committee().member().empty()) {
    return ConfigError(
        "model.committee.member: empty; must name at least one kind of tower: member { copies: 5 "
        "tower { mlp { hidden: [64, 32] } } }");
  }
  for (const MemberConfig& teacher : TeachersOf(experiment)) {
    if (!teacher.tower->has_optimizer()) continue;
    return ConfigError(teacher.key, ".optimizer: set, but a committee's members all move by train.optimizer");
  }
  TANDEM_RETURN_IF_ERROR(CheckMembersDiffer(experiment));
  TANDEM_RETURN_IF_ERROR(CheckWeights(experiment));
  const MethodPlan plan = PlanOf(experiment);
  if (!SideBySide(experiment) || !plan.student || plan.own_embedding) return absl::OkStatus();
  return ConfigError(
      "model.committee.rows: SIDE_BY_SIDE, whose rows hold a vector for each member, none of which is the "
      "student's; set model.distill.switches.own_embedding: true, or rows: SHARED");
}

absl::Status CheckTemperature(const proto::Model& model) {
  const proto::Distill& distill = model.distill();
  const proto::Distill::LogitLoss loss = LogitLossOf(model);
  if (loss != proto::Distill::SOFT_LABEL && distill.temperature() != 1 &&
      model.method() != proto::ROCKET_LAUNCHING) {
    return ConfigError("model.distill.temperature: ", distill.temperature(),
                       "; must be 1 with logit_loss: ", proto::Distill::LogitLoss_Name(loss),
                       "; only SOFT_LABEL has a temperature");
  }
  return absl::OkStatus();
}

absl::Status CheckDistill(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  const proto::Tower& teacher = *TeachersOf(experiment).front().tower;
  TANDEM_RETURN_IF_ERROR(CheckTemperature(model));
  const proto::Distill& distill = model.distill();
  for (int i = 0; i < distill.hint_size(); ++i) {
    const std::string key = absl::StrCat("model.distill.hint[", i, "].");
    const proto::Hint& hint = distill.hint(i);
    TANDEM_RETURN_IF_ERROR(CheckHintLayer(hint.teacher_layer(), teacher, "teacher", key + "teacher_layer"));
    TANDEM_RETURN_IF_ERROR(
        CheckHintLayer(hint.student_layer(), model.student(), "student", key + "student_layer"));
  }
  return absl::OkStatus();
}

}  // namespace

// Of a student that learns from the scores of a teacher in its log.
absl::Status CheckStoredDistill(const proto::Model& model) {
  const proto::Switches& switches = model.distill().switches();
  const bool no_hint = switches.has_hint() && !switches.hint();
  if (!no_hint && model.distill().hint_size() > 0 && model.distill().hint_weight() > 0) {
    return ConfigError("model.distill.hint: set, but of a teacher there are only the scores in '",
                       model.distill().stored_logits().column(),
                       "' (model.distill.stored_logits), no hidden layers; must be empty, or switched off "
                       "(model.distill.switches.hint: false)");
  }
  return CheckTemperature(model);
}

absl::Status ValidateModel(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  const std::string& method = proto::Method_Name(model.method());
  if (HasTeacher(model)) {
    if (!model.has_teacher() && !model.has_committee()) {
      return ConfigError("model.teacher: not set; method ", method,
                         " needs a teacher (or several: model.committee)");
    }
    TANDEM_RETURN_IF_ERROR(CheckCommittee(experiment));
    for (const MemberConfig& teacher : TeachersOf(experiment))
      TANDEM_RETURN_IF_ERROR(CheckTower(*teacher.tower, teacher.key));
  }
  if (HasStudent(model)) {
    if (!model.has_student())
      return ConfigError("model.student: not set; method ", method, " needs a student");
    TANDEM_RETURN_IF_ERROR(CheckTower(model.student(), "model.student"));
  }
  if (HasTeacher(model) && HasStudent(model)) return CheckDistill(experiment);
  return ReadsStoredLogits(experiment) ? CheckStoredDistill(model) : absl::OkStatus();
}

}  // namespace tandem
