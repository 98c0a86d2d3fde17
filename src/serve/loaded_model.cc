#include "src/serve/loaded_model.h"

#include <utility>

#include "src/config/methods.h"
#include "src/serve/bundle_files.h"
#include "src/serve/precision_proto.h"
#include "src/train/memory_estimate.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// That go through a tower, about.
constexpr int kRowsAtATime = 128;

// The rows of `loaded`, a student, for reading only.
absl::Status LoadTables(FileSystem& fs, const std::string& path, const std::string& model_id,
                        Precision precision, LoadedModel* loaded) {
  const DualModel& model = *loaded->model;
  TANDEM_ASSIGN_OR_RETURN(ServingTables tables,
                          ServingTables::Load(fs, path, model_id, model.schema(), model.embedding().dim(),
                                              model.student().linear(), precision, model.kernels()));
  loaded->tables = std::make_unique<ServingTables>(std::move(tables));
  return absl::OkStatus();
}

absl::Status LoadBundle(FileSystem& fs, const std::string& directory, bool in_stores, LoadedModel* loaded) {
  DualModel& model = *loaded->model;
  TANDEM_ASSIGN_OR_RETURN(BundleGraph graph, OpenBundleGraph(fs, directory));
  TANDEM_RETURN_IF_ERROR(LoadBundleParameters(model.student(), &graph, &model.student_parameters()));
  const Precision precision = FromProto(graph.header.precision());
  if (in_stores && precision != Precision::kF32) {
    return ConfigError("row_stores: ", directory, " is in ", PrecisionName(precision),
                       "; stores hold rows of float32. Export the run without a precision");
  }
  const std::string path = BundleEmbeddingPath(directory);
  TANDEM_RETURN_IF_ERROR(
      in_stores ? model.embedding().Load(fs, path, graph.header.model_id(), EmbeddingLoad::kServed)
                : LoadTables(fs, path, graph.header.model_id(), precision, loaded));
  model.Prepare();
  return absl::OkStatus();
}

}  // namespace

absl::Status ChooseTowers(TowerChoice towers, const std::string& directory, proto::Experiment* experiment) {
  const proto::Method method = experiment->model().method();
  if (towers == TowerChoice::kTeacher) {
    if (method == proto::STUDENT_ALONE)
      return ConfigError("tower teacher: ", directory, " has a student only");
    experiment->mutable_model()->set_method(proto::TEACHER_ALONE);
  } else if (towers == TowerChoice::kStudent) {
    if (method == proto::TEACHER_ALONE)
      return ConfigError("tower student: ", directory, " has a teacher only");
    *experiment = StudentAlone(std::move(*experiment));
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadedModel> LoadModel(FileSystem& fs, const std::string& directory,
                                      const proto::Experiment& experiment, const Kernels& kernels,
                                      const RowStoreFactory& row_stores) {
  TANDEM_RETURN_IF_ERROR(CheckScoringMemory(experiment, kRowsAtATime, directory));
  LoadedModel loaded;
  const bool in_stores = row_stores != nullptr;
  TANDEM_ASSIGN_OR_RETURN(loaded.model, DualModel::Make(experiment, kernels, /*trained=*/false, row_stores));
  if (IsBundle(fs, directory)) {
    TANDEM_RETURN_IF_ERROR(LoadBundle(fs, directory, in_stores, &loaded));
  } else if (!loaded.model->has_teacher() && !in_stores) {
    TANDEM_RETURN_IF_ERROR(LoadCheckpointTowers(fs, directory, EmbeddingLoad::kServed, loaded.model.get()));
    TANDEM_RETURN_IF_ERROR(
        LoadTables(fs, StudentEmbeddingFile(fs, directory), /*model_id=*/"", Precision::kF32, &loaded));
  } else {
    TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, directory, EmbeddingLoad::kServed, loaded.model.get()));
  }
  return loaded;
}

}  // namespace tandem
