// A model as scoring holds it: its towers, and where it is a student alone the rows for reading only.
//
//   TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, ReadModelExperiment(fs, directory));
//   TANDEM_RETURN_IF_ERROR(ChooseTowers(TowerChoice::kStudent, directory, &experiment));
//   TANDEM_ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(fs, directory, experiment, kernels));
//
// Errors are ModelErrors that name the file.
#ifndef TANDEM_SRC_SERVE_LOADED_MODEL_H_
#define TANDEM_SRC_SERVE_LOADED_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/serve/serving_tables.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/precision.h"
#include "tandem/predictor.h"

namespace tandem {

struct LoadedModel {
  Precision precision() const { return tables != nullptr ? tables->precision() : Precision::kF32; }

  std::unique_ptr<DualModel> model;
  // A student's embedding rows, in the bundle's precision; null where there is a teacher, or row stores. With
  // them the embedding of `model` has no rows, and in low precision its student's weights are the floats that
  // the stored ones stand for.
  std::unique_ptr<ServingTables> tables;
};

// Narrows `experiment` to the towers that are wanted. A ConfigError if it lacks the one asked for.
absl::Status ChooseTowers(TowerChoice towers, const std::string& directory, proto::Experiment* experiment);

// Loads the towers that `experiment`, read from `directory` and perhaps narrowed, asks for. The caller
// verifies the directory. `kernels` outlives the model. With `row_stores` the rows are in the model's
// embedding, in stores that it makes, and there are no `tables`: a ConfigError in low precision.
absl::StatusOr<LoadedModel> LoadModel(FileSystem& fs, const std::string& directory,
                                      const proto::Experiment& experiment, const Kernels& kernels,
                                      const RowStoreFactory& row_stores = nullptr);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_LOADED_MODEL_H_
