// What a fine-tuned model takes over when features were added or removed since the run it starts from.
//
//   const FeatureChange change = CompareFeatures(before.schema(), after.schema());
//   if (!change.empty()) LOG(WARNING) << change.Text();             // "added: genres; removed: zip3"
//   TANDEM_RETURN_IF_ERROR(CopySharedParameters(before, &after));
//
// Embedding tables are matched by name when they are loaded. Of the dense parameters, each coordinate that
// belongs to a field (a row of the MLP's first layer, a field of a CIN layer, a component of a cross layer)
// goes with its field's name; the coordinates of new fields keep their first values; everything else is
// copied.
//
// Thread-safe but for `after`, which is one caller's.
#ifndef TANDEM_FEATURE_CHANGE_H_
#define TANDEM_FEATURE_CHANGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/dual_model.h"

namespace tandem {

struct FeatureChange {
  std::vector<std::string> added, removed;

  bool empty() const { return added.empty() && removed.empty(); }
  std::string Text() const;
};

// By name. A feature that stays but changes its kind counts as removed and added.
FeatureChange CompareFeatures(const Schema& before, const Schema& after);

// Whether the features are the same ones, one by one.
bool SameOrder(const Schema& before, const Schema& after);

// Whether a model can go on from another's parameters, features apart: the same towers, embedding width and,
// where slots are kept, optimizers. A ConfigError says what differs.
absl::Status CheckCanContinue(const DualModel& before, const DualModel& after, bool keeps_slots);

// Copies values and optimizer slots (where both sides have them) of both towers and the adapters from
// `before` to `after`, which has its first values. A tower whose architecture differs otherwise is a
// ConfigError that names the block.
absl::Status CopySharedParameters(const DualModel& before, DualModel* after);

}  // namespace tandem

#endif  // TANDEM_FEATURE_CHANGE_H_
