// From sample files to blocks of rows: finding the files, reading lines, setting malformed rows aside.
//
//   TANDEM_ASSIGN_OR_RETURN(std::vector<Day> days, FindDays(data.path(), end_date, 30, &missing));
//   Quarantine quarantine(run_dir + "/quarantine", data.max_bad_fraction());
//   DayReader reader(schema, RowUse::kTrain, days[0].files, &quarantine);
//   while (more) { TANDEM_ASSIGN_OR_RETURN(more, reader.ReadBlock(65536, &block)); ... }
//
// Every error of this part is a DataError that names the file.
#ifndef TANDEM_READER_H_
#define TANDEM_READER_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/batch.h"
#include "tandem/sample.h"

namespace tandem {

// ---- files

// One day of the log. Files are in name order.
struct Day {
  std::string date;  // YYYY-MM-DD, or "" for a path without {date}
  std::vector<std::string> files;
};

// The days begin_date..end_date (both YYYY-MM-DD, inclusive) of a path with {date} or {date:FORMAT}; days
// without a file go into `missing`. A path without a date is one Day with an empty date. No file at all is a
// DataError that says what was looked for. A malformed date or pattern is a ConfigError.
absl::StatusOr<std::vector<Day>> FindDays(const std::string& path, const std::string& begin_date,
                                          const std::string& end_date, std::vector<std::string>* missing);
// The same for the `days` days that end on end_date.
absl::StatusOr<std::vector<Day>> FindWindow(const std::string& path, const std::string& end_date, int days,
                                            std::vector<std::string>* missing);
// The files that paths and globs name, in order; "-" is standard input. One that matches nothing is a
// DataError. A comma in a path is one of its own.
absl::StatusOr<std::vector<std::string>> FindFiles(absl::Span<const std::string> patterns);
// True if the path has a {date} in it.
bool HasDate(const std::string& path);

// ---- lines

// Consecutive lines of one file, without line ends ("\n" or "\r\n").
struct LineChunk {
  std::string bytes;  // a buffer, used again from read to read: may be larger than its text
  std::vector<absl::string_view> lines;  // into bytes; an over-long line is empty and marked
  std::vector<bool> too_long;
  int64_t text_bytes = 0;  // of the lines, ends included
  int64_t first_line = 1;  // number of lines[0] in its file, from 1
  void Clear();
};

// Reads one file: plain, gzip or zstd, told by its first bytes; "-" is standard input. Members may be
// concatenated. A truncated or corrupt compressed file is an error at the place where it is found. Not
// thread-safe.
class LineReader {
 public:
  static absl::StatusOr<std::unique_ptr<LineReader>> Open(const std::string& path, int64_t max_line_bytes);
  virtual ~LineReader() = default;
  // Replaces `chunk` by up to max_lines lines; no lines at the end of the file. A last line without a line
  // end counts; empty lines do too (the caller decides). A byte order mark at the beginning is skipped.
  virtual absl::Status Read(int max_lines, LineChunk* chunk) = 0;
};

// Reads the header line, where the files have one, and builds the file's parser; nullopt for a file without a
// line. `header` (may be null) gets the header line.
absl::StatusOr<std::optional<RowParser>> OpenRowParser(const Schema& schema, RowUse use,
                                                       const std::string& path, LineReader* lines,
                                                       std::string* header);

// ---- malformed rows

// "label 2, column count 1": the faults that occurred.
std::string FaultCounts(const std::array<int64_t, kRowFaults>& by_fault);

// Counts malformed rows by reason, reports them (the first 10 of a file, then a summary), copies them to
// `directory`, and stops a run that has too many. Not thread-safe.
class Quarantine {
 public:
  // Rows go to directory/NAME, NAME the file's own without .gz or .zst. A name without a date gets its
  // folders' in front, from the dated one on: dt=2000-11-20/part-0.gz becomes dt=2000-11-20_part-0. A second
  // file of the same name becomes NAME-2. What an earlier reading of the file left there is replaced. An
  // empty directory keeps none.
  Quarantine(std::string directory, double max_bad_fraction);
  ~Quarantine();

  // `header` is the file's header line, "" without one: it comes first in the quarantine, so that repaired
  // rows can be read again.
  void BeginFile(const std::string& file, const std::string& header);
  void GoodRows(int64_t rows);
  absl::Status BadRow(int64_t line_number, RowFault fault, absl::string_view detail, absl::string_view line);
  // Of rows read one after the other: a DataError when more than max_bad_fraction of them, from 1,000 on, are
  // bad.
  absl::Status JudgeSoFar() const;
  // Judges the file as a whole, and syncs its quarantine. kInternal when the quarantine can't be written.
  absl::Status EndFile();

  int64_t rows_read() const { return rows_read_; }
  int64_t rows_bad() const { return rows_bad_; }
  const std::array<int64_t, kRowFaults>& by_fault() const { return by_fault_; }

 private:
  struct File;
  absl::Status Judge() const;

  std::string directory_;
  double max_bad_fraction_;
  int64_t rows_read_ = 0;
  int64_t rows_bad_ = 0;
  std::array<int64_t, kRowFaults> by_fault_ = {};
  std::map<std::string, std::string> names_;  // in the directory, and the file that has it
  std::unique_ptr<File> file_;
};

// ---- rows

class Workers;

// The rows of one day's files, one after another. Parses with `workers` where given. Not thread-safe.
class DayReader {
 public:
  // `quarantine` null: malformed rows are skipped in silence (a later pass over a file that was judged
  // before). `schema`, `quarantine` and `workers` outlive the reader.
  DayReader(const Schema& schema, RowUse use, std::vector<std::string> files, Quarantine* quarantine,
            Workers* workers);
  ~DayReader();

  // Rows are cheapest to read by so many at a time.
  static constexpr int kPieceRows = 1024;

  // Replaces `block` by the next rows, max_rows of them unless the day ends. False at the end, with no rows.
  absl::StatusOr<bool> ReadBlock(int max_rows, Batch* block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem

#endif  // TANDEM_READER_H_
