// The memory that training will take, about.
//
//   const MemoryEstimate memory = EstimateMemory(experiment, {{"user", 20000}}, /*rows=*/1e6);
//   memory.bytes();
#ifndef TANDEM_SRC_INIT_MEMORY_ESTIMATE_H_
#define TANDEM_SRC_INIT_MEMORY_ESTIMATE_H_

#include <map>
#include <string>

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

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_MEMORY_ESTIMATE_H_
