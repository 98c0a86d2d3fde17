// What the columns of a log hold: coverage, distinct values, and the figures of those that are numbers.
//
//   TANDEM_ASSIGN_OR_RETURN(const LogSummary log, SummarizeLog(fs, experiment, {"logs/2000-12-01.tsv.gz"}));
//   std::cout << LogSummaryText(log);
//
// Memory: 16 bytes or so for each distinct value of each column.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_LOG_SUMMARY_H_
#define TANDEM_LOG_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct ColumnSummary {
  // Of a column that holds nothing but numbers, one a cell.
  struct Numbers {
    double mean = 0, deviation = 0, least = 0, greatest = 0;
  };

  // Shares of the rows.
  double coverage() const;
  double values_per_row() const;

  std::string name;
  int64_t cells = 0;
  int64_t missing = 0;   // of the cells: empty, or one of data.missing_value
  int64_t values = 0;    // ids of all cells; more than one a cell where the feature says so
  int64_t distinct = 0;  // values
  std::optional<Numbers> numbers;
};

struct LogSummary {
  int64_t rows = 0;
  // Of them, as training counts them: the label, a number or a weight at fault, too. No column counts theirs.
  int64_t malformed_rows = 0;
  // Why rows were looked at as rows of the format alone, not of the configuration: it names no features, or
  // couldn't be trained with, or a column that it needs isn't there. "" where they were.
  std::string only_format;
  std::vector<ColumnSummary> columns;
};

// Reads `files` as `data` of the experiment says; its features say which columns hold several values. Where
// it could be trained with, defaults resolved, it says which rows are malformed; all but `data` may be
// missing. Errors: ConfigError for a `data` that can't be read by, DataErrors of reading.
absl::StatusOr<LogSummary> SummarizeLog(FileSystem& fs, const proto::Experiment& experiment,
                                        const std::vector<std::string>& files);

// A table for people; and one JSON object, indented.
std::string LogSummaryText(const LogSummary& log);
std::string LogSummaryJson(const LogSummary& log);

}  // namespace tandem

#endif  // TANDEM_LOG_SUMMARY_H_
