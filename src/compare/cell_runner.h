// The cells of a comparison: trains, evaluates and keeps each one, so that a comparison that was stopped or
// killed goes on where it was.
//
// Below the comparison's directory: runs/ROW/seed-S/ is the run, an ordinary one; cells/ROW/seed-S.json what
// was measured, written once the cell is done; cells/ROW/seed-S.seconds the time spent so far;
// cells/ROW/times.json the towers' scoring times.
#ifndef TANDEM_SRC_COMPARE_CELL_RUNNER_H_
#define TANDEM_SRC_COMPARE_CELL_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/compare/comparison.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/run.h"

namespace tandem {

struct CellOptions {
  std::string run_dir;    // of the comparison
  std::vector<Day> days;  // to train on
  std::vector<std::string> test_files;
  const Kernels* kernels = nullptr;
  RunObserver* observer = nullptr;  // as RunOptions has it
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
  int jobs = 1;  // cells at a time; from two on a cell has one thread
  bool terminal = false;
  // Gets a line for people, one at a time; may be null.
  std::function<void(const std::string& line)> progress;
  // As RunOptions has it; may be null.
  const std::atomic<int>* stop = nullptr;
};

// A cell to be: the configuration carries the seed.
struct PlannedCell {
  std::string row;
  uint64_t seed = 0;
  const proto::Experiment* experiment = nullptr;
};

struct CellResults {
  std::vector<std::optional<CompareCell>> cells;  // nullopt: failed
  std::vector<absl::Status> failures;             // of each
  absl::Status failure;                           // of the first that did, with what can be done
};

class CellRunner {
 public:
  explicit CellRunner(CellOptions options) : options_(std::move(options)) {}

  // A ConfigError when what the directory holds of the cell was made with another configuration.
  absl::Status CheckKept(const PlannedCell& cell) const;
  // Trains and measures the cells that aren't done, `jobs` at a time and in their order, and returns all of
  // them. A cell that fails doesn't keep the others from it. A stop signal leaves kCancelled.
  absl::StatusOr<CellResults> RunAll(const std::vector<PlannedCell>& cells) const;
  // Measures the row's scoring times on its first cell, unless that was done.
  absl::Status MeasureTimes(const PlannedCell& first, CompareRow* row) const;

 private:
  bool Stopped() const { return options_.stop != nullptr && *options_.stop != 0; }
  void Tell(const std::string& line) const {
    if (options_.progress != nullptr) options_.progress(line);
  }
  std::string RunDirectory(const PlannedCell& cell) const;
  std::string CellPath(const PlannedCell& cell, const char* suffix) const;
  absl::StatusOr<std::optional<CompareCell>> ReadKept(const PlannedCell& cell) const;
  absl::StatusOr<CompareCell> Run(const PlannedCell& cell) const;
  absl::Status Train(const PlannedCell& cell, CompareCell* result) const;
  absl::Status Measure(const PlannedCell& cell, CompareCell* result) const;

  CellOptions options_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_COMPARE_CELL_RUNNER_H_
