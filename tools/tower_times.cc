#include "tools/tower_times.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <vector>

#include "src/serve/serving_tables.h"
#include "tandem/dual_model.h"
#include "tandem/predictor.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kRows = 4096;
constexpr int kPasses = 12;

// Rows of ids that the tables hold, so that the look-ups are real ones.
Batch RowsOfKnownIds(const LoadedModel& loaded, int rows) {
  const Schema& schema = loaded.model->schema();
  std::vector<std::vector<uint64_t>> keys(schema.tables().size());
  for (size_t t = 0; t < keys.size(); ++t) {
    if (loaded.tables != nullptr) {
      const absl::Span<const uint64_t> held = loaded.tables->keys(static_cast<int>(t));
      keys[t].assign(held.begin(), held.end());
    } else {
      loaded.model->embedding().tables()[t].VisitInOrder(
          [&](uint64_t key, uint32_t) { keys[t].push_back(key); }, nullptr);
    }
    if (keys[t].empty()) keys[t].push_back(0);
  }
  Batch batch(static_cast<int>(schema.fields().size()));
  for (int row = 0; row < rows; ++row) {
    batch.labels.push_back(0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
    for (size_t f = 0; f < schema.fields().size(); ++f) {
      const std::vector<uint64_t>& known = keys[schema.fields()[f].table];
      FieldBags& bags = batch.fields[f];
      bags.keys.push_back(known[(static_cast<size_t>(row) * 2654435761u + f) % known.size()]);
      bags.coefficients.push_back(1);
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
  return batch;
}

// The fastest of repeated passes over one batch, the one that others disturbed least; microseconds a row.
absl::StatusOr<double> MicrosecondsPerSample(const std::string& directory, const Batch& batch,
                                             TowerChoice tower, const Kernels* kernels) {
  PredictorOptions options;
  options.towers = tower;
  options.kernels = kernels;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor, Predictor::Load(directory, options));
  Scores scores;
  double fastest = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    predictor->Score(batch, &scores);
    const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, elapsed.count() / batch.rows());
  }
  return fastest;
}

}  // namespace

absl::StatusOr<TowerTimes> MeasureTowers(const std::string& directory, const LoadedModel& loaded,
                                         const Kernels* kernels) {
  const Batch batch = RowsOfKnownIds(loaded, kRows);
  TowerTimes times;
  if (loaded.model->has_teacher()) {
    TANDEM_ASSIGN_OR_RETURN(times.teacher,
                            MicrosecondsPerSample(directory, batch, TowerChoice::kTeacher, kernels));
  }
  if (loaded.model->has_student()) {
    TANDEM_ASSIGN_OR_RETURN(times.student,
                            MicrosecondsPerSample(directory, batch, TowerChoice::kStudent, kernels));
  }
  return times;
}

}  // namespace tandem
