// Checks of the features: names, columns, tables, transforms, boundaries.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "src/config/validate.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {
namespace {

std::string KeyOf(const proto::Feature& feature) { return absl::StrCat("feature[", feature.name(), "]"); }

absl::Status CheckNames(const proto::Experiment& experiment) {
  absl::flat_hash_set<std::string> seen;
  std::vector<std::string> names;
  for (int i = 0; i < experiment.feature_size(); ++i) {
    const std::string& name = experiment.feature(i).name();
    if (name.empty())
      return ConfigError("feature[", i, "].name: empty; every feature needs a name of its own");
    if (!seen.insert(name).second) {
      return ConfigError("feature[", i, "].name: '", name,
                         "' is taken by an earlier feature; names must be unique");
    }
    names.push_back(name);
  }
  for (const std::string& dropped : experiment.drop_feature()) {
    if (!seen.contains(dropped)) {
      return ConfigError("drop_feature: '", dropped, "' is no feature", DidYouMean(dropped, names));
    }
  }
  return absl::OkStatus();
}

// Where the number becomes ids, `kind` of `numbers`.
absl::Status CheckSplit(const proto::Dense& dense, const char* kind, const char* numbers,
                        const google::protobuf::RepeatedField<double>& values, const std::string& key) {
  if (dense.transform() != proto::Dense::NONE) {
    return ConfigError(key, ".transform: ", proto::Dense::Transform_Name(dense.transform()), ", which ", kind,
                       " doesn't use; leave one of them out");
  }
  for (int i = 1; i < values.size(); ++i) {
    if (values[i] <= values[i - 1]) {
      return ConfigError(key, ".", kind, ".", numbers, "[", i, "]: ", values[i],
                         "; must be more than the one before, ", values[i - 1]);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDense(const proto::Dense& dense, const std::string& key) {
  // The default is written out.
  const bool bounded = dense.max_magnitude() != proto::Dense::default_instance().max_magnitude();
  if (bounded && (dense.has_bucketize() || dense.has_piecewise())) {
    return ConfigError(key, ".max_magnitude: set, but ", dense.has_bucketize() ? "bucketize" : "piecewise",
                       " takes any number; leave it out");
  }
  const bool standardize = dense.transform() == proto::Dense::STANDARDIZE;
  if (dense.has_bucketize() && dense.has_piecewise())
    return ConfigError(key, ".piecewise: set, and so is bucketize; leave one of them out");
  if (dense.has_bucketize()) {
    if (dense.bucketize().boundaries().empty())
      return ConfigError(key, ".bucketize.boundaries: empty; must be at least one number");
    TANDEM_RETURN_IF_ERROR(CheckSplit(dense, "bucketize", "boundaries", dense.bucketize().boundaries(), key));
  }
  if (dense.has_piecewise())
    TANDEM_RETURN_IF_ERROR(CheckSplit(dense, "piecewise", "knots", dense.piecewise().knots(), key));
  for (const auto& [name, is_set] :
       {std::pair("mean", dense.has_mean()), std::pair("deviation", dense.has_deviation())}) {
    if (standardize && !is_set) {
      return ConfigError(key, ".", name,
                         ": not set; STANDARDIZE needs it (`tandem inspect --data` prints it)");
    }
    if (!standardize && is_set)
      return ConfigError(key, ".", name, ": set, but only transform: STANDARDIZE uses it");
  }
  return absl::OkStatus();
}

absl::Status CheckSequence(const proto::Feature& feature) {
  if (!feature.sparse().has_sequence()) return absl::OkStatus();
  const std::string key = KeyOf(feature);
  if (feature.sparse().multi_valued() || feature.sparse().weighted()) {
    return ConfigError(key, ".sparse.", feature.sparse().weighted() ? "weighted" : "multi_valued",
                       ": true, but a sequence is no bag; leave one of them out");
  }
  if (feature.has_serving_value())
    return ConfigError(key, ".serving_value: set, but a sequence has no constant value; leave it out");
  return absl::OkStatus();
}

absl::Status CheckKind(const proto::Feature& feature) {
  const std::string key = KeyOf(feature);
  if (feature.has_column() && feature.column().empty()) {
    return ConfigError(key, ".column: empty; leave it out where the column is called '", feature.name(), "'");
  }
  switch (feature.kind_case()) {
    case proto::Feature::kSparse:
      if (feature.sparse().has_table() && feature.sparse().table().empty()) {
        return ConfigError(key, ".sparse.table: empty; leave it out for a table of the feature's own");
      }
      if (feature.sparse().weighted() && feature.sparse().has_multi_valued() &&
          !feature.sparse().multi_valued()) {
        return ConfigError(key, ".sparse.multi_valued: false, but a weighted feature is multi-valued");
      }
      return CheckSequence(feature);
    case proto::Feature::kTime:
      return absl::OkStatus();
    case proto::Feature::kDense:
      return CheckDense(feature.dense(), absl::StrCat(key, ".dense"));
    case proto::Feature::KIND_NOT_SET:
      break;
  }
  return ConfigError(key, ": of no kind; accepted: sparse {}, dense {}, time {}");
}

// Only sparse features share a table: the vectors of a dense one are keyed by other things than ids.
absl::Status CheckTables(const std::vector<const proto::Feature*>& features) {
  absl::flat_hash_map<std::string, const proto::Feature*> owners;
  for (const proto::Feature* feature : features) {
    const bool named = !feature->sparse().table().empty();
    const std::string& table = named ? feature->sparse().table() : feature->name();
    const auto [owner, is_new] = owners.try_emplace(table, feature);
    if (is_new || (owner->second->has_sparse() && feature->has_sparse())) continue;
    const proto::Feature& sparse = feature->has_sparse() ? *feature : *owner->second;
    const proto::Feature& other = feature->has_sparse() ? *owner->second : *feature;
    return ConfigError(KeyOf(sparse), ".sparse.table: '", table, "' is the table of the ",
                       other.has_time() ? "time" : "dense", " feature '", other.name(),
                       "'; only sparse features share a table");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateFeatures(const proto::Experiment& experiment, std::vector<const proto::Feature*>* kept) {
  TANDEM_RETURN_IF_ERROR(CheckNames(experiment));
  kept->clear();
  for (const proto::Feature& feature : experiment.feature()) {
    const auto& dropped = experiment.drop_feature();
    if (std::find(dropped.begin(), dropped.end(), feature.name()) == dropped.end()) kept->push_back(&feature);
  }
  if (kept->empty()) {
    return ConfigError(
        "feature: ", experiment.feature_size() == 0 ? "none configured" : "drop_feature leaves none",
        "; must be at least one");
  }
  for (const proto::Feature* feature : *kept) TANDEM_RETURN_IF_ERROR(CheckKind(*feature));
  return CheckTables(*kept);
}

}  // namespace tandem
