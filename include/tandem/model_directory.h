// Models on disk as whoever reads one finds them: runs, checkpoints and serving bundles.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::string directory, ResolveModel(fs, "run"));  // its newest checkpoint
//   TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadModelExperiment(fs, directory));
//   TANDEM_ASSIGN_OR_RETURN(const ModelOrigin origin, ReadModelOrigin(fs, directory));
//
// A bundle is what ExportBundle (tandem/export.h) writes and a server loads: MANIFEST; graph.bin: the
// configuration and the student's parameters; and embedding.bin: the student's tables. Graph and embedding
// carry one model id: a pair of different models is refused. docs/file_formats.md describes the files.
//
// A run's directory is refused whose config.pbtxt isn't the one that its checkpoint was written with.
//
// Errors are ModelErrors that name what is damaged or missing. Functions are thread-safe.
#ifndef TANDEM_MODEL_DIRECTORY_H_
#define TANDEM_MODEL_DIRECTORY_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// The directory that `model` names: a checkpoint or bundle itself, or a run's newest checkpoint. Of a
// symbolic link the directory that it leads to now, so that what is read from it is of one model even if the
// link is switched meanwhile.
absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& model);
// Calls `load` with the directory that ResolveModel finds, and holds it meanwhile: a run that goes on keeps
// its checkpoint in place. Where the file system has no locks the checkpoint may go all the same; `load` is
// then called again, with the next one.
absl::Status WithNewest(FileSystem& fs, const std::string& model,
                        absl::FunctionRef<absl::Status(const std::string& directory)> load);
// Whether a directory that ResolveModel found is a bundle.
bool IsBundle(FileSystem& fs, const std::string& directory);

// Verifies the directory and reads its configuration; nothing else is loaded.
absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory);

// Which model it is: of a bundle the id that its files carry; of a checkpoint that of the student that it
// would be exported as, in float32. Nothing is verified.
absl::StatusOr<std::string> ReadModelId(FileSystem& fs, const std::string& directory);

// Where a model comes from.
struct ModelOrigin {
  std::string model_id;
  std::string base_id;   // of a student that learned online: its base's model id; "" for others
  std::string last_day;  // YYYY-MM-DD that it was trained up to; "" for a log without days
};
// The caller has verified the directory.
absl::StatusOr<ModelOrigin> ReadModelOrigin(FileSystem& fs, const std::string& directory);

}  // namespace tandem

#endif  // TANDEM_MODEL_DIRECTORY_H_
