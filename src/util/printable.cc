#include "src/util/printable.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace tandem {
namespace {

// Bytes of the character that begins the text, 0 where none does: as Unicode has it, neither overlong nor a
// surrogate.
size_t DecodeUtf8(absl::string_view text, uint32_t* character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  *character = first;
  if (first < 0x80) return 1;
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return 0;
  *character = first & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    *character = *character << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = *character >= 0xd800 && *character < 0xe000;
  return *character < kLeast[bytes] || surrogate || *character > 0x10ffff ? 0 : bytes;
}

bool IsHarmless(uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
  if (c == 0x2028 || c == 0x2029 || c == 0xfeff) return false;  // line and paragraph separators
  // Marks and overrides of the direction.
  return !(c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069));
}

void AppendEscape(uint32_t c, std::string* line) {
  switch (c) {
    case '\n':
      *line += "\\n";
      return;
    case '\r':
      *line += "\\r";
      return;
    case '\t':
      *line += "\\t";
      return;
    default:
      if (c < 0x100) {
        absl::StrAppendFormat(line, "\\x%02x", c);
      } else {
        absl::StrAppendFormat(line, "\\u%04x", c);
      }
  }
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    uint32_t character = 0;
    const size_t bytes = DecodeUtf8(text, &character);
    if (bytes > 0 && IsHarmless(character)) {
      line.append(text.data(), bytes);
    } else {
      AppendEscape(bytes > 0 ? character : static_cast<unsigned char>(text[0]), &line);
    }
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return line;
}

}  // namespace tandem
