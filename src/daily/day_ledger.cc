#include "src/daily/day_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/daily/days_page.h"
#include "src/util/format_version.h"
#include "src/util/json_text.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"

namespace tandem {

namespace {

using Json = nlohmann::ordered_json;

// Whether what is read of a line again is of the kind that was written.
bool IsDay(const Json& day) {
  if (!day.is_object() || !day.contains("date")) return false;
  const auto is = [&](const char* key, bool (Json::*of_kind)() const noexcept) {
    return !day.contains(key) || (day[key].*of_kind)();
  };
  if (!is("date", &Json::is_string) || !is("format", &Json::is_number_integer) ||
      !is("skipped", &Json::is_string) || !is("published", &Json::is_boolean) ||
      !is("reasons", &Json::is_array))
    return false;
  return !day.contains("reasons") || std::all_of(day["reasons"].begin(), day["reasons"].end(),
                                                 [](const Json& reason) { return reason.is_string(); });
}

}  // namespace

absl::Status DayLedger::Read(absl::string_view begin_date) {
  const std::string path = run_dir_ + "/days.jsonl";
  if (!fs_.Exists(path)) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const std::string lines, fs_.ReadFile(path));
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    Json day = Json::parse(std::string(line), nullptr, /*allow_exceptions=*/false);
    if (!IsDay(day)) return ModelError(path, ": not a line of days: ", line);
    TANDEM_RETURN_IF_ERROR(CheckFormatVersion(day.value("format", kFormatWithoutVersion), path));
    days_.push_back(std::move(day));
  }
  if (!days_.empty() && days_[0]["date"] != std::string(begin_date)) {
    return ConfigError("begin_date: ", begin_date, ", but ", path, " begins with ",
                       days_[0]["date"].get<std::string>(), "; a resumed run keeps its first date");
  }
  return absl::OkStatus();
}

absl::Status DayLedger::Add(Json line) {
  days_.push_back(std::move(line));
  return Write();
}

absl::Status DayLedger::Write() const {
  std::string lines;
  for (Json day : days_) {
    day["format"] = kFormatVersion;
    absl::StrAppend(&lines, JsonText(day), "\n");
  }
  TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs_, run_dir_ + "/days.jsonl", lines));
  TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs_, run_dir_ + "/days.md", DaysMarkdown(days_)));
  return WriteFileAtomically(fs_, run_dir_ + "/days.html", DaysHtml(days_));
}

int DayLedger::Count(absl::FunctionRef<bool(const Json&)> is_counted) const {
  return static_cast<int>(std::count_if(days_.begin(), days_.end(), is_counted));
}

std::string DayLedger::Published() const {
  for (auto day = days_.rbegin(); day != days_.rend(); ++day) {
    if (day->value("published", false)) return (*day)["date"];
  }
  return "";
}

}  // namespace tandem
