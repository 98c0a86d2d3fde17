#include "tests/support/trained_checkpoint.h"

#include <glog/logging.h>

#include "src/train/checkpoint_state.h"
#include "tandem/checkpoint.h"
#include "tandem/state.pb.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"

namespace tandem {

void WriteTrainedCheckpoint(const proto::Experiment& experiment, int steps, const std::string& path) {
  Workers workers(1);
  DualModel model(experiment, *FindKernels("auto").value(), /*trained=*/true);
  model.Initialize();
  Trainer trainer(&model, TrainedParts::kAll, TrainerClock(), &workers);
  for (int step = 0; step < steps; ++step) {
    CHECK(trainer.Step(RandomBatch(model.schema(), 64, step)).ok());
  }
  CHECK(SaveCheckpoint(FileSystem::Default(), path, model, proto::RunState(), DayProgress()).ok());
}

}  // namespace tandem
