#include "tandem/model_directory.h"

#include <glog/logging.h>

#include <memory>

#include "src/serve/bundle_files.h"
#include "src/train/checkpoint_state.h"
#include "src/train/completion.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "src/util/links.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kStateFile[] = "/state.pbtxt";

}  // namespace

bool IsBundle(FileSystem& fs, const std::string& directory) { return fs.Exists(BundleGraphPath(directory)); }

absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& link_or_model) {
  const std::string model = FollowLink(fs, link_or_model);
  if (!fs.Exists(model)) return ModelError(model, ": no such model");
  if (!fs.IsDirectory(model)) {
    return ModelError(
        model,
        ": a file, where a model is a directory: a run, a checkpoint (RUN/checkpoints/step-N) or a bundle");
  }
  if (IsBundle(fs, model) || fs.Exists(model + kStateFile)) return model;
  if (fs.Exists(model + "/days.jsonl") || fs.Exists(model + "/days")) {
    return ModelError(model, ": a folder of `tandem daily`; its model in place is ", model, "/published",
                      fs.Exists(model + "/published") ? "" : ", once one was published");
  }
  if (fs.Exists(RunConfigPath(model)) || fs.Exists(model + "/checkpoints")) {
    TANDEM_ASSIGN_OR_RETURN(const std::string newest, NewestCheckpoint(fs, model));
    if (newest.empty()) return ModelError(model, ": a run that has no checkpoint yet");
    TANDEM_RETURN_IF_ERROR(CheckRunConfig(fs, model, newest));
    TANDEM_ASSIGN_OR_RETURN(const std::optional<int64_t> complete, ReadCompletion(fs, model));
    if (complete.has_value() && StepDirectory(model, *complete) != newest) {
      LOG(WARNING) << model << " was complete at step " << *complete << ", but its newest checkpoint is "
                   << newest << ": it lacks what came after; resuming the run brings it back";
    }
    return newest;
  }
  return ModelError(model, ": neither a run, nor a checkpoint, nor a bundle");
}

absl::Status WithNewest(FileSystem& fs, const std::string& model,
                        absl::FunctionRef<absl::Status(const std::string& directory)> load) {
  constexpr int kMostTimes = 50;
  absl::Status loaded;
  for (int time = 0; time < kMostTimes; ++time) {
    const absl::StatusOr<std::string> directory = ResolveModel(fs, model);
    if (!directory.ok()) return loaded.ok() ? directory.status() : loaded;
    // While it is held, its run leaves it in place; where there are no locks, it may go and the next is
    // tried.
    const absl::StatusOr<std::unique_ptr<FileLock>> held = fs.TryLockShared(*directory);
    loaded = load(*directory);
    if (loaded.ok() || fs.Exists(*directory)) return loaded;
  }
  return loaded;
}

absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory) {
  if (!IsBundle(fs, directory)) return VerifyAndReadExperiment(fs, directory);
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, directory));
  return ReadBundleExperiment(fs, directory);
}

absl::StatusOr<std::string> ReadModelId(FileSystem& fs, const std::string& directory) {
  if (IsBundle(fs, directory)) {
    TANDEM_ASSIGN_OR_RETURN(const BundleGraph graph, OpenBundleGraph(fs, directory));
    return graph.header.model_id();
  }
  return ExportedModelId(fs, directory, Precision::kF32);
}

absl::StatusOr<ModelOrigin> ReadModelOrigin(FileSystem& fs, const std::string& directory) {
  ModelOrigin origin;
  if (IsBundle(fs, directory)) {
    TANDEM_ASSIGN_OR_RETURN(const BundleGraph graph, OpenBundleGraph(fs, directory));
    origin.model_id = graph.header.model_id();
    origin.base_id = graph.header.base_id();
    origin.last_day = graph.header.last_day();
    return origin;
  }
  TANDEM_ASSIGN_OR_RETURN(origin.model_id, ReadModelId(fs, directory));
  TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadRunState(fs, directory));
  origin.base_id = state.base_id();
  origin.last_day = LastDayOf(state);
  return origin;
}

}  // namespace tandem
