// Where malformed rows go.
//
//   Quarantine quarantine(fs, run_dir + "/quarantine", data.max_bad_fraction());
//   TANDEM_RETURN_IF_ERROR(quarantine.BeginFile(path, "label\tuser\n"));
//   quarantine.GoodRows(1000);
//   TANDEM_RETURN_IF_ERROR(quarantine.BadRow(4711, RowFault::kLabel, "label 'x' is not 0 or 1", "x\tu17\n"));
//   TANDEM_RETURN_IF_ERROR(quarantine.JudgeSoFar());
//   TANDEM_RETURN_IF_ERROR(quarantine.EndFile());
#ifndef TANDEM_QUARANTINE_H_
#define TANDEM_QUARANTINE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"
#include "tandem/row_fault.h"

namespace tandem {

// Counts malformed rows by reason, reports them (the first 10 of a file, then a summary), copies them to
// `directory`, and stops a run that has too many. Not thread-safe. kInternal where the quarantine can't be
// written.
class Quarantine {
 public:
  // Rows go to directory/NAME, NAME the file's own without .gz, .zst or .zstd. A name without a date gets its
  // folders' in front, from the dated one on: dt=2000-11-20/part-0.gz becomes dt=2000-11-20_part-0. A second
  // file of the same name becomes NAME-2. What an earlier reading of the file left there is replaced. An
  // empty directory keeps none. `fs` must outlive the quarantine.
  Quarantine(FileSystem& fs, std::string directory, double max_bad_fraction);
  // What was set aside is written, whatever happened.
  ~Quarantine();

  // `head`: the bytes that come first in a file of such rows, "" for none, so that repaired rows can be read
  // again.
  absl::Status BeginFile(const std::string& file, absl::string_view head);
  void GoodRows(int64_t rows);
  // `number` of the row in its file; `row` with what ends it (RowFraming::Append). Rows that are passed over
  // (IsPassedOver) are counted by themselves, and are neither read nor bad. kHeader is a DataError.
  absl::Status BadRow(int64_t number, RowFault fault, absl::string_view detail, absl::string_view row);
  // Of rows read one after the other: a DataError when more than max_bad_fraction of them, from 1,000 on, are
  // bad.
  absl::Status JudgeSoFar() const;
  // Judges the file as a whole, and syncs its quarantine.
  absl::Status EndFile();

  int64_t rows_read() const { return rows_read_; }
  int64_t rows_bad() const { return rows_bad_; }
  // Blank lines and repeated headers.
  int64_t rows_passed_over() const { return rows_passed_over_; }
  const std::array<int64_t, kRowFaults>& by_fault() const { return by_fault_; }

 private:
  struct File;
  absl::Status Judge() const;
  absl::Status SetAside(absl::string_view row);

  FileSystem& fs_;
  std::string directory_;
  double max_bad_fraction_;
  int64_t rows_read_ = 0;
  int64_t rows_bad_ = 0;
  int64_t rows_passed_over_ = 0;
  std::array<int64_t, kRowFaults> by_fault_ = {};
  std::map<std::string, std::string> names_;  // in the directory, and the file that has it
  std::unique_ptr<File> file_;
};

}  // namespace tandem

#endif  // TANDEM_QUARANTINE_H_
