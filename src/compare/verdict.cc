// What came of a comparison, in sentences.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/compare/report.h"

namespace tandem {
namespace {

std::string MeanText(const MeanOverSeeds& mean) {
  std::string text = absl::StrFormat("%.4f", mean.mean);
  if (mean.deviation.has_value()) absl::StrAppendFormat(&text, " ± %.4f", *mean.deviation);
  return text;
}

// The row, apart from the one that is every gap's 0 %, whose student has the highest mean AUC; null without.
const CompareRow* BestStudent(const Comparison& comparison, double* best) {
  const CompareRow* found = nullptr;
  for (const CompareRow& row : comparison.rows) {
    const auto auc = MeanOf(ValuesOf(row, TowerKind::kStudent, &Metrics::auc));
    if (!auc.has_value() || &row == &comparison.rows[row.alone]) continue;
    if (found != nullptr && auc->mean <= *best) continue;
    found = &row;
    *best = auc->mean;
  }
  return found;
}

std::string GapSentence(const Comparison& comparison, const CompareRow& row) {
  const GapClosed gap = GapClosedBy(comparison, row);
  switch (gap.kind) {
    case GapClosed::kDefined: {
      const std::string error = gap.error.has_value() ? absl::StrFormat(" ± %.0f", 100 * *gap.error)
                                                      : " (one seed: without an error)";
      return absl::StrFormat("That is %.0f%s %% of the way from the student alone to the teacher.",
                             100 * gap.share, error);
    }
    case GapClosed::kNoGap:
      return "The teacher isn't ahead of the student alone by more than the seeds scatter: here a teacher "
             "has nothing "
             "to give, and shares of the gap would be noise.";
    case GapClosed::kUndefined:
      break;
  }
  return "";
}

}  // namespace

std::vector<std::string> CompareVerdict(const Comparison& comparison) {
  std::vector<std::string> sentences;
  const auto teacher =
      MeanOf(ValuesOf(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher, &Metrics::auc));
  const auto alone =
      MeanOf(ValuesOf(comparison.rows[comparison.student_alone], TowerKind::kStudent, &Metrics::auc));
  if (!teacher.has_value() || !alone.has_value())
    return {"AUC is undefined on the test rows, which have one label only: nothing can be compared by it."};
  sentences.push_back(absl::StrCat("Alone the teacher has AUC ", MeanText(*teacher), ", the student ",
                                   MeanText(*alone), "."));
  double best = 0;
  const CompareRow* const row = BestStudent(comparison, &best);
  if (row == nullptr) return sentences;
  const auto auc = MeanOf(ValuesOf(*row, TowerKind::kStudent, &Metrics::auc));
  const auto ahead =
      MeanOf(Differences(ValuesOf(*row, TowerKind::kStudent, &Metrics::auc),
                         ValuesOf(comparison.rows[row->alone], TowerKind::kStudent, &Metrics::auc)));
  std::string sentence = absl::StrCat("The best student is that of ", row->name, ", with ", MeanText(*auc));
  if (ahead.has_value())
    absl::StrAppendFormat(&sentence, ", %.4f %s the student alone", std::abs(ahead->mean),
                          ahead->mean >= 0 ? "ahead of" : "behind");
  sentences.push_back(sentence + ".");
  const std::string gap = GapSentence(comparison, *row);
  if (!gap.empty()) sentences.push_back(gap);
  if (row->student_microseconds.value_or(0) > 0 &&
      comparison.rows[comparison.teacher_alone].teacher_microseconds) {
    sentences.push_back(absl::StrFormat("Its student scores a row in %.2f µs, the teacher in %.2f.",
                                        *row->student_microseconds,
                                        *comparison.rows[comparison.teacher_alone].teacher_microseconds));
  }
  return sentences;
}

}  // namespace tandem
