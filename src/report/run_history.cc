#include "src/report/run_history.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "src/train/run_files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

std::optional<double> NumberAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

int64_t CountAt(const Json& json, const char* key) {
  const double count = NumberAt(json, key).value_or(0);
  return std::abs(count) < 1e18 ? static_cast<int64_t>(count) : 0;
}

RecordedMetrics MetricsAt(const Json& json, const char* tower) {
  const auto found = json.find(tower);
  if (found == json.end() || !found->is_object()) return {};
  return {NumberAt(*found, "auc"), NumberAt(*found, "logloss"), NumberAt(*found, "normalized_entropy")};
}

void AddDay(const Json& line, RunHistory* history) {
  DayRecord& day = history->days.emplace_back();
  const auto date = line.find("day");
  if (date != line.end() && date->is_string()) day.day = date->get<std::string>();
  day.step = CountAt(line, "step");
  day.rows = CountAt(line, "rows");
  if (NumberAt(line, "malformed").has_value()) day.malformed = CountAt(line, "malformed");
  day.clicks = NumberAt(line, "clicks");
  day.teacher = MetricsAt(line["progressive"], "teacher");
  day.student = MetricsAt(line["progressive"], "student");
}

// What else a run notes has none of these, and is passed over.
void AddLine(const Json& line, RunHistory* history) {
  const auto is_object = [&](const char* key) { return line.contains(key) && line[key].is_object(); };
  if (is_object("losses")) {
    const Json& losses = line["losses"];
    history->losses.push_back(
        {CountAt(line, "step"), NumberAt(losses, "teacher_label"), NumberAt(losses, "student_label")});
  } else if (is_object("progressive")) {
    AddDay(line, history);
  } else if (is_object("validation")) {
    const Json& validation = line["validation"];
    history->validations.push_back({CountAt(line, "step"), CountAt(line, "rows"),
                                    MetricsAt(validation, "teacher"), MetricsAt(validation, "student")});
  }
}

}  // namespace

absl::StatusOr<RunHistory> ReadRunHistory(FileSystem& fs, const std::string& run_dir) {
  RunHistory history;
  const std::string path = RunMetricsPath(run_dir);
  if (!fs.Exists(path)) return history;
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, fs.ReadFile(path));
  const std::vector<absl::string_view> lines = absl::StrSplit(bytes, '\n');
  // What follows the last newline is what a run that was killed, or still writes, has left there.
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    const Json line = Json::parse(lines[i].begin(), lines[i].end(), nullptr, /*allow_exceptions=*/false);
    if (!line.is_object()) return ModelError(path, ":", i + 1, ": not a JSON object, as a run writes them");
    AddLine(line, &history);
  }
  return history;
}

}  // namespace tandem
