#include "src/serve/tower_times.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

#include "src/config/methods.h"
#include "src/serve/known_rows.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/predictor.h"
#include "tandem/served_model.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kRows = 4096;
constexpr int kPasses = 12;

// The fastest of repeated passes over one batch, the one that others disturbed least; microseconds a row.
absl::StatusOr<double> MicrosecondsPerSample(const Predictor& predictor) {
  TANDEM_ASSIGN_OR_RETURN(const Batch batch, RowsOfKnownIds(predictor, kRows));
  Scores scores;
  double fastest = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    TANDEM_RETURN_IF_ERROR(predictor.Score(batch, &scores));
    const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, elapsed.count() / batch.rows());
  }
  return fastest;
}

absl::StatusOr<std::shared_ptr<const Predictor>> LoadTower(FileSystem& fs, const std::string& directory,
                                                           TowerChoice tower, const Kernels* kernels) {
  PredictorOptions options;
  options.towers = tower;
  options.kernels = kernels;
  options.file_system = &fs;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served, ServedModel::Open(directory, options));
  return served->current();
}

absl::StatusOr<double> MicrosecondsPerSample(FileSystem& fs, const std::string& directory, TowerChoice tower,
                                             const Kernels* kernels) {
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor,
                          LoadTower(fs, directory, tower, kernels));
  return MicrosecondsPerSample(*predictor);
}

}  // namespace

absl::StatusOr<double> MeasureServed(FileSystem& fs, const std::string& directory, const Kernels* kernels,
                                     Precision precision) {
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor,
                          LoadTower(fs, directory, TowerChoice::kStudent, kernels));
  return MicrosecondsPerSample(*predictor->InPrecision(precision));
}

absl::StatusOr<TowerTimes> MeasureTowers(FileSystem& fs, const std::string& directory,
                                         const Kernels* kernels) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadModelExperiment(fs, directory));
  TowerTimes times;
  if (HasTeacher(experiment.model())) {
    TANDEM_ASSIGN_OR_RETURN(times.teacher,
                            MicrosecondsPerSample(fs, directory, TowerChoice::kTeacher, kernels));
  }
  if (HasStudent(experiment.model())) {
    TANDEM_ASSIGN_OR_RETURN(times.student,
                            MicrosecondsPerSample(fs, directory, TowerChoice::kStudent, kernels));
  }
  return times;
}

}  // namespace tandem
