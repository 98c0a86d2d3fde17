// The first place where two configurations differ, for a run that is resumed.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// The resolved text as (dotted key, value) in the order of the text; an entry of a repeated message counts
// from 0.
std::vector<std::pair<std::string, std::string>> FlatText(const proto::Experiment& experiment) {
  std::vector<std::pair<std::string, std::string>> flat;
  std::vector<std::string> path;
  const std::string text = ExperimentText(experiment);
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    line = absl::StripAsciiWhitespace(line);
    if (line == "}") {
      path.pop_back();
      continue;
    }
    const bool opens = line.back() == '{';
    const size_t end = opens ? line.find(' ') : line.find(':');
    const std::string prefix = path.empty() ? "" : absl::StrCat(path.back(), ".");
    std::string key = absl::StrCat(prefix, line.substr(0, end));
    if (!opens) {
      flat.emplace_back(std::move(key), std::string(absl::StripAsciiWhitespace(line.substr(end + 1))));
      continue;
    }
    flat.emplace_back(key, "");
    path.push_back(std::move(key));
  }
  return flat;
}

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

std::string FirstDifference(const proto::Experiment& a, const proto::Experiment& b, absl::string_view a_name,
                            absl::string_view b_name) {
  const auto left = FlatText(WhatIsTrained(a));
  const auto right = FlatText(WhatIsTrained(b));
  const auto value = [](const std::pair<std::string, std::string>& entry) {
    return entry.second.empty() ? "(a section)" : entry.second;
  };
  for (size_t i = 0; i < left.size() || i < right.size(); ++i) {
    if (i >= right.size())
      return absl::StrCat(a_name, " has ", left[i].first, " ", value(left[i]), ", ", b_name, " none");
    if (i >= left.size())
      return absl::StrCat(a_name, " has no ", right[i].first, ", ", b_name, " ", value(right[i]));
    if (left[i] == right[i]) continue;
    if (left[i].first == right[i].first) {
      return absl::StrCat(a_name, " has ", left[i].first, " ", left[i].second, ", ", b_name, " ",
                          right[i].second);
    }
    return absl::StrCat(a_name, " has ", left[i].first, " ", value(left[i]), ", where ", b_name, " has ",
                        right[i].first, " ", value(right[i]));
  }
  return "";
}

}  // namespace tandem
