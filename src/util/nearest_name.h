// What a misspelt name may have meant: the end of a message.
//
//   return ConfigError("drop_feature: '", name, "' is no feature", DidYouMean(name, names));
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_UTIL_NEAREST_NAME_H_
#define TANDEM_SRC_UTIL_NEAREST_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

// The known name nearest to `name` (edit distance without case; a swap of neighbours counts once; one that
// holds the other is near too), or "" when none is near.
std::string NearestName(absl::string_view name, absl::Span<const std::string> known);

// The end of a message about an unknown name: "; did you mean 'batch_size'?", or, with none near, "; known:
// epochs, seed" (the first 20), or "" with none known.
std::string DidYouMean(absl::string_view name, absl::Span<const std::string> known);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_NEAREST_NAME_H_
