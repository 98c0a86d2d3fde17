// FLOPs and bytes of the stages that work on a model, for a profile.
//
//   if (Profile::Current() != nullptr) SetModelCosts(model, TrainedParts::kAll, Profile::Current());
//
// FLOPs are multiplications and additions as the method needs them; bytes are those that no cache can be
// expected to keep: embedding rows by whole cache lines, gradients and dense parameters with their slots. A
// field counts as one id: bags of several cost more, empty ones less.
#ifndef TANDEM_SRC_TRAIN_MODEL_COSTS_H_
#define TANDEM_SRC_TRAIN_MODEL_COSTS_H_

#include "src/util/profile.h"
#include "tandem/dual_model.h"
#include "tandem/trainer.h"

namespace tandem {

void SetModelCosts(const DualModel& model, TrainedParts parts, Profile* profile);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_MODEL_COSTS_H_
