// Days as pages and days of a log are named.
#ifndef TANDEM_SRC_UTIL_DATE_H_
#define TANDEM_SRC_UTIL_DATE_H_

#include <string>

#include "absl/time/time.h"
#include "tandem/clock.h"

namespace tandem {

// YYYY-MM-DD, UTC.
inline std::string Today(Clock& clock) {
  return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(static_cast<int64_t>(clock.SinceEpoch())),
                          absl::UTCTimeZone());
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_DATE_H_
