#include "src/tune/search_space.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "tandem/experiment.h"
#include "tandem/interaction.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Fewer knots aren't halved.
constexpr int kFewestKnots = 6;
// Passes that a configuration allows are doubled up to here: beyond, it is the validation that ends them.
constexpr int kManyPasses = 10;
// Of the layers of an interaction that is tried.
constexpr int kWidths[] = {32, 32};

const std::vector<double>& RateFactors() {
  static const auto& factors = *new std::vector<double>{0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4};
  return factors;
}

std::string NumberText(double value) { return absl::StrFormat("%.4g", value); }

// Collects dimensions, each checked against the configuration that it is about.
class SpaceBuilder {
 public:
  explicit SpaceBuilder(const proto::Experiment& base) : base_(base) {}

  void AddScaled(const std::string& key, double base, const std::vector<double>& factors,
                 std::vector<double> others = {}) {
    std::vector<double> values = std::move(others);
    for (const double factor : factors)
      if (factor != 1) values.push_back(base * factor);
    AddNumbers(key, base, std::move(values));
  }
  void AddCounts(const std::string& key, int base, const std::vector<double>& factors) {
    std::vector<double> values = factors;
    for (double& value : values) value = std::max(1.0, std::round(base * value));
    AddNumbers(key, base, std::move(values));
  }
  // In ascending order, the base among them.
  void AddNumbers(const std::string& key, double base, std::vector<double> values) {
    values.push_back(base);
    std::sort(values.begin(), values.end());
    std::vector<std::string> texts(values.size());
    std::transform(values.begin(), values.end(), texts.begin(), NumberText);
    Add(key, NumberText(base), texts, /*ordered=*/true);
  }
  // The base's own window, and others so many times as long.
  void AddAverage(const std::string& key, double base) {
    std::vector<double> values = {0.99, 0.999};
    if (base > 0) {
      values.clear();
      for (const double factor : {0.25, 0.5, 2.0, 4.0})
        if (1 - base < factor) values.push_back(std::round(1e5 * (1 - (1 - base) / factor)) / 1e5);
    }
    AddNumbers(key, base, std::move(values));
  }
  void AddWidths(const std::string& key, const proto::Mlp& mlp) {
    if (mlp.hidden().empty()) return;
    std::vector<std::string> texts;
    for (const double factor : {0.5, 1.0, 2.0}) {
      texts.push_back(absl::StrJoin(mlp.hidden(), ",", [&](std::string* out, int width) {
        absl::StrAppend(out, std::max(1, static_cast<int>(std::lround(width * factor))));
      }));
    }
    const std::string base = texts[1];
    Add(key, base, texts, /*ordered=*/true);
  }
  void AddRate(const std::string& optimizer_key, const proto::Optimizer& optimizer) {
    const RateSetting rate = RateSettingOf(optimizer);
    if (!rate.key.empty()) AddScaled(absl::StrCat(optimizer_key, ".", rate.key), rate.value, RateFactors());
  }
  void Add(const std::string& key, const std::string& base, const std::vector<std::string>& values,
           bool ordered) {
    Dimension dimension{key, {}, 0, ordered};
    for (const std::string& value : values) {
      if (!dimension.values.empty() && dimension.values.back() == value) continue;
      if (value == base) {
        dimension.base = static_cast<int>(dimension.values.size());
      } else if (!IsValid({key, value})) {
        continue;
      }
      dimension.values.push_back(value);
    }
    if (dimension.values.size() > 1) dimensions.push_back(std::move(dimension));
  }

  std::vector<Dimension> dimensions;

 private:
  bool IsValid(const Setting& setting) const {
    proto::Experiment changed = base_;
    if (!ApplySettings({setting}, &changed).ok()) return false;
    ResolveDefaults(&changed);
    return ValidateExperiment(changed).ok();
  }

  const proto::Experiment& base_;
};

const google::protobuf::OneofDescriptor& Kinds() {
  return *proto::Interaction::descriptor()->FindOneofByName("kind");
}

// As the proto's defaults have it; lists of widths, which have none, are kWidths.
proto::Interaction InteractionOf(const google::protobuf::FieldDescriptor& kind) {
  proto::Interaction interaction;
  google::protobuf::Message* layer = interaction.GetReflection()->MutableMessage(&interaction, &kind);
  const google::protobuf::Descriptor& settings = *layer->GetDescriptor();
  for (int i = 0; i < settings.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* setting = settings.field(i);
    if (!setting->is_repeated() || setting->cpp_type() != setting->CPPTYPE_INT32) continue;
    for (const int width : kWidths) layer->GetReflection()->AddInt32(layer, setting, width);
  }
  return interaction;
}

// "none", and the kinds of layers that need no sequence.
std::vector<std::string> KindsToTry() {
  std::vector<std::string> kinds = {"none"};
  for (int i = 0; i < Kinds().field_count(); ++i)
    if (!ReadsSequences(InteractionOf(*Kinds().field(i)))) kinds.push_back(Kinds().field(i)->name());
  return kinds;
}

// What the teacher's interactions are but for those of sequences, as a choice.
std::string KindOf(const proto::Tower& teacher) {
  std::vector<std::string> kinds;
  for (const proto::Interaction& interaction : teacher.interaction()) {
    if (ReadsSequences(interaction)) continue;
    const auto* kind = interaction.GetReflection()->GetOneofFieldDescriptor(interaction, &Kinds());
    if (kind != nullptr) kinds.push_back(kind->name());
  }
  if (kinds.empty()) return "none";
  return kinds.size() == 1 ? kinds[0] : "as it is";
}

void SetKind(const std::string& kind, proto::Tower* teacher) {
  google::protobuf::RepeatedPtrField<proto::Interaction> kept;
  for (int i = 0; i < Kinds().field_count(); ++i)
    if (Kinds().field(i)->name() == kind) *kept.Add() = InteractionOf(*Kinds().field(i));
  for (const proto::Interaction& interaction : teacher->interaction())
    if (ReadsSequences(interaction)) *kept.Add() = interaction;
  teacher->mutable_interaction()->Swap(&kept);
}

// "model.committee.member[1].tower.mlp.hidden": where lists of messages are, no override reaches.
std::string MemberKey(int member) { return absl::StrCat("model.committee.member[", member, "].tower"); }

// The tower of the members that the key is about, and the rest of the key (".mlp.hidden"); null: of none.
proto::Tower* FindMember(const std::string& key, proto::Experiment* experiment, std::string* rest) {
  proto::Committee* const committee = experiment->has_model() && experiment->model().has_committee()
                                          ? experiment->mutable_model()->mutable_committee()
                                          : nullptr;
  for (int m = 0; committee != nullptr && m < committee->member_size(); ++m) {
    if (!absl::StartsWith(key, MemberKey(m))) continue;
    *rest = key.substr(MemberKey(m).size());
    return committee->mutable_member(m)->mutable_tower();
  }
  return nullptr;
}

// As an override of a tower that one reaches.
absl::Status ApplyToTower(const std::string& rest, const std::string& value, proto::Tower* tower) {
  proto::Experiment scratch;
  scratch.mutable_model()->mutable_student()->Swap(tower);
  absl::Status status = ApplyOverride(absl::StrCat("model.student", rest, "=", value), &scratch);
  scratch.mutable_model()->mutable_student()->Swap(tower);
  return status;
}

bool HasKnotsToHalve(const proto::Feature& feature) {
  if (!feature.dense().has_piecewise()) return false;
  const proto::Piecewise& piecewise = feature.dense().piecewise();
  return (piecewise.knots().empty() ? piecewise.max_knots() : piecewise.knots_size()) >= kFewestKnots;
}

// The ends stay.
void HalveKnots(proto::Feature* feature) {
  if (!HasKnotsToHalve(*feature)) return;
  proto::Piecewise& piecewise = *feature->mutable_dense()->mutable_piecewise();
  if (piecewise.knots().empty()) {
    piecewise.set_max_knots(piecewise.max_knots() / 2);
    return;
  }
  const std::vector<double> knots(piecewise.knots().begin(), piecewise.knots().end());
  piecewise.clear_knots();
  for (size_t i = 0; i < knots.size(); i += 2) piecewise.add_knots(knots[i]);
  if (knots.size() % 2 == 0) piecewise.add_knots(knots.back());
}

bool CountsSteps(const proto::Schedule& schedule) {
  return schedule.warmup_steps() > 0 || schedule.decay() != proto::Schedule::CONSTANT;
}

void AddEmbedding(const proto::Embedding& embedding, SpaceBuilder* space) {
  space->AddRate("embedding.optimizer", embedding.optimizer());
  space->AddCounts("embedding.dim", embedding.dim(), {0.5, 1, 2});
  if (embedding.l2() > 0) {
    space->AddScaled("embedding.l2", embedding.l2(), {0.1, 0.3, 1, 3, 10}, {0});
    space->Add("embedding.l2_scope", proto::Embedding::L2Scope_Name(embedding.l2_scope()),
               {"TOUCHED", "TABLE"}, /*ordered=*/false);
  } else {
    space->AddNumbers("embedding.l2", 0, {1e-6, 1e-5, 1e-4, 1e-3});
  }
  space->AddNumbers("embedding.id_dropout", embedding.id_dropout(), {0, 0.02, 0.05, 0.1, 0.2});
  space->AddNumbers("embedding.min_count", embedding.min_count(), {1, 2, 4, 8});
  if (embedding.has_slow_copy())
    space->AddAverage("embedding.slow_copy.decay", embedding.slow_copy().decay());
}

void AddTower(const std::string& key, const proto::Tower& tower, SpaceBuilder* space) {
  if (tower.has_optimizer()) space->AddRate(key + ".optimizer", tower.optimizer());
  if (!tower.has_mlp()) return;
  space->AddWidths(key + ".mlp.hidden", tower.mlp());
  space->AddNumbers(key + ".mlp.dropout", tower.mlp().dropout(), {0, 0.05, 0.1, 0.2, 0.3, 0.4});
  space->Add(key + ".mlp.normalize_input", tower.mlp().normalize_input() ? "true" : "false",
             {"false", "true"}, /*ordered=*/false);
}

void AddStudentsLevers(const proto::Experiment& experiment, const MethodPlan& plan, SpaceBuilder* space) {
  const proto::Distill& distill = experiment.model().distill();
  space->AddScaled("model.distill.lr_multiplier", distill.lr_multiplier(), {0.25, 0.5, 1, 2, 4});
  if (!plan.teacher) return;
  if (LogitWeightOf(experiment) > 0)
    space->AddNumbers("model.distill.student_label_weight", distill.student_label_weight(), {0, 0.1, 0.3, 1});
  if (distill.has_replay() && plan.joint && plan.joint_steps > 1)
    space->AddCounts("model.distill.replay.steps", distill.replay().steps(), {0.5, 1, 2});
  if (plan.phase_passes == 0 || !distill.has_phase()) return;
  const proto::StudentPhase& phase = distill.phase();
  if (plan.joint) space->AddScaled("model.distill.phase.fraction", phase.fraction(), {0.5, 1, 2});
  space->AddScaled("model.distill.phase.lr_multiplier", phase.lr_multiplier(), {0.25, 0.5, 1, 2, 4});
  space->AddNumbers("model.distill.phase.recombined_batches", phase.recombined_batches(), {0, 1, 2, 4});
}

void AddTrain(const proto::Experiment& experiment, const MethodPlan& plan, SpaceBuilder* space) {
  const proto::Train& train = experiment.train();
  const proto::Model& model = experiment.model();
  const bool used = (plan.teacher && !model.teacher().has_optimizer()) ||
                    (plan.student && !model.student().has_optimizer());
  if (used) space->AddRate("train.optimizer", train.optimizer());
  if (!CountsSteps(train.schedule()) && !CountsSteps(model.distill().schedule()))
    space->AddCounts("train.batch_size", train.batch_size(), {0.5, 1, 2});
  if (train.epochs() <= kManyPasses && !CountsSteps(train.schedule()))
    space->AddCounts("train.epochs", train.epochs(), {1, 2, 4});
  if (train.l2() > 0) {
    space->AddScaled("train.l2", train.l2(), {0.1, 0.3, 1, 3, 10}, {0});
  } else {
    space->AddNumbers("train.l2", 0, {1e-6, 1e-5, 1e-4, 1e-3});
  }
  space->AddAverage("train.average_decay", train.average_decay());
}

}  // namespace

absl::Status ApplySettings(const Settings& settings, proto::Experiment* experiment) {
  for (const Setting& setting : settings) {
    std::string rest;
    proto::Tower* const member = FindMember(setting.key, experiment, &rest);
    if (member != nullptr) {
      TANDEM_RETURN_IF_ERROR(ApplyToTower(rest, setting.value, member));
    } else if (setting.key == kTeachersKind) {
      SetKind(setting.value, experiment->mutable_model()->mutable_teacher());
    } else if (setting.key == kKnots) {
      for (proto::Feature& feature : *experiment->mutable_feature()) HalveKnots(&feature);
    } else {
      TANDEM_RETURN_IF_ERROR(ApplyOverride(absl::StrCat(setting.key, "=", setting.value), experiment));
    }
  }
  return absl::OkStatus();
}

std::string SettingsText(const Settings& settings) {
  if (settings.empty()) return "as it is";
  return absl::StrJoin(settings, ", ", [](std::string* out, const Setting& setting) {
    absl::StrAppend(out, setting.key, " ", setting.value);
  });
}

SearchSpace SearchSpace::Around(const proto::Experiment& base) {
  const MethodPlan plan = PlanOf(base);
  const proto::Model& model = base.model();
  SpaceBuilder space(base);
  AddEmbedding(base.embedding(), &space);
  if (plan.teacher && model.has_teacher()) {
    AddTower("model.teacher", model.teacher(), &space);
    const std::string kind = KindOf(model.teacher());
    std::vector<std::string> kinds = KindsToTry();
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.insert(kinds.begin(), kind);
    space.Add("model.teacher.combine", proto::Tower::Combine_Name(model.teacher().combine()),
              {"STACKED", "PARALLEL"}, /*ordered=*/false);
    space.Add(kTeachersKind, kind, kinds, /*ordered=*/false);
  }
  for (int m = 0; plan.teacher && m < model.committee().member_size(); ++m)
    AddTower(MemberKey(m), model.committee().member(m).tower(), &space);
  if (plan.student) {
    AddTower("model.student", model.student(), &space);
    AddStudentsLevers(base, plan, &space);
  }
  AddTrain(base, plan, &space);
  const auto& features = base.feature();
  if (std::any_of(features.begin(), features.end(), HasKnotsToHalve))
    space.Add(kKnots, "as they are", {"every second", "as they are"}, /*ordered=*/false);
  return SearchSpace(std::move(space.dimensions));
}

std::vector<int> SearchSpace::ChoicesOf(const Settings& settings) const {
  std::vector<int> choices;
  for (const Dimension& dimension : dimensions_) {
    int choice = dimension.base;
    for (const Setting& setting : settings) {
      if (setting.key != dimension.key) continue;
      const auto found = std::find(dimension.values.begin(), dimension.values.end(), setting.value);
      if (found != dimension.values.end()) choice = static_cast<int>(found - dimension.values.begin());
    }
    choices.push_back(choice);
  }
  return choices;
}

Settings SearchSpace::SettingsOf(const std::vector<int>& choices) const {
  Settings settings;
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    const Dimension& dimension = dimensions_[i];
    if (choices[i] != dimension.base) settings.push_back({dimension.key, dimension.values[choices[i]]});
  }
  return settings;
}

}  // namespace tandem
