#include "src/nn/model_floats.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/config/teachers.h"
#include "src/nn/layer_outline.h"

namespace tandem {
namespace {

bool IsDropped(const proto::Experiment& experiment, const proto::Feature& feature) {
  const auto& dropped = experiment.drop_feature();
  return std::find(dropped.begin(), dropped.end(), feature.name()) != dropped.end();
}

double PlacesOf(const proto::Experiment& experiment, const std::string& sequence) {
  for (const proto::Feature& feature : experiment.feature()) {
    if (feature.name() == sequence) return feature.sparse().sequence().max_length();
  }
  return 0;
}

// What a tower's parts add up to, and which of them is the largest.
class Sum {
 public:
  explicit Sum(std::string tower) : tower_(std::move(tower)) {}

  void Add(const std::string& setting, double weights, double activations) {
    floats_.weights += weights;
    floats_.activations += activations;
    if (weights > weights_) {
      weights_ = weights;
      floats_.most_weights = tower_ + setting;
    }
    if (activations > activations_) {
      activations_ = activations;
      floats_.most_activations = tower_ + setting;
    }
  }
  const TowerFloats& floats() const { return floats_; }

 private:
  const std::string tower_;
  TowerFloats floats_;
  double weights_ = 0, activations_ = 0;
};

int HiddenWidth(const proto::Tower& tower, int layer) {
  const int layers = tower.mlp().hidden_size();
  const int place = layer < 0 ? layers + layer : layer;
  return place >= 0 && place < layers ? tower.mlp().hidden(place) : 0;
}

}  // namespace

int PlainFieldsOf(const proto::Experiment& experiment, bool of_teacher) {
  return static_cast<int>(std::count_if(
      experiment.feature().begin(), experiment.feature().end(), [&](const proto::Feature& feature) {
        return !IsDropped(experiment, feature) && !feature.sparse().has_sequence() &&
               (of_teacher || feature.towers() != proto::Feature::TEACHER);
      }));
}

TowerFloats FloatsOf(const proto::Experiment& experiment, const proto::Tower& tower, const std::string& key,
                     bool of_teacher) {
  const double fields = PlainFieldsOf(experiment, of_teacher);
  const double dim = of_teacher ? experiment.embedding().dim() : StudentAlone(experiment).embedding().dim();
  const double width = fields * dim;
  const auto places = [&](const std::string& sequence) { return PlacesOf(experiment, sequence); };
  Sum sum(key);
  double outputs = 0;
  for (const proto::Interaction& interaction : tower.interaction()) {
    const LayerOutline layer = OutlineOf(interaction, {fields, dim, places});
    sum.Add(absl::StrCat(".interaction.", layer.setting), layer.weights, layer.activations);
    outputs += layer.width;
  }
  const bool parallel = tower.combine() == proto::Tower::PARALLEL;
  double top = parallel ? width : outputs + width;
  const double heads = tower.has_mlp() ? tower.heads() : 1;
  const bool shared = tower.head_weights() == proto::Tower::RANK_ONE;
  double weights = 0, folded = 0, activations = 2 * (outputs + width) * (heads > 1 ? 2 : 1);
  for (const int hidden : tower.mlp().hidden()) {
    weights += shared ? top * hidden + heads * (top + hidden) : heads * top * hidden;
    folded += shared ? 2 * heads * top * hidden : 0;
    activations += 2 * heads * hidden;
    top = hidden;
  }
  if (tower.has_mlp()) sum.Add(".mlp.hidden", weights, activations);
  if (tower.has_mlp() || !parallel) sum.Add("", heads * top, 0);
  TowerFloats floats = sum.floats();
  floats.folded = folded;
  return floats;
}

TowerFloats StudentFloats(const proto::Experiment& experiment) {
  return FloatsOf(experiment, experiment.model().student(), "model.student", /*of_teacher=*/false);
}

TowerFloats TeacherFloats(const proto::Experiment& experiment) {
  TowerFloats sum;
  double most_weights = 0, most_activations = 0;
  for (const MemberConfig& member : TeachersOf(experiment)) {
    const TowerFloats floats = FloatsOf(experiment, *member.tower, member.key, /*of_teacher=*/true);
    if (floats.weights > most_weights) {
      most_weights = floats.weights;
      sum.most_weights = floats.most_weights;
    }
    if (floats.activations > most_activations) {
      most_activations = floats.activations;
      sum.most_activations = floats.most_activations;
    }
    sum.weights += floats.weights;
    sum.activations += floats.activations;
    sum.folded += floats.folded;
  }
  return sum;
}

double AdapterWeights(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  if (!HasTeacher(model) || !HasStudent(model)) return 0;
  double weights = 0;
  for (const proto::Hint& hint : model.distill().hint()) {
    const double teacher = HiddenWidth(*TeachersOf(experiment).front().tower, hint.teacher_layer());
    const double student = HiddenWidth(model.student(), hint.student_layer());
    if (teacher != student) weights += teacher * student;
  }
  return weights;
}

}  // namespace tandem
