// One log cut into a file a day (UTC) by a column of times: rows as they are, in their order.
//
//   TANDEM_ASSIGN_OR_RETURN(const SplitDays days, SplitByDay(fs, data, files, "click_time", "clicks_days"));
//   days.path;                                     // "clicks_days/{date}.csv"
#ifndef TANDEM_SRC_INIT_SPLIT_DAYS_H_
#define TANDEM_SRC_INIT_SPLIT_DAYS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"

namespace tandem {

struct SplitDays {
  std::string path;
  std::vector<std::string> days;  // YYYY-MM-DD, in order
  int64_t rows = 0;
  int64_t undated = 0;  // rows without a time, or malformed: in FOLDER/undated
};

// Writes `folder`, which is not there yet, all of it or nothing. Memory doesn't grow with the rows. DataErrors
// where files have other columns than the first one, or no row has a time.
absl::StatusOr<SplitDays> SplitByDay(FileSystem& fs, const proto::Data& data,
                                     const std::vector<std::string>& files, const std::string& column,
                                     const std::string& folder);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_SPLIT_DAYS_H_
