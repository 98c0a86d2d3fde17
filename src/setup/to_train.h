// A configuration that is complete but for its defaults, made ready for a training: what ExperimentToTrain
// (tandem/setup.h) does after it has read the files.
//
//   TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ResolvedToTrain(given, {"train.seed=2"}));
#ifndef TANDEM_SRC_SETUP_TO_TRAIN_H_
#define TANDEM_SRC_SETUP_TO_TRAIN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/experiment.pb.h"

namespace tandem {

// `overrides` are in it already: those that have no effect are refused.
absl::StatusOr<proto::Experiment> ResolvedToTrain(proto::Experiment experiment,
                                                  const std::vector<std::string>& overrides);

}  // namespace tandem

#endif  // TANDEM_SRC_SETUP_TO_TRAIN_H_
