// Columns as features of an experiment.
//
//   for (const PlannedFeature& feature : FeaturesOf(plans, recipe.knots)) ...
#ifndef TANDEM_SRC_INIT_FEATURES_H_
#define TANDEM_SRC_INIT_FEATURES_H_

#include <set>
#include <string>
#include <vector>

#include "src/init/column_kind.h"
#include "tandem/experiment.pb.h"

namespace tandem {

struct PlannedFeature {
  const ColumnPlan* column;
  proto::Feature feature;
  std::string why;
};

// At most `knots` of a number.
std::vector<PlannedFeature> FeaturesOf(const ColumnPlans& plans, int knots);

// Letters, digits and underscores of a column's name, none of `taken`, to which it is added.
std::string FeatureName(const std::string& column, std::set<std::string>* taken);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_FEATURES_H_
