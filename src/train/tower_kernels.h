// What a run's towers multiply with.
//
//   const Kernels& of_towers = TowerKernels(experiment.train(), kernels);
#ifndef TANDEM_SRC_TRAIN_TOWER_KERNELS_H_
#define TANDEM_SRC_TRAIN_TOWER_KERNELS_H_

#include "src/kernels/mixed_precision.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"

namespace tandem {

// `kernels`, or those of bfloat16 factors that go with them.
inline const Kernels& TowerKernels(const proto::Train& train, const Kernels& kernels) {
  return train.precision() == proto::Train::BF16 ? WithBf16Factors(kernels) : kernels;
}

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_TOWER_KERNELS_H_
