// What `train` and `finetune` share.
#ifndef TANDEM_TOOLS_TRAIN_RUN_H_
#define TANDEM_TOOLS_TRAIN_RUN_H_

#include "absl/status/statusor.h"
#include "tandem/run.h"

namespace tandem {

// Fills the rest of `options` from the flags, runs, and prints the last checkpoint. Returns the exit code.
absl::StatusOr<int> TrainAndReport(const proto::Experiment& experiment, RunOptions* options);

}  // namespace tandem

#endif  // TANDEM_TOOLS_TRAIN_RUN_H_
