#include "src/train/run_progress.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tandem/experiment.pb.h"
#include "tandem/row_fault.h"
#include "tandem/state.pb.h"

namespace tandem {
namespace {

double BytesOf(FileSystem& fs, const Day& day) {
  double bytes = 0;
  for (const std::string& file : day.files) {
    const absl::StatusOr<int64_t> size = fs.Size(file);
    if (size.ok()) bytes += static_cast<double>(*size);
  }
  return bytes;
}

std::string OfThemUnlabelled(int64_t rows) {
  return rows > 0 ? absl::StrCat(", ", FormatCount(rows), " of them without a label") : "";
}

std::string DayName(const std::string& date) { return date.empty() ? "data" : date; }

std::string AucOf(const std::optional<Metrics>& metrics) {
  return metrics.has_value() && metrics->auc.has_value() ? absl::StrFormat("%.4f", *metrics->auc)
                                                         : "undefined";
}

}  // namespace

RunProgress::RunProgress(FileSystem& fs, const proto::Experiment& experiment, const std::vector<Day>& days,
                         double passes, bool terminal, bool quiet)
    : plan_(PlanOf(experiment)),
      reads_stored_logits_(ReadsStoredLogits(experiment)),
      quiet_(quiet),
      progress_(terminal, stderr) {
  for (const Day& day : days) {
    bytes_[day.date] = BytesOf(fs, day);
    total_bytes_ += bytes_[day.date] * passes;
  }
}

absl::Status RunProgress::OnStep(const StepReport& step) {
  if (!quiet_) progress_.Update(StepLine(step));
  return absl::OkStatus();
}

absl::Status RunProgress::OnDay(const DayReport& day) {
  done_rows_ += day.rows;
  done_bytes_ += bytes_[day.day];
  if (quiet_) return absl::OkStatus();
  progress_.Finish();
  LOG(INFO) << DayLine(day);
  return absl::OkStatus();
}

absl::Status RunProgress::OnValidation(const ValidationReport& validation) {
  if (quiet_) return absl::OkStatus();
  progress_.Finish();
  LOG(INFO) << ValidationLine(validation);
  return absl::OkStatus();
}

void RunProgress::Warn(const std::string& text) {
  progress_.Finish();
  LOG(WARNING) << text;
}

std::string RunProgress::StepLine(const StepReport& step) const {
  const LossTerms& losses = step.losses;
  std::string line = absl::StrFormat("%s step %d: %s rows/s, loss %.4f (", DayName(step.day), step.step,
                                     FormatCount(static_cast<int64_t>(step.rows_per_second)), losses.total);
  if (plan_.teacher && step.labelled) absl::StrAppendFormat(&line, "teacher %.4f ", losses.teacher_label);
  if (plan_.student && step.labelled) absl::StrAppendFormat(&line, "student %.4f ", losses.student_label);
  if (plan_.teacher && plan_.student) {
    absl::StrAppendFormat(&line, "logit %.4f hint %.4f ", losses.logit, losses.hint);
  } else if (reads_stored_logits_) {
    absl::StrAppendFormat(&line, "logit %.4f ", losses.logit);
  }
  line.back() = ')';
  return absl::StrCat(line, TimeLeft(step.rows, step.rows_per_second));
}

std::string RunProgress::DayLine(const DayReport& day) const {
  std::string line = absl::StrCat(DayName(day.day), " done: ", FormatCount(day.rows), " rows",
                                  OfThemUnlabelled(day.unlabelled), ", progressive AUC");
  if (plan_.teacher) absl::StrAppend(&line, " teacher ", AucOf(day.teacher));
  if (plan_.student) absl::StrAppend(&line, " student ", AucOf(day.student));
  return line;
}

std::string RunProgress::ValidationLine(const ValidationReport& validation) {
  std::string line = absl::StrCat(validation.of_phase ? "portion " : "pass ", validation.number, ", ",
                                  FormatCount(validation.rows), " rows held out:");
  const char* separator = "";
  const auto add = [&](const char* tower, const std::optional<Metrics>& metrics) {
    if (!metrics.has_value()) return;
    absl::StrAppend(&line, separator, " ", tower, " log loss ",
                    metrics->logloss.has_value() ? absl::StrFormat("%.5f", *metrics->logloss) : "undefined",
                    " AUC ", AucOf(metrics));
    separator = ",";
  };
  add("teacher", validation.teacher);
  add("student", validation.student);
  if (validation.mean.has_value()) {
    const auto format = [](std::string* out, double weight) { absl::StrAppendFormat(out, "%.2f", weight); };
    absl::StrAppend(&line, "; the committee's kinds weigh ",
                    absl::StrJoin(validation.mean->weights, " ", format),
                    absl::StrFormat(", offset %+.2f", validation.mean->offset));
  }
  return absl::StrCat(line, validation.best ? "; the best so far"
                                            : absl::StrCat("; no better for ", validation.without_better));
}

std::string RunProgress::TimeLeft(int64_t rows, double rows_per_second) const {
  if (done_bytes_ == 0 || rows_per_second == 0) return "";
  const double all = static_cast<double>(done_rows_) / done_bytes_ * total_bytes_;
  return absl::StrCat(
      ", ", FormatDuration(std::max(0.0, (all - static_cast<double>(rows)) / rows_per_second)), " left");
}

std::string RowsLine(const proto::RunState& state, bool trains_unlabelled, bool learned_held_out) {
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  for (int fault = 0; fault < kRowFaults; ++fault) bad += by_fault[fault] = state.rows_bad(fault);
  const int64_t unlabelled = state.rows_unlabelled(), left_out = trains_unlabelled ? 0 : unlabelled;
  const int64_t held_out = learned_held_out ? 0 : state.rows_held_out();
  const int64_t learned_last = state.rows_held_out() - held_out;
  return absl::StrCat(
      FormatCount(state.rows_good() + bad),
      " rows read = ", FormatCount(state.rows_good() - left_out - held_out), " trained",
      OfThemUnlabelled(unlabelled - left_out),
      learned_last > 0 ? absl::StrCat(", ", FormatCount(learned_last), " of them held out until the end")
                       : "",
      left_out > 0 ? absl::StrCat(" + ", FormatCount(left_out), " without a label, left out") : "",
      held_out > 0 ? absl::StrCat(" + ", FormatCount(held_out), " held out") : "", " + ", FormatCount(bad),
      " quarantined", bad > 0 ? absl::StrCat(" (", FaultCounts(by_fault), ")") : "");
}

}  // namespace tandem
