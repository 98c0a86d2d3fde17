// A last line by which a text that a command wrote is known again, so that the same command may replace what
// nobody has edited, and nothing else.
//
//   WriteFileAtomically(fs, output, Sealed(text, "tandem init"));
//   if (fs.Exists(output) && !IsUntouched(*fs.ReadFile(output), "tandem init")) ...      // somebody's work
#ifndef TANDEM_SRC_UTIL_SEAL_H_
#define TANDEM_SRC_UTIL_SEAL_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

// The text, and a comment with its checksum.
std::string Sealed(absl::string_view text, absl::string_view command);

// Whether the text is one that Sealed returned for the same command.
bool IsUntouched(absl::string_view text, absl::string_view command);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_SEAL_H_
