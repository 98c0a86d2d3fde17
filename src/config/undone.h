// Settings of one command line that undo each other: of two values for one thing one is a slip.
//
//   CheckNoneUndone({"train.epochs=1", "train.epochs=2"})     // 'train.epochs' is given twice ...
#ifndef TANDEM_SRC_CONFIG_UNDONE_H_
#define TANDEM_SRC_CONFIG_UNDONE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace tandem {

// A ConfigError where a `key=value` is given twice, or has no effect since a later one replaces what it set:
// another arm of a oneof, `clear`. A message's reset ("train.schedule=") before its fields is none. What
// isn't a valid override is somebody else's error.
absl::Status CheckNoneUndone(absl::Span<const std::string> overrides);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_UNDONE_H_
