// The log of a daily run, day by day: which days there are, and how many rows they hold.
//
//   DayLog log(fs, experiment);
//   TANDEM_ASSIGN_OR_RETURN(const std::optional<Day> next_day, log.NextDay(absl::CivilDay(2000, 12, 1)));
//   TANDEM_ASSIGN_OR_RETURN(const DayLog::Rows rows, log.CountRows(*next_day));
//
// Errors of reading are DataErrors. Not thread-safe.
#ifndef TANDEM_SRC_DAILY_DAY_LOG_H_
#define TANDEM_SRC_DAILY_DAY_LOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"
#include "tandem/threads.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

class DayLog {
 public:
  // So many days after a date are looked at for a later log.
  static constexpr int kDaysAhead = 366;

  struct Rows {
    int64_t good = 0;  // with a label
    int64_t bad = 0;   // malformed
  };

  // Both outlive it.
  DayLog(FileSystem& fs, const proto::Experiment& experiment);

  // Whether a labelled row is in it, or so many malformed ones that whoever reads it all must stop.
  absl::StatusOr<bool> HoldsRows(const Day& day);
  // The first day after `date` with a log that holds rows; nullopt at the end of the log.
  absl::StatusOr<std::optional<Day>> NextDay(absl::CivilDay date);
  // Read once, then known.
  absl::StatusOr<Rows> CountRows(const Day& day);

 private:
  FileSystem& fs_;
  const proto::Experiment& experiment_;
  const std::unique_ptr<const SampleFormat> format_;
  const Schema schema_;
  Workers workers_;
  std::map<std::string, Rows> rows_of_days_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DAILY_DAY_LOG_H_
