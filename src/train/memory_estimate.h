// The memory that training will take, about, and by which settings.
//
//   const MemoryEstimate memory = EstimateMemory(experiment, {{"user", 20000}}, /*rows=*/1e6);
//   memory.bytes();
#ifndef TANDEM_SRC_TRAIN_MEMORY_ESTIMATE_H_
#define TANDEM_SRC_TRAIN_MEMORY_ESTIMATE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "tandem/experiment.pb.h"

namespace tandem {

struct MemoryEstimate {
  double tables = 0;   // rows, their optimizer's state and their index
  double towers = 0;   // weights, gradients, optimizer's state
  double shuffle = 0;  // the rows of a shuffled block, and the next one that is read meanwhile
  double program = 0;
  double bytes() const { return tables + towers + shuffle + program; }
};

// `table_rows`: of each table of ids. `rows`: of the log.
MemoryEstimate EstimateMemory(const proto::Experiment& experiment,
                              const std::map<std::string, double>& table_rows, double rows);

// Floats that an optimizer, of some kind, keeps for each weight.
int OptimizerSlots(const proto::Optimizer& optimizer);
// Of an id in the tables: its rows, their optimizer's state, its place in the index.
double BytesAnId(const proto::Experiment& experiment);

// A ModelError, before anything is allocated, where scoring `rows` rows at a time with the towers of the
// configuration, of a model at `path`, takes more than the machine has. It names the settings that ask for
// the most.
absl::Status CheckScoringMemory(const proto::Experiment& experiment, int rows, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_MEMORY_ESTIMATE_H_
