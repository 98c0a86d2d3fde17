// Texts inside of HTML and SVG.
#ifndef TANDEM_SRC_PAGE_ESCAPE_H_
#define TANDEM_SRC_PAGE_ESCAPE_H_

#include <string>

#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace tandem {

// `text` with &, <, > and " as entities.
inline std::string EscapeXml(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace tandem

#endif  // TANDEM_SRC_PAGE_ESCAPE_H_
