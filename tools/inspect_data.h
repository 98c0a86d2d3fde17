// `tandem inspect --data`: what the columns of a log hold.
#ifndef TANDEM_TOOLS_INSPECT_DATA_H_
#define TANDEM_TOOLS_INSPECT_DATA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// A table (text or JSON) of the columns of --input, read as --config and the `data.*` overrides say.
absl::StatusOr<std::string> DescribeData(const std::vector<std::string>& overrides, bool json);

}  // namespace tandem

#endif  // TANDEM_TOOLS_INSPECT_DATA_H_
