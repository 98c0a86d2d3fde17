// What a file is that isn't text, by its first bytes.
//
//   if (const std::string kind = KindOfBinary(bytes); !kind.empty()) ...        // "a Parquet file"
#ifndef TANDEM_SRC_DATA_FILE_KIND_H_
#define TANDEM_SRC_DATA_FILE_KIND_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

// How many of a file's first bytes are worth a look.
constexpr size_t kKindBytes = 512;

// What they are the begin of, and what to do about it; empty: text, or nothing that is known. Fewer bytes may
// leave it open.
std::string KindOfBinary(absl::string_view bytes);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_FILE_KIND_H_
