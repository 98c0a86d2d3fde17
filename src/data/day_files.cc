#include "tandem/day_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "src/util/distinct_files.h"
#include "src/util/glob.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr absl::string_view kOpen = "{date";
constexpr char kPlainFormat[] = "%Y-%m-%d";

absl::StatusOr<absl::CivilDay> ParseDay(const std::string& text, absl::string_view what) {
  absl::CivilDay day;
  // ParseCivilTime forgives what FormatCivilTime never writes ("2000-1-2").
  if (!absl::ParseCivilTime(text, &day) || absl::FormatCivilTime(day) != text) {
    return ConfigError(what, ": '", text, "' is not a day (YYYY-MM-DD)");
  }
  return day;
}

// The path with every {date} and {date:FORMAT} filled in.
absl::StatusOr<std::string> PathOfDay(const std::string& path, absl::CivilDay day) {
  std::string filled;
  absl::string_view rest = path;
  for (size_t open = rest.find(kOpen); open != absl::string_view::npos; open = rest.find(kOpen)) {
    const size_t close = rest.find('}', open);
    const absl::string_view inside = close == absl::string_view::npos
                                         ? absl::string_view()
                                         : rest.substr(open + kOpen.size(), close - open - kOpen.size());
    if (close == absl::string_view::npos || (!inside.empty() && (inside[0] != ':' || inside.size() < 2))) {
      return ConfigError("data.path: '", path, "': a date is {date} or {date:%Y%m%d}");
    }
    const std::string format = inside.empty() ? kPlainFormat : std::string(inside.substr(1));
    absl::StrAppend(&filled, rest.substr(0, open),
                    absl::FormatTime(format, absl::FromCivil(day, absl::UTCTimeZone()), absl::UTCTimeZone()));
    rest.remove_prefix(close + 1);
  }
  absl::StrAppend(&filled, rest);
  return filled;
}

absl::StatusOr<std::vector<std::string>> FilesOf(FileSystem& fs, const std::string& pattern) {
  absl::StatusOr<std::vector<std::string>> files = Glob(fs, pattern);
  if (!files.ok()) return DataError(files.status().message());
  return files;
}

// Files of which each is to be read once.
class FilesOnce {
 public:
  explicit FilesOnce(FileSystem& fs) : seen_(fs) {}
  // False, and to be told, where it is one of those before.
  bool Add(const std::string& path) {
    const std::string before = seen_.Before(path);
    if (before.empty()) return true;
    constexpr int kTold = 3;
    if (++doubles_ > kTold) return false;
    if (doubles_ > 1) told_ += ", ";
    told_ += path == before ? absl::StrCat(path, " is named twice")
                            : absl::StrCat(path, " is the same file as ", before);
    return false;
  }
  void Warn() const {
    if (doubles_ == 0) return;
    const int more = doubles_ - std::count(told_.begin(), told_.end(), ',') - 1;
    LOG(WARNING) << told_ << (more > 0 ? absl::StrCat(", and ", more, " more like it") : "")
                 << "; it is read once";
  }

 private:
  DistinctFiles seen_;
  int doubles_ = 0;
  std::string told_;
};

std::vector<std::string> EachOnce(FileSystem& fs, std::vector<std::string> files) {
  FilesOnce once(fs);
  files.erase(
      std::remove_if(files.begin(), files.end(), [&](const std::string& file) { return !once.Add(file); }),
      files.end());
  once.Warn();
  return files;
}

// A row has one day.
absl::Status CheckDaysShareNoFile(FileSystem& fs, const std::vector<Day>& days) {
  DistinctFiles seen(fs);
  std::map<std::string, std::string> day_of;
  for (const Day& day : days) {
    for (const std::string& file : day.files) {
      const std::string before = seen.Before(file);
      if (before.empty()) {
        day_of[file] = day.date;
        continue;
      }
      return ConfigError("data.path: ", file, ", of ", day.date, ", is the same file as ", before, ", of ",
                         day_of[before], " (a link?); its rows would be learned twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool HasDate(const std::string& path) { return path.find(std::string(kOpen)) != std::string::npos; }

absl::StatusOr<std::vector<Day>> FindDays(FileSystem& fs, const std::string& path,
                                          const std::string& begin_date, const std::string& end_date,
                                          std::vector<std::string>* missing) {
  if (!HasDate(path)) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FilesOf(fs, path));
    if (files.empty()) return DataError("data.path: no file '", path, "'");
    return std::vector<Day>{{"", EachOnce(fs, std::move(files))}};
  }
  TANDEM_ASSIGN_OR_RETURN(const absl::CivilDay begin, ParseDay(begin_date, "begin_date"));
  TANDEM_ASSIGN_OR_RETURN(const absl::CivilDay end, ParseDay(end_date, "end_date"));
  if (end < begin) return ConfigError("end_date: ", end_date, " is before begin_date ", begin_date);
  std::vector<Day> days;
  std::map<std::string, absl::CivilDay> patterns;
  for (absl::CivilDay day = begin; day <= end; ++day) {
    TANDEM_ASSIGN_OR_RETURN(const std::string pattern, PathOfDay(path, day));
    const auto [other, distinct] = patterns.emplace(pattern, day);
    if (!distinct) {
      return ConfigError("data.path: '", path, "' names the same files, ", pattern, ", for ",
                         absl::FormatCivilTime(other->second), " and ", absl::FormatCivilTime(day),
                         "; a date needs year, month and day (%Y, %m, %d)");
    }
    TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FilesOf(fs, pattern));
    if (files.empty()) {
      missing->push_back(absl::FormatCivilTime(day));
    } else {
      days.push_back({absl::FormatCivilTime(day), EachOnce(fs, std::move(files))});
    }
  }
  if (days.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const std::string last, PathOfDay(path, end));
    return DataError(
        "data.path: no file for ",
        begin_date == end_date ? end_date : absl::StrCat("any day of ", begin_date, "..", end_date),
        "; looked for '", path, "', for example ", last);
  }
  TANDEM_RETURN_IF_ERROR(CheckDaysShareNoFile(fs, days));
  return days;
}

absl::StatusOr<std::vector<Day>> FindWindow(FileSystem& fs, const std::string& path,
                                            const std::string& end_date, int days,
                                            std::vector<std::string>* missing) {
  if (!HasDate(path)) return FindDays(fs, path, "", "", missing);
  TANDEM_ASSIGN_OR_RETURN(const absl::CivilDay end, ParseDay(end_date, "end_date"));
  return FindDays(fs, path, absl::FormatCivilTime(end - (days - 1)), end_date, missing);
}

std::string DayRanges(const std::vector<std::string>& dates) {
  std::string text;
  for (size_t begin = 0, end = 0; begin < dates.size(); begin = end) {
    absl::CivilDay day;
    const bool known = absl::ParseCivilTime(dates[begin], &day);
    for (end = begin + 1; known && end < dates.size() && dates[end] == absl::FormatCivilTime(day + 1); ++end)
      ++day;
    absl::StrAppend(&text, begin > 0 ? " " : "", dates[begin],
                    end > begin + 1 ? absl::StrCat("..", dates[end - 1]) : "");
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> FindFiles(FileSystem& fs, absl::Span<const std::string> patterns) {
  std::vector<std::string> files;
  if (std::count(patterns.begin(), patterns.end(), "-") > 1)
    return ConfigError("standard input (-) is named twice; it can be read only once");
  FilesOnce once(fs);
  for (const std::string& pattern : patterns) {
    if (pattern == "-") {
      if (once.Add(pattern)) files.push_back(pattern);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> found, FilesOf(fs, pattern));
    if (found.empty()) return DataError("no file '", pattern, "'");
    found.erase(
        std::remove_if(found.begin(), found.end(), [&](const std::string& file) { return !once.Add(file); }),
        found.end());
    files.reserve(files.size() + found.size());
    std::move(found.begin(), found.end(), std::back_inserter(files));
  }
  once.Warn();
  if (files.empty()) return DataError("no file is named");
  return files;
}

}  // namespace tandem
