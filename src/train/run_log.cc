#include "src/train/run_log.h"

#include <glog/logging.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "tandem/metrics.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// The step of a whole line, or -1.
int64_t StepOfLine(absl::string_view line) {
  int64_t step = -1;
  if (!absl::ConsumePrefix(&line, "{\"step\":") || !absl::EndsWith(line, "}")) return -1;
  return absl::SimpleAtoi(line.substr(0, line.find_first_of(",}")), &step) ? step : -1;
}

Json MetricsJson(const ScoreLog& log, bool with_groups) {
  return Json::parse(MetricsToJson(ComputeMetrics(log, with_groups)));
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
    if (absl::StrContains(line, "\"progressive\":") && --days < 0) break;
    keep = end + 1;
  }
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                          fs.OpenForAppend(path, static_cast<int64_t>(keep)));
  return std::unique_ptr<RunLog>(new RunLog(std::move(file)));
}

absl::Status RunLog::LogStep(int64_t step, const std::string& day, int64_t rows, const LossTerms& losses,
                             bool labelled, double rows_per_second) {
  Json line;
  line["step"] = step;
  line["day"] = day;
  line["rows"] = rows;
  line["losses"] = {{"total", losses.total},
                    {"teacher_label", losses.teacher_label},
                    {"student_label", losses.student_label},
                    {"logit", losses.logit},
                    {"hint", losses.hint}};
  if (!labelled) line["losses"]["teacher_label"] = line["losses"]["student_label"] = nullptr;
  line["rows_per_second"] = rows_per_second;
  return file_->Append(line.dump() + "\n");
}

absl::Status RunLog::LogDay(int64_t step, const std::string& day, const DayProgress& progress,
                            bool with_groups) {
  Json line;
  line["step"] = step;
  line["day"] = day;
  line["rows"] = std::max(progress.teacher.rows(), progress.student.rows());
  if (progress.teacher.rows() > 0)
    line["progressive"]["teacher"] = MetricsJson(progress.teacher, with_groups);
  if (progress.student.rows() > 0)
    line["progressive"]["student"] = MetricsJson(progress.student, with_groups);
  return file_->Append(line.dump() + "\n");
}

absl::Status RunLog::LogLine(const std::string& json) { return file_->Append(json + "\n"); }

absl::Status RunLog::Sync() { return file_->Sync(); }

}  // namespace tandem
