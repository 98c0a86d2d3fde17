#include "src/config/config_file.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/util/format_version.h"
#include "tandem/experiment.h"

namespace tandem {
namespace {

constexpr absl::string_view kFormat = "# tandem format ";

}  // namespace

std::string ConfigFileText(const proto::Experiment& experiment) {
  return absl::StrCat(kFormat, kFormatVersion, "\n", ExperimentText(experiment));
}

absl::Status CheckConfigFormat(absl::string_view text, absl::string_view origin) {
  absl::string_view line = text.substr(0, text.find('\n'));
  int version = 0;
  if (!absl::ConsumePrefix(&line, kFormat) || !absl::SimpleAtoi(line, &version)) return absl::OkStatus();
  return CheckFormatVersion(version, origin);
}

}  // namespace tandem
