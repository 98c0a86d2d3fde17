// Where two configurations differ, for a run that is resumed.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

constexpr size_t kToldDifferences = 8;

// The resolved text as (dotted key, value) in the order of the text. A section's value is "(a section)".
// Keys are unique: entries of a repeated section count from 0, those of a repeated value too.
class FlatText {
 public:
  explicit FlatText(const proto::Experiment& experiment) {
    const std::string text = ExperimentText(experiment);
    std::vector<std::string> path = {""};
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
      line = absl::StripAsciiWhitespace(line);
      if (line == "}") {
        path.pop_back();
      } else if (line.back() == '{') {
        path.push_back(
            absl::StrCat(Add(absl::StrCat(path.back(), line.substr(0, line.find(' '))), kSection), "."));
      } else {
        const size_t end = line.find(':');
        Add(absl::StrCat(path.back(), line.substr(0, end)), absl::StripAsciiWhitespace(line.substr(end + 1)));
      }
    }
  }

  const std::vector<std::string>& keys() const { return keys_; }
  // Null where there is none.
  const std::string* Find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  // Whether the key lies in a section that isn't there: what is in it goes without saying.
  bool LacksSectionOf(const std::string& key) const {
    const size_t dot = key.rfind('.');
    return dot != std::string::npos && Find(key.substr(0, dot)) == nullptr;
  }

 private:
  static constexpr absl::string_view kSection = "(a section)";

  // The key as it is told: of several alike each has its number.
  std::string Add(const std::string& key, absl::string_view value) {
    const int before = times_[key]++;
    std::string unique = before == 0 && !IsRepeated(key) ? key : absl::StrCat(key, "[", before, "]");
    keys_.push_back(unique);
    values_[unique] = std::string(value);
    return unique;
  }
  static bool IsRepeated(absl::string_view key) {
    return key == "feature" || absl::EndsWith(key, ".interaction") || absl::EndsWith(key, ".hint");
  }

  std::vector<std::string> keys_;
  std::map<std::string, std::string> values_;
  std::map<std::string, int> times_;
};

// Without what no trained bit depends on.
proto::Experiment WhatIsTrained(proto::Experiment experiment) {
  const auto clear = [&] {
    experiment.clear_runtime();
    if (experiment.has_daily()) experiment.mutable_daily()->clear_gate();
  };
  clear();
  ResolveDefaults(&experiment);
  clear();
  return experiment;
}

}  // namespace

std::string ConfigDifferences(const proto::Experiment& a, const proto::Experiment& b,
                              absl::string_view a_name, absl::string_view b_name) {
  const FlatText left(WhatIsTrained(a)), right(WhatIsTrained(b));
  std::vector<std::string> differences;
  for (const std::string& key : left.keys()) {
    const std::string* other = right.Find(key);
    if (other == nullptr && right.LacksSectionOf(key)) continue;
    const std::string& own = *left.Find(key);
    if (other != nullptr && *other == own) continue;
    differences.push_back(absl::StrCat(key, " ", own, ", ", b_name, " ", other == nullptr ? "none" : *other));
  }
  for (const std::string& key : right.keys()) {
    if (left.Find(key) != nullptr || left.LacksSectionOf(key)) continue;
    differences.push_back(absl::StrCat("no ", key, ", ", b_name, " ", *right.Find(key)));
  }
  if (differences.empty()) return "";
  const size_t told = std::min(differences.size(), kToldDifferences);
  std::string text = absl::StrCat(
      a_name, " has ",
      absl::StrJoin(differences.begin(), differences.begin() + static_cast<ptrdiff_t>(told), "; "));
  if (told < differences.size()) absl::StrAppend(&text, "; and ", differences.size() - told, " more");
  return text;
}

}  // namespace tandem
