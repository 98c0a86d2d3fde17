#include "src/config/undone.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

std::string KeyOf(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text).substr(0, text.find('='))));
}

// Whether it says what a value is to be.
bool SetsAValue(const std::string& text) { return KeyOf(text) != "clear" && text.back() != '='; }

// Whether `experiment` is as `text` wants it.
bool Holds(const std::string& text, const proto::Experiment& experiment) {
  proto::Experiment again = experiment;
  return !ApplyOverride(text, &again).ok() || again.SerializeAsString() == experiment.SerializeAsString();
}

}  // namespace

absl::Status CheckNoneUndone(absl::Span<const std::string> overrides) {
  std::map<std::string, std::string> by_key;
  for (const std::string& text : overrides) {
    const std::string key = KeyOf(text);
    if (key == "clear") continue;
    const auto [before, first] = by_key.emplace(key, text);
    if (!first) {
      return ConfigError("'", key, "' is given twice: '", before->second, "' and '", text, "'; leave one");
    }
  }
  proto::Experiment experiment;
  for (size_t later = 0; later < overrides.size(); ++later) {
    if (!ApplyOverride(overrides[later], &experiment).ok()) continue;
    for (size_t earlier = 0; earlier < later; ++earlier) {
      if (!SetsAValue(overrides[earlier]) || Holds(overrides[earlier], experiment)) continue;
      return ConfigError("'", overrides[earlier], "' has no effect: '", overrides[later],
                         "' after it replaces what it sets; leave one");
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
