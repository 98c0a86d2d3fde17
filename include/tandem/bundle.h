// Models on disk as scoring finds them: runs, checkpoints and serving bundles.
//
// A bundle is what `export` writes and a server loads: MANIFEST; graph.bin: the configuration and the
// student's parameters; and embedding.bin: the student's tables. Graph and embedding carry one model id: a
// pair of different models is refused. In low precision (tandem/precision.h) the tables take less memory, on
// disk and loaded, and the graph says what that cost on the rows it was measured on. docs/file_formats.md
// describes the files. Errors of reading are ModelErrors.
#ifndef TANDEM_BUNDLE_H_
#define TANDEM_BUNDLE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/dual_model.h"
#include "tandem/files.h"
#include "tandem/metrics.h"
#include "tandem/precision.h"
#include "tandem/predictor.h"

namespace tandem {

namespace proto {
class BundleHeader;
}  // namespace proto

// The directory that `model` names: a checkpoint or bundle itself, or a run's newest checkpoint. Of a
// symbolic link the directory that it leads to now, so that what is read from it is of one model even if the
// link is switched meanwhile.
absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& model);
// Whether a directory that ResolveModel found is a bundle.
bool IsBundle(FileSystem& fs, const std::string& directory);

class ServingTables;

// A model as scoring holds it.
struct LoadedModel {
  LoadedModel();
  LoadedModel(LoadedModel&&) noexcept;
  LoadedModel& operator=(LoadedModel&&) noexcept;
  ~LoadedModel();

  Precision precision() const;

  std::unique_ptr<DualModel> model;
  // A student's embedding rows, in the bundle's precision; null where there is a teacher. With them the
  // embedding of `model` has no rows, and in low precision its student's weights are the floats that the
  // stored ones stand for.
  std::unique_ptr<ServingTables> tables;
};

// What low precision does to a student's metrics.
struct PrecisionReport {
  Metrics f32, served;  // of the same rows
  // The kernel variants whose scores these are.
  std::string f32_kernels, served_kernels;
};

// The id of the student that a checkpoint would be exported as, in float32.
absl::StatusOr<std::string> StudentModelId(FileSystem& fs, const std::string& checkpoint);
// What a bundle of it would say: model id, base, last day.
absl::StatusOr<proto::BundleHeader> DescribeStudent(FileSystem& fs, const std::string& checkpoint);
// What a bundle says of itself. The caller has verified it.
absl::StatusOr<proto::BundleHeader> ReadBundleHeader(FileSystem& fs, const std::string& bundle);

// Verifies the directory and reads its configuration; nothing else is loaded.
absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory);
// The same of a bundle that the caller verifies: its files are records with checksums of their own, so that
// what is damaged is an error here too.
absl::StatusOr<proto::Experiment> ReadBundleExperiment(FileSystem& fs, const std::string& bundle);
// Loads the towers that `experiment`, from one of these and perhaps with fewer towers, asks for.
absl::StatusOr<LoadedModel> LoadModel(FileSystem& fs, const std::string& directory,
                                      const proto::Experiment& experiment, const Kernels& kernels);
// Narrows `experiment` to the towers that are wanted. A ConfigError if it lacks the one asked for.
absl::Status ChooseTowers(TowerChoice towers, const std::string& directory, proto::Experiment* experiment);
// What a bundle says of its precision; nothing for a checkpoint or a bundle in float32.
absl::StatusOr<std::optional<PrecisionReport>> ReadPrecisionReport(FileSystem& fs,
                                                                   const std::string& directory);

struct ExportOptions {
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  Precision precision = Precision::kF32;

  // The rest is for low precision. Scores labelled rows with the student of each predictor, a log each.
  std::function<absl::StatusOr<std::vector<ScoreLog>>(const std::vector<const Predictor*>& predictors)> score;
  // `data.*` overrides for reading those rows.
  std::vector<std::string> data_overrides;
  // The export is refused (ConfigError) if AUC falls by more.
  double max_auc_loss = 0.0005;
};

// Writes the student of a checkpoint as a bundle at `output`, which must not exist (ConfigError). In low
// precision it is measured first, against the same student in float32; a report comes back.
absl::StatusOr<std::optional<PrecisionReport>> ExportBundle(FileSystem& fs, const std::string& checkpoint,
                                                            const std::string& output,
                                                            const ExportOptions& options);

}  // namespace tandem

#endif  // TANDEM_BUNDLE_H_
