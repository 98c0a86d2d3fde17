// Writes the student of a checkpoint as a bundle to serve from (tandem/model_directory.h says what one is).
//
//   ExportOptions options;
//   options.precision = Precision::kInt8;                       // float32 is the default, and needs no files
//   options.files = {"logs/2000-12-02.tsv.gz"};
//   TANDEM_ASSIGN_OR_RETURN(const auto report, ExportBundle(fs, checkpoint, "bundle", options));
//   if (report.has_value()) std::cout << PrecisionTable(*report);
//
// In low precision (tandem/precision.h) the tables take less memory, on disk and loaded, and the graph says
// what that cost on the rows it was measured on. The bundle is written aside and renamed: it is whole or not
// there.
//
// Thread-safe, for outputs that differ; two calls to one output: one of the bundles, whole.
#ifndef TANDEM_EXPORT_H_
#define TANDEM_EXPORT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/metrics.h"
#include "tandem/precision.h"
#include "tandem/precision_report.h"

namespace tandem {

class Predictor;

struct ExportOptions {
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // A model that should not be served (tandem/poor_model.h) is refused, unless this says otherwise.
  bool accept_poor_model = false;
  Precision precision = Precision::kF32;

  // The rest is for low precision. Labelled sample files to measure with...
  std::vector<std::string> files;
  // ...or, where it is set, what scores labelled rows of its own with the student of each predictor, a log
  // each.
  std::function<absl::StatusOr<std::vector<ScoreLog>>(const std::vector<const Predictor*>& predictors)> score;
  // `data.*` and `runtime.*` overrides for reading those files.
  std::vector<std::string> data_overrides;
  // The export is refused (ConfigError) if AUC falls by more.
  double max_auc_loss = 0.0005;
};

// `output` must not exist (ConfigError). PoorModelError where the run's verdict is against the model. In low
// precision the student is measured first, against the same in float32; a report comes back.
// `model`: a checkpoint, or a run, whose newest it is.
absl::StatusOr<std::optional<PrecisionReport>> ExportBundle(FileSystem& fs, const std::string& model,
                                                            const std::string& output,
                                                            const ExportOptions& options);

}  // namespace tandem

#endif  // TANDEM_EXPORT_H_
