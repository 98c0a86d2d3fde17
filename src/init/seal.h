// A last line by which a text written by init is known again, so that a second init may replace what nobody has
// edited, and nothing else.
//
//   WriteFile(output, Sealed(text));
//   if (fs.Exists(output) && !IsUntouched(*fs.ReadFile(output))) ...      // somebody's work
#ifndef TANDEM_SRC_INIT_SEAL_H_
#define TANDEM_SRC_INIT_SEAL_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

// The text, and a comment with its checksum.
std::string Sealed(absl::string_view text);

// Whether the text is one that Sealed returned.
bool IsUntouched(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_SEAL_H_
