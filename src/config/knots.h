// Knots that a configuration leaves out (feature.dense.piecewise), and another one has.
//
//   if (NeedsKnots(experiment)) TakeKnots(of_the_model, &experiment);
#ifndef TANDEM_SRC_CONFIG_KNOTS_H_
#define TANDEM_SRC_CONFIG_KNOTS_H_

#include "tandem/experiment.pb.h"

namespace tandem {

// Whether a piecewise feature has no knots; features that are dropped too.
bool NeedsKnots(const proto::Experiment& experiment);
// Gives those of `to` without knots the ones that the feature of the same name has in `from`, if it has any.
void TakeKnots(const proto::Experiment& from, proto::Experiment* to);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_KNOTS_H_
