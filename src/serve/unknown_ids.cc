#include "tandem/unknown_ids.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/serve/serving_tables.h"
#include "src/serve/unknown_share.h"
#include "src/util/progress.h"
#include "tandem/dual_model.h"
#include "tandem/predictor.h"
#include "tandem/schema.h"

namespace tandem {
namespace {

constexpr int64_t kFewestIds = 20;
constexpr double kMost = 0.9;
// Smaller shares aren't told by a figure: none and all must be sure.
constexpr double kLeastTold = 0.01;

const std::string& NameOf(const Field& field) { return field.sequence.empty() ? field.name : field.sequence; }

bool HoldsIds(const Predictor& predictor, int table) {
  if (predictor.tables() != nullptr) return !predictor.tables()->keys(table).empty();
  const absl::StatusOr<std::vector<uint64_t>> any = predictor.model().embedding().store().Keys(table, 1);
  return any.ok() && !any->empty();
}

}  // namespace

UnknownIds::UnknownIds(const Schema& schema) {
  for (const Field& field : schema.fields()) {
    feature_of_field_.push_back(-1);
    if (field.kind != FieldKind::kSparse || field.serving_value.has_value()) continue;
    if (features_.empty() || features_.back().name != NameOf(field)) features_.push_back({NameOf(field)});
    feature_of_field_.back() = static_cast<int>(features_.size()) - 1;
  }
}

void UnknownIds::Add(const Batch& batch, const std::vector<int64_t>& unknown) {
  CHECK_EQ(unknown.size(), feature_of_field_.size());
  for (size_t f = 0; f < unknown.size(); ++f) {
    if (feature_of_field_[f] < 0) continue;
    FeatureIds& feature = features_[feature_of_field_[f]];
    feature.ids += static_cast<int64_t>(batch.fields[f].keys.size());
    feature.unknown += unknown[f];
  }
}

void UnknownIds::Merge(const UnknownIds& other) {
  CHECK_EQ(features_.size(), other.features_.size());
  for (size_t i = 0; i < features_.size(); ++i) {
    features_[i].ids += other.features_[i].ids;
    features_[i].unknown += other.features_[i].unknown;
  }
}

std::string UnknownShareText(const FeatureIds& feature) {
  const double share = 100 * feature.unknown_share();
  if (share > 0 && share < kLeastTold) return absl::StrFormat("< %g %%", kLeastTold);
  return share < 100 && share > 100 - kLeastTold ? absl::StrFormat("> %g %%", 100 - kLeastTold)
                                                 : absl::StrFormat("%.4g %%", share);
}

std::string UnknownIdsText(const std::vector<FeatureIds>& features) {
  return absl::StrJoin(features, ", ", [](std::string* out, const FeatureIds& feature) {
    absl::StrAppend(out, feature.name, " ", UnknownShareText(feature));
  });
}

std::vector<std::string> UnknownIdWarnings(const Predictor& predictor,
                                           const std::vector<FeatureIds>& features) {
  std::vector<std::string> warnings;
  for (const FeatureIds& feature : features) {
    if (feature.ids < kFewestIds || feature.unknown_share() < kMost) continue;
    const std::vector<Field>& fields = predictor.schema().fields();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& of) { return NameOf(of) == feature.name; });
    if (!HoldsIds(predictor, field->table)) continue;
    warnings.push_back(absl::StrCat("feature '", feature.name, "', column '", field->column,
                                    "': ", FormatCount(feature.unknown), " of ", FormatCount(feature.ids),
                                    " ids are unknown to the model, and their rows are scored without them; "
                                    "are they written as in training "
                                    "(7.0 for 7, quotes, blanks)?"));
  }
  return warnings;
}

}  // namespace tandem
