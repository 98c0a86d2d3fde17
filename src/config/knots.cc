#include "src/config/knots.h"

#include <algorithm>

namespace tandem {
namespace {

bool LacksKnots(const proto::Feature& feature) {
  return feature.dense().has_piecewise() && feature.dense().piecewise().knots().empty();
}

}  // namespace

bool NeedsKnots(const proto::Experiment& experiment) {
  return std::any_of(experiment.feature().begin(), experiment.feature().end(), LacksKnots);
}

void TakeKnots(const proto::Experiment& from, proto::Experiment* to) {
  for (proto::Feature& feature : *to->mutable_feature()) {
    if (!LacksKnots(feature)) continue;
    for (const proto::Feature& other : from.feature()) {
      if (other.name() != feature.name()) continue;
      *feature.mutable_dense()->mutable_piecewise()->mutable_knots() = other.dense().piecewise().knots();
    }
  }
}

}  // namespace tandem
