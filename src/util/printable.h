// Text that may go to a terminal, or be a line of a log: names of files, columns and models are other
// people's.
//
//   std::fprintf(stderr, "tandem: %s\n", Printable(status.message()).c_str());
#ifndef TANDEM_SRC_UTIL_PRINTABLE_H_
#define TANDEM_SRC_UTIL_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

// The text as one line: control characters (of C1 too), line breaks of all kinds, marks that turn the
// direction of writing, and bytes that are no UTF-8 become escapes (\n, \x1b, \u202e). A backslash stays as
// it is.
std::string Printable(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PRINTABLE_H_
