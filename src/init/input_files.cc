#include "src/init/input_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "tandem/day_files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// A day as names write it.
struct FoundDay {
  size_t size;
  absl::CivilDay day;
  std::string field;  // "{date}", "{date:%Y%m%d}"
};

int Digits(absl::string_view text) {
  int number = -1;
  const bool all = std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
  return all && absl::SimpleAtoi(text, &number) ? number : -1;
}

// A day that begins at `at`: four digits, two and two, with the same separator between, or none.
bool DayAt(absl::string_view path, size_t at, FoundDay* found) {
  if (at > 0 && absl::ascii_isdigit(path[at - 1])) return false;
  absl::string_view rest = path.substr(at);
  if (rest.size() < 8) return false;
  const bool apart = absl::StrContains("-_.", rest.substr(4, 1));
  const size_t size = apart ? 10 : 8;
  if (rest.size() < size || (rest.size() > size && absl::ascii_isdigit(rest[size]))) return false;
  if (apart && rest[7] != rest[4]) return false;
  const int year = Digits(rest.substr(0, 4));
  const int month = Digits(rest.substr(apart ? 5 : 4, 2));
  const int day = Digits(rest.substr(apart ? 8 : 6, 2));
  const absl::CivilDay date(year, month, day);
  if (year < 1970 || year > 2100 || date.month() != month || date.day() != day) return false;
  const std::string separator(apart ? rest.substr(4, 1) : "");
  *found = {size, date,
            separator == "-" ? "{date}" : absl::StrCat("{date:%Y", separator, "%m", separator, "%d}")};
  return true;
}

// The path with its last day, wherever it stands, as {date}; false where it has none.
bool WithDate(const std::string& path, std::string* dated, absl::CivilDay* day) {
  FoundDay last;
  bool any = false;
  for (size_t at = 0; at < path.size(); ++at) any |= DayAt(path, at, &last);
  if (!any) return false;
  dated->clear();
  FoundDay found;
  for (size_t at = 0; at < path.size();) {
    if (DayAt(path, at, &found) && found.day == last.day) {
      absl::StrAppend(dated, found.field);
      at += found.size;
    } else {
      *dated += path[at++];
    }
  }
  *day = last.day;
  return true;
}

// What all have in common at both ends, with `*` for the rest.
std::string CommonPattern(const std::set<std::string>& paths) {
  const std::string& first = *paths.begin();
  size_t prefix = first.size(), suffix = first.size();
  for (const std::string& path : paths) {
    const auto same = std::mismatch(first.begin(), first.end(), path.begin(), path.end());
    prefix = std::min(prefix, static_cast<size_t>(same.first - first.begin()));
    const auto back = std::mismatch(first.rbegin(), first.rend(), path.rbegin(), path.rend());
    suffix = std::min(suffix, static_cast<size_t>(back.first - first.rbegin()));
  }
  // Not in the middle of a {date}, nor twice over what is short.
  const size_t open = first.rfind('{', prefix);
  if (open != std::string::npos && open < prefix && first.find('}', open) >= prefix) prefix = open;
  const size_t close = first.find('}', first.size() - suffix);
  const size_t reopened = first.find('{', first.size() - suffix);
  if (close != std::string::npos && (reopened == std::string::npos || reopened > close))
    suffix = first.size() - close - 1;
  for (const std::string& path : paths)
    suffix = std::min(suffix, path.size() - std::min(prefix, path.size()));
  return absl::StrCat(first.substr(0, prefix), "*", first.substr(first.size() - suffix));
}

absl::Status NoOnePath(const std::vector<std::string>& files) {
  return ConfigError("data.path is one path, and none names these ", files.size(), " files and no other (",
                     files.front(), " ... ", files.back(), "); put them into a folder of their own");
}

absl::StatusOr<InputFiles> DailyFiles(FileSystem& fs,
                                      const std::map<std::string, std::vector<absl::CivilDay>>& paths) {
  InputFiles input;
  std::set<std::string> dated;
  std::set<absl::CivilDay> days;
  for (const auto& [path, of_path] : paths) {
    dated.insert(path);
    days.insert(of_path.begin(), of_path.end());
  }
  input.path = dated.size() == 1 ? *dated.begin() : CommonPattern(dated);
  if (!HasDate(input.path)) return ConfigError("no common part with a day in ", absl::StrJoin(dated, ", "));
  std::vector<std::string> missing;
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Day> found,
                          FindDays(fs, input.path, absl::FormatCivilTime(*days.begin()),
                                   absl::FormatCivilTime(*days.rbegin()), &missing));
  for (const Day& day : found) {
    input.days.push_back(day.date);
    input.files.insert(input.files.end(), day.files.begin(), day.files.end());
  }
  return input;
}

// The path as a glob: what FindFiles finds may still hold no day.
std::string AnyDay(const std::string& path) {
  std::string glob;
  for (size_t at = 0; at < path.size();) {
    const size_t open = path.find("{date", at);
    const size_t close = open == std::string::npos ? open : path.find('}', open);
    absl::StrAppend(&glob, path.substr(at, open == std::string::npos ? open : open - at));
    if (close == std::string::npos) break;
    glob += '*';
    at = close + 1;
  }
  return glob;
}

}  // namespace

absl::StatusOr<InputFiles> FindInput(FileSystem& fs, const std::vector<std::string>& patterns) {
  std::vector<std::string> globs;
  for (const std::string& pattern : patterns) {
    if (pattern == "-")
      return ConfigError("input: standard input is read but once, and here it must be twice");
    globs.push_back(AnyDay(pattern));
  }
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FindFiles(fs, globs));
  std::set<std::string> seen;
  files.erase(std::remove_if(files.begin(), files.end(),
                             [&](const std::string& file) { return !seen.insert(file).second; }),
              files.end());
  std::map<std::string, std::vector<absl::CivilDay>> dated;
  std::vector<std::string> undated;
  std::set<absl::CivilDay> days;
  for (const std::string& file : files) {
    std::string path;
    absl::CivilDay day;
    if (WithDate(file, &path, &day)) {
      dated[path].push_back(day);
      days.insert(day);
    } else {
      undated.push_back(file);
    }
  }
  const bool asked = patterns.size() == 1 && HasDate(patterns[0]);
  if (asked && days.empty()) return DataError("no file with a day in its name for '", patterns[0], "'");
  if (asked || (days.size() >= 2 && 2 * undated.size() < files.size())) {
    TANDEM_ASSIGN_OR_RETURN(InputFiles input, DailyFiles(fs, dated));
    std::vector<std::string> sorted = input.files;
    std::sort(sorted.begin(), sorted.end());
    for (const std::string& file : sorted) {
      if (seen.count(file) == 0) return NoOnePath(files);
    }
    input.passed_over = std::move(undated);
    return input;
  }
  InputFiles input;
  input.files = files;
  if (patterns.size() == 1) {
    input.path = patterns[0];
  } else {
    input.path = seen.size() == 1 ? *seen.begin() : CommonPattern(seen);
    TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> all, FindFiles(fs, {&input.path, 1}));
    if (std::set<std::string>(all.begin(), all.end()) != seen) return NoOnePath(files);
  }
  return input;
}

}  // namespace tandem
