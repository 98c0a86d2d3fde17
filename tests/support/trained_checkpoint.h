// A checkpoint to load, of a model that has learned a little.
#ifndef TANDEM_TESTS_SUPPORT_TRAINED_CHECKPOINT_H_
#define TANDEM_TESTS_SUPPORT_TRAINED_CHECKPOINT_H_

#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {

// Trains `steps` steps on random batches (tests/support/experiments.h) and writes the checkpoint to `path`.
void WriteTrainedCheckpoint(const proto::Experiment& experiment, int steps, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_TRAINED_CHECKPOINT_H_
