// The columns of a log, profiled from a sample of its rows.
//
//   TANDEM_ASSIGN_OR_RETURN(const LogProfile log, ProfileLog(fs, dialect, files, {/*rows=*/300000}));
//   log.Find("age")->distinct();
//
// Every file gives as many rows as the others, its first ones. Errors as those of the format's files.
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_INIT_LOG_PROFILE_H_
#define TANDEM_SRC_INIT_LOG_PROFILE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/init/column_profile.h"
#include "src/init/dialect.h"
#include "tandem/file_system.h"

namespace tandem {

struct LogProfile {
  std::vector<std::unique_ptr<ColumnProfile>> columns;  // in the order in which they were met
  int64_t rows = 0;                                     // read, malformed ones too
  int64_t malformed = 0;
  bool whole = true;               // the sample is all there is
  double total_rows = 0;           // about, if not
  double row_bytes = 0;            // of a row, uncompressed
  std::vector<std::string> twice;  // names that a header has more than once

  const ColumnProfile* Find(absl::string_view name) const;
};

struct ProfileOptions {
  int64_t rows = 300000;
  std::string label;  // empty: not known yet
  // Whether the label's text means 1.
  std::function<bool(absl::string_view)> positive = nullptr;
};

absl::StatusOr<LogProfile> ProfileLog(FileSystem& fs, const Dialect& dialect,
                                      const std::vector<std::string>& files, const ProfileOptions& options);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_LOG_PROFILE_H_
