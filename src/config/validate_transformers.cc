// Checks of transformers: their sequence, their target, heads that divide the dimension.
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/config/teachers.h"
#include "src/config/validate.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Features = std::vector<const proto::Feature*>;

absl::Status CheckFeature(const std::string& key, const std::string& name, bool sequence, bool of_student,
                          const Features& features) {
  const char* const kind = sequence ? "a feature with sparse { sequence {} }" : "the feature to be scored";
  if (name.empty()) return ConfigError(key, ": not set; must name ", kind);
  std::vector<std::string> names;
  for (const proto::Feature* feature : features) {
    names.push_back(feature->name());
    if (feature->name() != name) continue;
    if (feature->sparse().has_sequence() != sequence) {
      return ConfigError(key, ": '", name, "' is ", sequence ? "no" : "a", " sequence; must name ", kind);
    }
    if (of_student && feature->towers() == proto::Feature::TEACHER) {
      return ConfigError(key, ": '", name, "' is the teacher's alone (feature[", name,
                         "].towers); the student can't read it");
    }
    return absl::OkStatus();
  }
  return ConfigError(key, ": '", name, "' is no feature", DidYouMean(name, names));
}

absl::Status CheckTransformers(const proto::Tower& tower, const std::string& name, int dim,
                               const Features& features) {
  for (int i = 0; i < tower.interaction_size(); ++i) {
    if (!tower.interaction(i).has_transformer()) continue;
    const proto::Transformer& transformer = tower.interaction(i).transformer();
    const std::string key = absl::StrCat(name, ".interaction[", i, "].transformer");
    const bool student = name == "model.student";
    TANDEM_RETURN_IF_ERROR(CheckFeature(key + ".sequence", transformer.sequence(), true, student, features));
    TANDEM_RETURN_IF_ERROR(CheckFeature(key + ".target", transformer.target(), false, student, features));
    if (dim % transformer.heads() != 0) {
      return ConfigError(key, ".heads: ", transformer.heads(), "; must divide embedding.dim ", dim);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateTransformers(const proto::Experiment& experiment, const Features& features) {
  const proto::Model& model = experiment.model();
  const int dim = experiment.embedding().dim();
  const std::vector<MemberConfig> teachers = TeachersOf(experiment);
  for (const MemberConfig& teacher : teachers)
    TANDEM_RETURN_IF_ERROR(CheckTransformers(*teacher.tower, teacher.key, dim, features));
  if (HasStudent(model))
    TANDEM_RETURN_IF_ERROR(CheckTransformers(model.student(), "model.student", dim, features));

  // Without a teacher a sequence that no transformer of the student reads is left out with the teacher's
  // features.
  if (!HasTeacher(model)) return absl::OkStatus();
  absl::flat_hash_set<std::string> read;
  std::vector<const proto::Tower*> towers = {&model.student()};
  for (const MemberConfig& teacher : teachers) towers.push_back(teacher.tower);
  for (const proto::Tower* tower : towers) {
    for (const proto::Interaction& interaction : tower->interaction())
      read.insert(interaction.transformer().sequence());
  }
  for (const proto::Feature* feature : features) {
    if (!feature->sparse().has_sequence() || read.contains(feature->name())) continue;
    return ConfigError(
        "feature[", feature->name(),
        "].sparse.sequence: no transformer reads it; add interaction { transformer { sequence: \"",
        feature->name(), "\" target: ... } } to a tower, or drop_feature: \"", feature->name(), "\"");
  }
  return absl::OkStatus();
}

}  // namespace tandem
