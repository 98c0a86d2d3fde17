// Who is asked before a day of the log is read, and after it.
//
//   BatchSource source(fs, experiment, schema, days, run_dir + "/quarantine", LogPosition{}, {}, &watch);
//
// Called on the reading thread, one call at a time; an error ends the reading, and is the source's.
#ifndef TANDEM_DAY_WATCH_H_
#define TANDEM_DAY_WATCH_H_

#include "absl/status/status.h"
#include "tandem/day_files.h"

namespace tandem {

class DayWatch {
 public:
  virtual ~DayWatch() = default;
  virtual absl::Status Begin(const Day& day) = 0;
  virtual absl::Status End(const Day& day) = 0;
};

}  // namespace tandem

#endif  // TANDEM_DAY_WATCH_H_
