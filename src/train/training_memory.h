// What a training takes by its configuration, held against runtime.memory_limit, or what the machine has.
//
//   const TrainingMemory memory(experiment, /*threads=*/8, ExpectedRows(fs, experiment, days));
//   TANDEM_RETURN_IF_ERROR(memory.CheckStart());                // before anything is allocated
//   TANDEM_RETURN_IF_ERROR(memory.CheckTables(model));          // while ids come
//
// What is refused is a ConfigError that names the settings that ask for the most.
#ifndef TANDEM_SRC_TRAIN_TRAINING_MEMORY_H_
#define TANDEM_SRC_TRAIN_TRAINING_MEMORY_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/train/memory_demand.h"
#include "tandem/day_files.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"

namespace tandem {

class TrainingMemory {
 public:
  // `rows`: of the log's largest day, where it is known: no block that is shuffled is larger.
  TrainingMemory(const proto::Experiment& experiment, int threads,
                 double rows = std::numeric_limits<double>::infinity());
  // Of `online`: no block, rows that wait for their label, online.max_rows.
  static TrainingMemory OfStream(const proto::Experiment& experiment, int threads);

  // Weights with their state, a shard's activations a thread, rows that are shuffled, replayed or wait; and
  // the tables, where a setting bounds them, as full as it allows. What nobody bounds is seen by CheckTables.
  absl::Status CheckStart() const;
  // All, with tables that have come to so many bytes.
  absl::Status CheckTables(double table_bytes) const;
  // With the model's tables as they are.
  absl::Status CheckTables(const DualModel& model) const;
  // With tables of so many bytes: of them a checkpoint writes a part at a time, from a copy.
  double bytes(double table_bytes) const;

 private:
  TrainingMemory(const proto::Experiment& experiment, int threads, const std::string& bound);

  std::string Limit() const;

  MemoryDemand demand_;
  std::string bound_;      // the setting that bounds the tables
  double block_bytes_;     // of the part of a table that is written at a time
  double most_table_ = 0;  // what it lets them come to; 0: it doesn't
  bool configured_;
  double limit_;
};

// Rows of the largest day, about, by the sizes of its files; infinite where one is a pipe.
double ExpectedRows(FileSystem& fs, const proto::Experiment& experiment, const std::vector<Day>& days);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_TRAINING_MEMORY_H_
