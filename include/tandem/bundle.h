// Models on disk as scoring finds them: runs, checkpoints and serving bundles.
//
// A bundle is what `export` writes and a server loads: MANIFEST; graph.bin: the configuration and the
// student's parameters; and embedding.bin: the student's tables. Graph and embedding carry one model id: a
// pair of different models is refused. docs/file_formats.md describes the files. Errors of reading are
// ModelErrors.
#ifndef TANDEM_BUNDLE_H_
#define TANDEM_BUNDLE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/dual_model.h"
#include "tandem/files.h"
#include "tandem/predictor.h"

namespace tandem {

// The directory that `model` names: a checkpoint or bundle itself, or a run's newest checkpoint.
absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& model);
// Whether a directory that ResolveModel found is a bundle.
bool IsBundle(FileSystem& fs, const std::string& directory);

// Verifies the directory and reads its configuration; nothing else is loaded.
absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory);
// Loads the towers that `experiment`, from ReadModelExperiment and perhaps with fewer towers, asks for.
absl::StatusOr<std::unique_ptr<DualModel>> LoadModel(FileSystem& fs, const std::string& directory,
                                                     const proto::Experiment& experiment,
                                                     const Kernels& kernels);
// Narrows `experiment` to the towers that are wanted. A ConfigError if it lacks the one asked for.
absl::Status ChooseTowers(TowerChoice towers, const std::string& directory, proto::Experiment* experiment);

// Writes the student of a verified checkpoint as a bundle at `output`, which must not exist (ConfigError).
absl::Status ExportBundle(FileSystem& fs, const std::string& checkpoint, const Kernels& kernels,
                          const std::string& output);

}  // namespace tandem

#endif  // TANDEM_BUNDLE_H_
