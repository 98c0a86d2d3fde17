#include "src/train/run_log.h"

#include <glog/logging.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/util/format_version.h"
#include "src/util/json_text.h"
#include "tandem/durable_files.h"
#include "tandem/metrics.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kFormat = ",\"format\":";

// Of a whole line, whose last field it is.
int FormatOfLine(absl::string_view line) {
  const size_t begin = line.rfind(kFormat);
  int version = 0;
  if (begin == absl::string_view::npos) return kFormatWithoutVersion;
  line = line.substr(begin + kFormat.size());
  return absl::SimpleAtoi(line.substr(0, line.find('}')), &version) ? version : kFormatWithoutVersion;
}

// The step of a whole line, or -1.
int64_t StepOfLine(absl::string_view line) {
  int64_t step = -1;
  if (!absl::ConsumePrefix(&line, "{\"step\":") || !absl::EndsWith(line, "}")) return -1;
  return absl::SimpleAtoi(line.substr(0, line.find_first_of(",}")), &step) ? step : -1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunLog>> RunLog::Open(FileSystem& fs, const std::string& path, int64_t step,
                                                     int days) {
  if (!fs.Exists(path)) TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, path, ""));
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, fs.ReadFile(path));
  size_t keep = 0;
  for (size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', keep)) {
    const absl::string_view line = absl::string_view(bytes).substr(keep, end - keep);
    const int64_t line_step = StepOfLine(line);
    if (line_step < 0 || line_step > step) break;
    TANDEM_RETURN_IF_ERROR(CheckFormatVersion(FormatOfLine(line), path));
    if (absl::StrContains(line, "\"progressive\":") && --days < 0) break;
    keep = end + 1;
  }
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                          fs.OpenForAppend(path, static_cast<int64_t>(keep)));
  return std::unique_ptr<RunLog>(new RunLog(std::move(file)));
}

absl::Status RunLog::OnStep(const StepReport& step) {
  Json line;
  line["step"] = step.step;
  line["day"] = step.day;
  line["rows"] = step.rows;
  line["losses"] = {{"total", step.losses.total},
                    {"teacher_label", step.losses.teacher_label},
                    {"student_label", step.losses.student_label},
                    {"logit", step.losses.logit},
                    {"hint", step.losses.hint}};
  if (!step.labelled) line["losses"]["teacher_label"] = line["losses"]["student_label"] = nullptr;
  line["rows_per_second"] = step.rows_per_second;
  return LogLine(JsonText(line));
}

absl::Status RunLog::OnDay(const DayReport& day) {
  const auto rows = [](const std::optional<Metrics>& metrics) {
    return metrics.has_value() ? metrics->rows : 0;
  };
  Json line;
  line["step"] = day.step;
  line["day"] = day.day;
  line["rows"] = std::max(rows(day.teacher), rows(day.student));
  line["malformed"] = day.malformed;
  if (day.teacher.has_value() || day.student.has_value())
    line["clicks"] = (day.student.has_value() ? day.student : day.teacher)->positives;
  if (day.teacher.has_value()) line["progressive"]["teacher"] = Json::parse(MetricsToJson(*day.teacher));
  if (day.student.has_value()) line["progressive"]["student"] = Json::parse(MetricsToJson(*day.student));
  return LogLine(JsonText(line));
}

absl::Status RunLog::OnValidation(const ValidationReport& validation) {
  Json line;
  line["step"] = validation.step;
  line["rows"] = validation.rows;
  line[validation.of_phase ? "portion" : "pass"] = validation.number;
  const auto add = [&](const char* tower, const std::optional<Metrics>& metrics) {
    if (metrics.has_value()) line["validation"][tower] = Json::parse(MetricsToJson(*metrics));
  };
  add("teacher", validation.teacher);
  add("student", validation.student);
  line["best"] = validation.best;
  if (validation.mean.has_value()) {
    line["mean"]["weights"] = validation.mean->weights;
    line["mean"]["offset"] = validation.mean->offset;
  }
  return LogLine(JsonText(line));
}

absl::Status RunLog::LogLine(const std::string& json) {
  CHECK(absl::EndsWith(json, "}")) << json;
  return file_->Append(absl::StrCat(json.substr(0, json.size() - 1), kFormat, kFormatVersion, "}\n"));
}

absl::Status RunLog::Sync() { return file_->Sync(); }

}  // namespace tandem
