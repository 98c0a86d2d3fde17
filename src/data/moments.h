// Moments in text, in UTC.
//
//   int hour;
//   if (ParseMomentPart("2016-03-27 00:53:11", TimePart::kHour, &hour)) ...          // 0
#ifndef TANDEM_SRC_DATA_MOMENTS_H_
#define TANDEM_SRC_DATA_MOMENTS_H_

#include "absl/strings/string_view.h"
#include "tandem/field.h"

namespace tandem {

// False where the text is neither a moment (`2016-03-27 00:53:11`, also with T, a fraction or Z, or the date
// alone) nor a number of seconds or, from 10^11 on, milliseconds since 1970; or one outside of the years 1 to
// 9999.
bool ParseMomentPart(absl::string_view text, TimePart part, int* value);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_MOMENTS_H_
