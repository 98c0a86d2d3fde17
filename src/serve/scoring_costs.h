// What scoring costs, for a profile (src/util/profile.h).
#ifndef TANDEM_SRC_SERVE_SCORING_COSTS_H_
#define TANDEM_SRC_SERVE_SCORING_COSTS_H_

#include "src/util/profile.h"
#include "tandem/predictor.h"

namespace tandem {

// FLOPs and bytes of a row in the stages that score it.
void SetScoringCosts(const Predictor& predictor, Profile* profile);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_SCORING_COSTS_H_
