// What a run's metrics.jsonl says: losses step by step, metrics of each day before it was learned from, and
// those of held-out rows.
//
//   TANDEM_ASSIGN_OR_RETURN(const RunHistory history, ReadRunHistory(fs, "run"));
//   for (const DayRecord& day : history.days) std::cout << day.day << " " << day.student.auc.value_or(0.5);
#ifndef TANDEM_SRC_REPORT_RUN_HISTORY_H_
#define TANDEM_SRC_REPORT_RUN_HISTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

// Not set: null in the file, or not there.
struct LossRecord {
  int64_t step = 0;
  std::optional<double> teacher, student;  // log loss of the step's batch
};

struct RecordedMetrics {
  std::optional<double> auc, logloss, normalized_entropy;
};

struct DayRecord {
  std::string day;  // "" for a log without days
  int64_t step = 0;
  int64_t rows = 0;  // that were scored
  std::optional<int64_t> malformed;
  std::optional<double> clicks;  // by weight
  RecordedMetrics teacher, student;
};

struct ValidationRecord {
  int64_t step = 0;
  int64_t rows = 0;
  RecordedMetrics teacher, student;
};

struct RunHistory {
  std::vector<LossRecord> losses;
  std::vector<DayRecord> days;
  std::vector<ValidationRecord> validations;
};

// Empty where the run has no such file. A ModelError where a line isn't one of a run's; the last may be
// unfinished.
absl::StatusOr<RunHistory> ReadRunHistory(FileSystem& fs, const std::string& run_dir);

}  // namespace tandem

#endif  // TANDEM_SRC_REPORT_RUN_HISTORY_H_
