#include "src/config/config_file.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "src/util/format_version.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

constexpr absl::string_view kFormat = "# tandem format ";
// Of all lines but its own.
constexpr absl::string_view kChecksum = "# checksum ";

std::string FormatLine() { return absl::StrCat(kFormat, kFormatVersion, "\n"); }

std::string ChecksumLine(absl::string_view format_line, absl::string_view text) {
  const XXH64_hash_t seed = XXH3_64bits(format_line.data(), format_line.size());
  return absl::StrFormat("%s%016x\n", kChecksum, XXH3_64bits_withSeed(text.data(), text.size(), seed));
}

// The text up to and with the next line end, which is taken away.
absl::string_view TakeLine(absl::string_view* text) {
  const size_t end = text->find('\n');
  const absl::string_view line = text->substr(0, end == absl::string_view::npos ? text->size() : end + 1);
  text->remove_prefix(line.size());
  return line;
}

}  // namespace

std::string ConfigFileText(const proto::Experiment& experiment) {
  const std::string format = FormatLine();
  const std::string text = ExperimentText(experiment);
  return absl::StrCat(format, ChecksumLine(format, text), text);
}

absl::Status CheckConfigFormat(absl::string_view text, absl::string_view origin) {
  absl::string_view line = text.substr(0, text.find('\n'));
  int version = 0;
  if (!absl::ConsumePrefix(&line, kFormat) || !absl::SimpleAtoi(line, &version)) return absl::OkStatus();
  return CheckFormatVersion(version, origin);
}

absl::Status CheckConfigUnchanged(absl::string_view text, absl::string_view origin) {
  const absl::string_view format = TakeLine(&text);
  // A later line that is a comment is the checksum's: nothing else that is written there begins like this.
  const bool has_checksum = !text.empty() && text[0] == '#';
  if (!has_checksum && (format.empty() || format[0] != '#' || format == FormatLine()))
    return absl::OkStatus();
  const absl::string_view checksum = has_checksum ? TakeLine(&text) : "";
  if (checksum == ChecksumLine(format, text)) return absl::OkStatus();
  return ModelError(
      origin, ": was edited, or is damaged: its checksum differs. A run keeps the configuration it ",
      "began with; settings of runtime can be given over it (runtime.threads=8), others make a new ",
      "run, from a copy of the configuration. Nothing was loaded.");
}

}  // namespace tandem
