// Where a run begins: at first values, at another run's checkpoint (fine-tuning), or where it was
// interrupted.
//
//   TANDEM_ASSIGN_OR_RETURN(RunStart start, StartRun(fs, experiment, options, kernels));
//   ... start.model, start.state ...
//
// Changes nothing on disk. Errors: ConfigError where the checkpoint doesn't fit the experiment or the window,
// ModelError where it is damaged.
#ifndef TANDEM_SRC_TRAIN_RUN_START_H_
#define TANDEM_SRC_TRAIN_RUN_START_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "src/train/checkpoint_state.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/run.h"
#include "tandem/state.pb.h"

namespace tandem {

struct RunStart {
  std::unique_ptr<DualModel> model;
  proto::RunState state;
  DayProgress day;         // of the day that was interrupted
  std::string checkpoint;  // of this run, that it goes on from; "": it begins
};

absl::StatusOr<RunStart> StartRun(FileSystem& fs, const proto::Experiment& experiment,
                                  const RunOptions& options, const Kernels& kernels);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_START_H_
