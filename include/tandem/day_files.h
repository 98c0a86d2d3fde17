// The files of a log: by day, or by globs.
//
//   TANDEM_ASSIGN_OR_RETURN(std::vector<Day> days, FindWindow(fs, data.path(), "2000-12-01", 30, &missing));
//   for (const std::string& file : days[0].files) ...
//
// A file that is named twice, by overlapping globs, another spelling of its path or a link, is read once, and
// a warning names it.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_DAY_FILES_H_
#define TANDEM_DAY_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/file_system.h"

namespace tandem {

// One day of the log. Files are in name order.
struct Day {
  std::string date;  // YYYY-MM-DD, or "" for a path without {date}
  std::vector<std::string> files;
};

// The days begin_date..end_date (both YYYY-MM-DD, inclusive) of a path with {date} or {date:FORMAT}; days
// without a file go into `missing`. A path without a date is one Day with an empty date. No file at all is a
// DataError that says what was looked for. A malformed date or pattern is a ConfigError, and so is a file
// that is two days' (a link).
absl::StatusOr<std::vector<Day>> FindDays(FileSystem& fs, const std::string& path,
                                          const std::string& begin_date, const std::string& end_date,
                                          std::vector<std::string>* missing);
// The same for the `days` days that end on end_date.
absl::StatusOr<std::vector<Day>> FindWindow(FileSystem& fs, const std::string& path,
                                            const std::string& end_date, int days,
                                            std::vector<std::string>* missing);
// The files that paths and globs name, in order; "-" is standard input. One that matches nothing is a
// DataError, "-" twice a ConfigError. A comma in a path is one of its own.
absl::StatusOr<std::vector<std::string>> FindFiles(FileSystem& fs, absl::Span<const std::string> patterns);
// Days in their order as ranges: "2000-11-02..2000-11-05 2000-11-09".
std::string DayRanges(const std::vector<std::string>& dates);
// True if the path has a {date} in it.
bool HasDate(const std::string& path);

}  // namespace tandem

#endif  // TANDEM_DAY_FILES_H_
