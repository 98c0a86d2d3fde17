#include "tools/readable_json.h"

#include "absl/strings/str_cat.h"
#include "src/util/json_text.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

bool IsFlat(const Json& json) {
  for (const Json& child : json) {
    if (child.is_structured() && !child.empty()) return false;
  }
  return true;
}

// `in_array`: an element of one, which stays on its line unless it holds more of its kind.
void Append(const Json& json, int indent, bool in_array, std::string* text) {
  const bool one_line =
      !json.is_structured() || json.empty() || (IsFlat(json) && (in_array || json.is_array()));
  if (one_line) {
    absl::StrAppend(text, JsonText(json));
    return;
  }
  const std::string margin(indent + 2, ' ');
  const char* separator = "\n";
  absl::StrAppend(text, json.is_object() ? "{" : "[");
  for (const auto& [key, value] : json.items()) {
    absl::StrAppend(text, separator, margin);
    if (json.is_object()) absl::StrAppend(text, JsonText(Json(key)), ": ");
    Append(value, indent + 2, json.is_array(), text);
    separator = ",\n";
  }
  absl::StrAppend(text, "\n", std::string(indent, ' '), json.is_object() ? "}" : "]");
}

}  // namespace

std::string ReadableJson(const nlohmann::ordered_json& json) {
  std::string text;
  Append(json, 0, /*in_array=*/false, &text);
  return text + "\n";
}

}  // namespace tandem
