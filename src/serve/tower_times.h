// How long a model's towers take to score: what `inspect` and `compare` tell.
//
//   TANDEM_ASSIGN_OR_RETURN(const TowerTimes times, MeasureTowers(fs, checkpoint, kernels));
//   if (times.student) std::cout << *times.student << " us a sample\n";
#ifndef TANDEM_SRC_SERVE_TOWER_TIMES_H_
#define TANDEM_SRC_SERVE_TOWER_TIMES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/precision.h"

namespace tandem {

// Microseconds a sample on one thread: look-up, pooling and tower. Undefined for a tower that isn't there.
struct TowerTimes {
  std::optional<double> teacher, student;
};

// The fastest of some passes over 4,096 rows of ids that the tables hold, each tower loaded by itself as a
// server would. `kernels` null: the best. Errors as Predictor::Load's.
absl::StatusOr<TowerTimes> MeasureTowers(FileSystem& fs, const std::string& directory,
                                         const Kernels* kernels);

// The same of the student of a run or checkpoint, as a bundle in that precision serves it.
absl::StatusOr<double> MeasureServed(FileSystem& fs, const std::string& directory, const Kernels* kernels,
                                     Precision precision);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_TOWER_TIMES_H_
