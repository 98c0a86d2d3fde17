#include "src/data/json_lines/json_lines_look.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kLines = 1000;

// An object of numbers alone: ids with weights.
bool IsWeighted(const nlohmann::json& value) {
  return value.is_object() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const nlohmann::json& v) { return v.is_number(); });
}

class JsonLinesLookImpl : public FormatLook {
 public:
  std::string name() const override { return "JSON lines"; }
  std::string extension() const override { return ".jsonl"; }
  bool cells_say_lists() const override { return true; }
  bool IsLike(absl::string_view text) const override {
    return absl::StartsWith(text, "{") || absl::StartsWith(text, "[");
  }
  std::string Hint(absl::string_view line) const override {
    if (!absl::StartsWith(line, "{")) return "";
    return "The first line begins with '{': rows that are JSON objects are read with data.json_lines {}.";
  }

  absl::StatusOr<ListColumns> FindLists(absl::string_view text, absl::string_view origin) const override {
    ListColumns lists;
    for (int line_number = 1; !text.empty() && line_number <= kLines; ++line_number) {
      const size_t end = text.find('\n');
      if (end == absl::string_view::npos && line_number > 1) break;  // may be cut
      const absl::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      if (absl::StripAsciiWhitespace(line).empty()) continue;
      const nlohmann::json row =
          nlohmann::json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
      if (!row.is_object()) {
        if (line_number > 1) continue;  // malformed: the reader's
        return DataError(
            origin,
            ":1: JSON, but no object that ends in its line; JSON lines are read, an object a line "
            "(jq -c . makes them, or jq -c '.[]' of an array)");
      }
      for (const auto& [name, value] : row.items()) {
        if (value.is_array()) lists.plain.insert(name);
        if (IsWeighted(value)) lists.weighted.insert(name);
      }
    }
    for (const std::string& name : lists.weighted) lists.plain.erase(name);
    return lists;
  }
};

}  // namespace

const FormatLook& JsonLinesLook() {
  static const JsonLinesLookImpl look;
  return look;
}

}  // namespace tandem
