// The verdict of a report: a few sentences by fixed rules.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/report/report_data.h"
#include "src/util/progress.h"

namespace tandem {
namespace {

// Clicks over predicted clicks may be off by so much before a page says so.
constexpr double kCalibrated = 0.05;

void SayRanking(const ModelEvaluation& judged, Verdict* verdict) {
  const bool of_student = judged.student.has_value();
  const Metrics& served = of_student ? judged.student->all : judged.teacher->all;
  if (!served.auc.has_value()) {
    verdict->sentences.push_back(
        absl::StrCat("The ", FormatCount(judged.rows),
                     " rows it was judged on all have one label: its ranking can't be "
                     "judged."));
    return;
  }
  std::string sentence = absl::StrFormat(
      "On %s rows the %s puts a clicked row above one that wasn't in %.1f of 100 pairs (AUC %.4f)",
      FormatCount(judged.rows), of_student ? "student" : "teacher", 100 * *served.auc, *served.auc);
  if (of_student && judged.teacher.has_value() && judged.teacher->all.auc.has_value()) {
    const double teacher = *judged.teacher->all.auc;
    absl::StrAppendFormat(&sentence, "; the teacher's is %.4f, %s", teacher,
                          std::abs(teacher - *served.auc) < 0.0005
                              ? "the same"
                              : absl::StrFormat("%.4f %s", std::abs(teacher - *served.auc),
                                                teacher > *served.auc ? "more" : "less"));
  }
  verdict->sentences.push_back(sentence + ".");
}

void SayLoss(const RecordedMetrics& served, const char* tower, Verdict* verdict) {
  if (!served.logloss.has_value() || served.normalized_entropy.value_or(0) <= 0) return;
  const double of_rate = *served.logloss / *served.normalized_entropy;
  if (*served.normalized_entropy >= 1) {
    verdict->kind = Verdict::Kind::kBad;
    verdict->sentences.push_back(absl::StrFormat(
        "The %s's log loss, %.4f, is no better than the %.4f that always saying the click rate has: "
        "its probabilities are worth nothing. Don't serve it.",
        tower, *served.logloss, of_rate));
    return;
  }
  verdict->kind = Verdict::Kind::kGood;
  verdict->sentences.push_back(absl::StrFormat(
      "The %s's log loss is %.4f, %.1f %% below the %.4f that always saying the click rate has.", tower,
      *served.logloss, 100 * (1 - *served.normalized_entropy), of_rate));
}

void SayCalibration(const Metrics& served, Verdict* verdict) {
  if (!served.copc.has_value()) return;
  const double off = *served.copc - 1;
  if (std::abs(off) <= kCalibrated) {
    verdict->sentences.push_back(absl::StrFormat(
        "It is calibrated: for 100 clicks that it predicts there are %.0f.", 100 * *served.copc));
  } else {
    verdict->sentences.push_back(
        absl::StrFormat("It predicts too %s clicks: for 100 predicted there are %.0f.",
                        off > 0 ? "few" : "many", 100 * *served.copc));
    if (verdict->kind == Verdict::Kind::kGood) verdict->kind = Verdict::Kind::kOpen;
  }
}

void SayColumns(const ModelImportance& importance, Verdict* verdict) {
  std::vector<std::string> important;
  int chance = 0;
  for (const ColumnImportance& column : importance.columns) {
    const std::optional<MeanLoss>& auc = column.served().auc;
    if (!auc.has_value()) return;
    chance += auc->may_be_chance();
    if (!auc->may_be_chance() && important.size() < 3) important.push_back(column.column);
  }
  if (important.empty()) {
    verdict->sentences.emplace_back("No column of the log makes a difference that chance couldn't.");
    return;
  }
  verdict->sentences.push_back(
      absl::StrCat("It leans most on ", absl::StrJoin(important, ", "), ".",
                   chance > 0 ? absl::StrCat(" ", chance, " of ", importance.columns.size(),
                                             " columns make no difference that chance couldn't.")
                              : ""));
}

}  // namespace

Verdict VerdictOn(const ReportData& data) {
  Verdict verdict;
  if (data.judged.has_value()) {
    const ModelEvaluation& judged = data.judged->evaluation;
    SayRanking(judged, &verdict);
    const bool of_student = judged.student.has_value();
    const Metrics& served = of_student ? judged.student->all : judged.teacher->all;
    SayLoss({served.auc, served.logloss, served.normalized_entropy}, of_student ? "student" : "teacher",
            &verdict);
    SayCalibration(served, &verdict);
    SayColumns(data.judged->importance, &verdict);
    return verdict;
  }
  if (data.history.has_value() && !data.history->days.empty()) {
    const DayRecord& last = data.history->days.back();
    const bool of_student = last.student.logloss.has_value();
    SayLoss(of_student ? last.student : last.teacher, of_student ? "student" : "teacher", &verdict);
    verdict.sentences.push_back(absl::StrCat("These are the rows of ",
                                             last.day.empty() ? "the log" : last.day,
                                             ", each scored before it was learned from. How the finished "
                                             "model does on rows that it has never seen "
                                             "only such rows can show."));
    return verdict;
  }
  verdict.sentences.emplace_back("Nothing here tells how well the model does: labelled rows can.");
  return verdict;
}

}  // namespace tandem
