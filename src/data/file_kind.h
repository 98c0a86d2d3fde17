// What a file is that isn't text, by its first bytes.
//
//   if (const std::string kind = KindOfBinary(bytes); !kind.empty()) ...        // "a Parquet file"
#ifndef TANDEM_SRC_DATA_FILE_KIND_H_
#define TANDEM_SRC_DATA_FILE_KIND_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tandem {

namespace proto {
class Data;
}  // namespace proto

// How many of a file's first bytes are worth a look.
constexpr size_t kKindBytes = 512;

// Where a NUL says that a file is binary, as git has it.
constexpr size_t kTextBytes = 8000;

// What they are the begin of, and what to do about it; empty: text, or nothing that is known. Fewer bytes may
// leave it open.
std::string KindOfBinary(absl::string_view bytes);

// Of a file that begins so: a DataError where a NUL is among its first kTextBytes, as in no text, and text is what
// `data`'s format reads. For whoever looks at a log; what reads one goes on, as malformed rows are few or many.
absl::Status CheckIsText(absl::string_view path, absl::string_view bytes, const proto::Data& data);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_FILE_KIND_H_
