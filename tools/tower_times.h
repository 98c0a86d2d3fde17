// How long a model's towers take to score: what `inspect --time` and `compare` print.
#ifndef TANDEM_TOOLS_TOWER_TIMES_H_
#define TANDEM_TOOLS_TOWER_TIMES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/bundle.h"
#include "tandem/kernels.h"

namespace tandem {

// Microseconds a sample on one thread: look-up, pooling and tower. Undefined for a tower that isn't there.
struct TowerTimes {
  std::optional<double> teacher, student;
};

// The fastest of some passes over 4,096 rows of ids that the tables hold. `loaded`: what is in `directory`.
absl::StatusOr<TowerTimes> MeasureTowers(const std::string& directory, const LoadedModel& loaded,
                                         const Kernels* kernels);

}  // namespace tandem

#endif  // TANDEM_TOOLS_TOWER_TIMES_H_
