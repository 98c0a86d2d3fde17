#include "tandem/feature_change.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "src/config/optimizers.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// The element of `before` that element `index` of `after` goes on from, -1 for a new one.
int64_t ElementBefore(int64_t index, const ParameterBlock& before, const ParameterBlock& after,
                      const std::vector<std::vector<int>>& from) {
  int64_t element = 0;
  int64_t stride = 1;
  for (int axis = static_cast<int>(after.shape.size()) - 1; axis >= 0; --axis) {
    const int coordinate = from[axis][index % after.shape[axis]];
    if (coordinate < 0) return -1;
    element += coordinate * stride;
    stride *= before.shape[axis];
    index /= after.shape[axis];
  }
  return element;
}

absl::Status CopyTower(const std::string& name, const ParameterLayout& before, const ParameterLayout& after,
                       const std::vector<int>& field_before, const DenseParameters& from,
                       DenseParameters* to) {
  const auto slots =
      static_cast<int64_t>(std::min(from.slots.size() / std::max<size_t>(1, from.values.size()),
                                    to->slots.size() / std::max<size_t>(1, to->values.size())));
  for (const ParameterBlock& block : after.blocks()) {
    const ParameterBlock* old = before.Find(block.name);
    const auto other_architecture = [&] {
      return ConfigError("model.", name, ": '", block.name,
                         "' is not what the run to start from has; fine-tuning keeps the towers");
    };
    if (old == nullptr || old->axes.size() != block.axes.size()) return other_architecture();
    std::vector<std::vector<int>> matches;
    for (size_t axis = 0; axis < block.axes.size(); ++axis) {
      std::optional<std::vector<int>> match = IndicesBefore(old->axes[axis], block.axes[axis], field_before);
      if (!match.has_value()) return other_architecture();
      matches.push_back(*std::move(match));
    }
    for (int64_t i = 0; i < block.size; ++i) {
      const int64_t element = ElementBefore(i, *old, block, matches);
      if (element < 0) continue;
      to->values[block.offset + i] = from.values[old->offset + element];
      for (int64_t slot = 0; slot < slots; ++slot) {
        to->slots[slot * to->values.size() + block.offset + i] =
            from.slots[slot * from.values.size() + old->offset + element];
      }
      if (!to->averages.empty()) to->averages[block.offset + i] = from.served()[old->offset + element];
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string FeatureChange::Text() const {
  std::vector<std::string> parts;
  if (!added.empty()) parts.push_back("added: " + absl::StrJoin(added, ", "));
  if (!removed.empty()) parts.push_back("removed: " + absl::StrJoin(removed, ", "));
  return absl::StrJoin(parts, "; ");
}

FeatureChange CompareFeatures(const Schema& before, const Schema& after) {
  const auto lacks = [](const Schema& schema, const Field& wanted) {
    return std::none_of(schema.fields().begin(), schema.fields().end(), [&](const Field& field) {
      return field.name == wanted.name && field.kind == wanted.kind;
    });
  };
  FeatureChange change;
  for (const Field& field : after.fields()) {
    if (lacks(before, field)) change.added.push_back(field.name);
  }
  for (const Field& field : before.fields()) {
    if (lacks(after, field)) change.removed.push_back(field.name);
  }
  return change;
}

bool SameOrder(const Schema& before, const Schema& after) {
  return std::equal(before.fields().begin(), before.fields().end(), after.fields().begin(),
                    after.fields().end(), [](const Field& a, const Field& b) {
                      return a.name == b.name && a.kind == b.kind && a.teacher_only == b.teacher_only;
                    });
}

absl::Status CheckCanContinue(const DualModel& before, const DualModel& after, bool keeps_slots) {
  const proto::Experiment& old_experiment = before.experiment();
  const proto::Experiment& new_experiment = after.experiment();
  const auto lacks = [](const char* tower) {
    return ConfigError("model.method: the run to start from has no ", tower);
  };
  if (after.has_teacher() && !before.has_teacher()) return lacks("teacher");
  if (after.has_student() && !before.has_student()) return lacks("student");
  const int dim_before = old_experiment.embedding().dim(), dim_after = new_experiment.embedding().dim();
  if (dim_after != dim_before)
    return ConfigError("embedding.dim: ", dim_after, ", but the run to start from has ", dim_before);
  if (after.embedding().dim() != before.embedding().dim()) {
    return ConfigError("model.committee: ", after.embedding().dim() / dim_after,
                       " vectors side by side for an id, but the run to start from has ",
                       before.embedding().dim() / dim_before, "; fine-tuning keeps the towers");
  }
  const auto other_optimizer = [&](const char* key, const proto::Optimizer& old_kind,
                                   const proto::Optimizer& new_kind) {
    if (!keeps_slots || SharesState(old_kind, new_kind)) return absl::OkStatus();
    return ConfigError(
        key, ": another optimizer than the run to start from has; reset_optimizer starts its state anew");
  };
  TANDEM_RETURN_IF_ERROR(other_optimizer("embedding.optimizer", old_experiment.embedding().optimizer(),
                                         new_experiment.embedding().optimizer()));
  const auto other_of_tower = [&](const char* own_key, const proto::Tower& old_tower,
                                  const proto::Tower& new_tower) {
    return other_optimizer(new_tower.has_optimizer() ? own_key : "train.optimizer",
                           OptimizerOf(old_experiment, old_tower), OptimizerOf(new_experiment, new_tower));
  };
  if (after.has_teacher()) {
    const bool own =
        !new_experiment.model().has_committee() && new_experiment.model().teacher().has_optimizer();
    TANDEM_RETURN_IF_ERROR(other_optimizer(own ? "model.teacher.optimizer" : "train.optimizer",
                                           TeacherOptimizerOf(old_experiment),
                                           TeacherOptimizerOf(new_experiment)));
  }
  if (after.has_student()) {
    TANDEM_RETURN_IF_ERROR(other_of_tower("model.student.optimizer", old_experiment.model().student(),
                                          new_experiment.model().student()));
  }
  // Across changed features CopySharedParameters compares the blocks.
  if (!SameOrder(before.schema(), after.schema())) return absl::OkStatus();
  const auto same_blocks = [](const char* name, const ParameterLayout& old_layout,
                              const ParameterLayout& new_layout) {
    const auto& olds = old_layout.blocks();
    const auto& news = new_layout.blocks();
    for (size_t b = 0; b < std::max(olds.size(), news.size()); ++b) {
      if (b < olds.size() && b < news.size() && olds[b].name == news[b].name &&
          olds[b].shape == news[b].shape)
        continue;
      return ConfigError("model.", name, ": '", b < news.size() ? news[b].name : olds[b].name,
                         "' is not what the run to start from has; fine-tuning keeps the towers");
    }
    return absl::OkStatus();
  };
  if (after.has_teacher()) {
    TANDEM_RETURN_IF_ERROR(same_blocks("teacher", before.teacher().layout(), after.teacher().layout()));
  }
  if (after.has_student()) {
    TANDEM_RETURN_IF_ERROR(same_blocks("student", before.student().layout(), after.student().layout()));
  }
  return absl::OkStatus();
}

absl::Status CopySharedParameters(const DualModel& before, DualModel* after) {
  // The place in a tower's input before, of each field that it reads now; -1: there was none.
  const auto field_before = [&](const EmbeddingView& old_view, const EmbeddingView& new_view) {
    std::vector<int> places;
    for (const int f : new_view.fields) {
      const Field& field = after->schema().fields()[f];
      const auto same = std::find_if(old_view.fields.begin(), old_view.fields.end(), [&](int other) {
        const Field& old_field = before.schema().fields()[other];
        return old_field.name == field.name && old_field.kind == field.kind;
      });
      places.push_back(same == old_view.fields.end() ? -1 : static_cast<int>(same - old_view.fields.begin()));
    }
    return places;
  };
  if (after->has_teacher()) {
    TANDEM_RETURN_IF_ERROR(CopyTower("teacher", before.teacher().layout(), after->teacher().layout(),
                                     field_before(before.teacher_input(), after->teacher_input()),
                                     before.teacher_parameters(), &after->teacher_parameters()));
  }
  if (after->has_student()) {
    TANDEM_RETURN_IF_ERROR(CopyTower("student", before.student().layout(), after->student().layout(),
                                     field_before(before.student_input(), after->student_input()),
                                     before.student_parameters(), &after->student_parameters()));
  }
  // Adapters stand between hidden layers: no field owns any of them. Hints may be new.
  if (after->loss().layout().size() == before.loss().layout().size()) {
    after->adapter_parameters() = before.adapter_parameters();
  }
  after->Prepare();
  return absl::OkStatus();
}

}  // namespace tandem
