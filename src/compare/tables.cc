// A comparison as tables of texts, and as Markdown.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/compare/report.h"
#include "src/util/progress.h"

namespace tandem {
namespace {

constexpr char kUndefined[] = "-";

struct NumberFormat {
  int digits = 4;
  bool sign = false;
};

std::string Number(double value, const NumberFormat& format) {
  return format.sign ? absl::StrFormat("%+.*f", format.digits, value)
                     : absl::StrFormat("%.*f", format.digits, value);
}

std::string MeanText(const std::optional<MeanOverSeeds>& mean, const NumberFormat& format) {
  if (!mean.has_value()) return kUndefined;
  std::string text = Number(mean->mean, format);
  if (mean->deviation.has_value()) absl::StrAppendFormat(&text, " ± %.*f", format.digits, *mean->deviation);
  return text;
}

std::string MetricText(const CompareRow& row, TowerKind tower, MetricMember metric) {
  return MeanText(MeanOf(ValuesOf(row, tower, metric)), {});
}

std::string GapText(const GapClosed& gap) {
  switch (gap.kind) {
    case GapClosed::kUndefined:
      return kUndefined;
    case GapClosed::kNoGap:
      return "no gap";
    case GapClosed::kDefined:
      break;
  }
  std::string text = absl::StrFormat("%.0f %%", 100 * gap.share);
  if (gap.error.has_value()) {
    absl::StrAppendFormat(&text, " ± %.0f", 100 * *gap.error);
  } else {
    text += " (one seed)";
  }
  return text;
}

TextTable StudentTable(const Comparison& comparison) {
  TextTable table;
  table.title = "Student";
  table.header = {"",         "AUC",  "gap closed", "AUC − student alone", "AUC − teacher alone",
                  "log loss", "GAUC", "COPC"};
  const auto teacher =
      ValuesOf(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher, &Metrics::auc);
  for (const CompareRow& row : comparison.rows) {
    const auto auc = ValuesOf(row, TowerKind::kStudent, &Metrics::auc);
    if (std::none_of(auc.begin(), auc.end(), [](const auto& value) { return value.has_value(); })) continue;
    const CompareRow& zero = comparison.rows[row.alone];
    const auto alone = ValuesOf(zero, TowerKind::kStudent, &Metrics::auc);
    const NumberFormat difference{4, /*sign=*/true};
    table.rows.push_back({row.name, MeanText(MeanOf(auc), {}), GapText(GapClosedBy(comparison, row)),
                          &row == &zero ? kUndefined : MeanText(MeanOf(Differences(auc, alone)), difference),
                          MeanText(MeanOf(Differences(auc, teacher)), difference),
                          MetricText(row, TowerKind::kStudent, &Metrics::logloss),
                          MetricText(row, TowerKind::kStudent, &Metrics::gauc),
                          MetricText(row, TowerKind::kStudent, &Metrics::copc)});
  }
  return table;
}

std::string IdenticalText(const std::vector<std::optional<bool>>& identical) {
  int same = 0, known = 0;
  for (const std::optional<bool>& one : identical) {
    known += one.has_value();
    same += one.value_or(false);
  }
  return known == 0 ? kUndefined : absl::StrFormat("%d of %d", same, known);
}

TextTable TeacherTable(const Comparison& comparison) {
  TextTable table;
  table.title = "Teacher";
  table.header = {"", "AUC", "log loss", "GAUC", "COPC", "bits of TEACHER_ALONE"};
  for (const CompareRow& row : comparison.rows) {
    if (!row.cells[0].teacher.has_value()) continue;
    table.rows.push_back(
        {row.name, MetricText(row, TowerKind::kTeacher, &Metrics::auc),
         MetricText(row, TowerKind::kTeacher, &Metrics::logloss),
         MetricText(row, TowerKind::kTeacher, &Metrics::gauc),
         MetricText(row, TowerKind::kTeacher, &Metrics::copc),
         row.other_teacher ? "other settings" : IdenticalText(TeacherIsIdentical(comparison, row))});
  }
  return table;
}

std::string Pair(const std::string& teacher, const std::string& student) {
  return absl::StrCat(teacher, " / ", student);
}

std::string Microseconds(const std::optional<double>& value) {
  return value.has_value() ? Number(*value, {2}) : kUndefined;
}

std::string DenseParameters(const std::optional<CompareTower>& tower) {
  return tower.has_value() ? FormatCount(tower->dense_parameters) : kUndefined;
}

std::optional<MeanOverSeeds> MeanSeconds(const CompareRow& row, double CompareCell::*seconds) {
  std::vector<std::optional<double>> values;
  for (const CompareCell& cell : row.cells) values.emplace_back(cell.*seconds);
  return MeanOf(values);
}

// A killed run's share is unknown.
bool TimeIsPartial(const CompareRow& row) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [](const CompareCell& cell) { return cell.time_is_partial; });
}

std::string SecondsText(const CompareRow& row, double CompareCell::*seconds) {
  return absl::StrCat(TimeIsPartial(row) ? "≥ " : "", MeanText(MeanSeconds(row, seconds), {1}));
}

// Processor time, of the means.
std::string TimesTeacherAlone(const Comparison& comparison, const CompareRow& row) {
  const CompareRow& one = comparison.rows[comparison.teacher_alone];
  const double seconds = MeanSeconds(row, &CompareCell::cpu_seconds)->mean;
  const double of_one = MeanSeconds(one, &CompareCell::cpu_seconds)->mean;
  if (TimeIsPartial(row) || TimeIsPartial(one) || of_one <= 0) return kUndefined;
  return Number(seconds / of_one, {2});
}

TextTable CostTable(const Comparison& comparison) {
  TextTable table;
  table.title = "Cost";
  table.header = {"",
                  "teacher steps a row",
                  "student steps a row",
                  "training, s",
                  "CPU, s",
                  "CPU × TEACHER_ALONE",
                  "µs a sample, teacher / student",
                  "dense parameters, teacher / student"};
  for (const CompareRow& row : comparison.rows) {
    const auto steps = [](double value) {
      return value == 0 ? std::string(kUndefined) : absl::StrFormat("%g", value);
    };
    table.rows.push_back(
        {row.name, steps(row.passes.teacher), steps(row.passes.student),
         SecondsText(row, &CompareCell::train_seconds), SecondsText(row, &CompareCell::cpu_seconds),
         TimesTeacherAlone(comparison, row),
         Pair(Microseconds(row.teacher_microseconds), Microseconds(row.student_microseconds)),
         Pair(DenseParameters(row.cells[0].teacher), DenseParameters(row.cells[0].student))});
  }
  return table;
}

// What a committee is worth, and what is left of it: of the first row with a student that learns from one.
std::optional<TextTable> CommitteeTable(const Comparison& comparison) {
  const CompareRow& committee = comparison.rows[comparison.teacher_alone];
  const CompareRow& alone = comparison.rows[comparison.student_alone];
  const auto learns_from_one = [](const CompareRow& row) {
    return !row.cells[0].members.empty() && row.cells[0].student.has_value();
  };
  const auto main = std::find_if(comparison.rows.begin(), comparison.rows.end(), learns_from_one);
  if (main == comparison.rows.end() || committee.cells[0].members.empty()) return std::nullopt;
  const size_t members = committee.cells[0].members.size();
  const auto count = static_cast<double>(members);
  const double seconds = MeanSeconds(committee, &CompareCell::cpu_seconds)->mean / count;
  std::optional<double> microseconds = committee.teacher_microseconds;
  if (microseconds.has_value()) *microseconds /= count;

  TextTable table;
  table.title = absl::StrCat("Committee of ", members, ", and ", main->name);
  table.header = {"", "AUC", "log loss", "GAUC", "COPC", "µs a sample", "× a member", "CPU, s", "× a member"};
  const auto add = [&](const std::string& name, const CompareRow& row, TowerKind tower,
                       const std::optional<double>& time, double cpu) {
    const auto times = [](double value, double of_one) {
      return of_one > 0 ? Number(value / of_one, {2}) : kUndefined;
    };
    table.rows.push_back({name, MetricText(row, tower, &Metrics::auc),
                          MetricText(row, tower, &Metrics::logloss), MetricText(row, tower, &Metrics::gauc),
                          MetricText(row, tower, &Metrics::copc), Microseconds(time),
                          time.has_value() ? times(*time, microseconds.value_or(0)) : kUndefined,
                          Number(cpu, {1}), times(cpu, seconds)});
  };
  const double of_alone = MeanSeconds(alone, &CompareCell::cpu_seconds)->mean;
  const double of_main = MeanSeconds(*main, &CompareCell::cpu_seconds)->mean;
  add("COMMITTEE", committee, TowerKind::kTeacher, committee.teacher_microseconds, count * seconds);
  add("MEMBER, their mean", committee, TowerKind::kMembers, microseconds, seconds);
  add("MEMBER, the best here", committee, TowerKind::kBestMember, microseconds, seconds);
  add("STUDENT_ALONE", alone, TowerKind::kStudent, alone.student_microseconds, of_alone);
  add("DISTILLED", *main, TowerKind::kStudent, main->student_microseconds, of_main);
  add("SERVED, int8", *main, TowerKind::kServed, main->served_microseconds, of_main);
  return table;
}

// AUC of the seen or unseen part over the seeds.
std::string PartText(const CompareRow& row, TowerKind kind, std::optional<Metrics> Evaluation::*part) {
  std::vector<std::optional<double>> values;
  for (const CompareCell& cell : row.cells) {
    const std::optional<CompareTower>& tower = kind == TowerKind::kTeacher ? cell.teacher : cell.student;
    values.push_back(tower.has_value() && (tower->metrics.*part).has_value() ? (tower->metrics.*part)->auc
                                                                             : std::nullopt);
  }
  return MeanText(MeanOf(values), {});
}

std::optional<TextTable> SeenTable(const Comparison& comparison) {
  TextTable table;
  for (const CompareRow& row : comparison.rows) {
    const std::optional<CompareTower>& any =
        row.cells[0].student.has_value() ? row.cells[0].student : row.cells[0].teacher;
    if (!any.has_value() || !any->metrics.seen.has_value()) continue;
    table.title =
        absl::StrFormat("AUC on users seen in training (%s rows) and unseen (%s rows)",
                        FormatCount(any->metrics.seen->rows), FormatCount(any->metrics.unseen->rows));
    table.rows.push_back({row.name, PartText(row, TowerKind::kStudent, &Evaluation::seen),
                          PartText(row, TowerKind::kStudent, &Evaluation::unseen),
                          PartText(row, TowerKind::kTeacher, &Evaluation::seen),
                          PartText(row, TowerKind::kTeacher, &Evaluation::unseen)});
  }
  table.header = {"", "student, seen", "student, unseen", "teacher, seen", "teacher, unseen"};
  if (table.rows.empty()) return std::nullopt;
  return table;
}

}  // namespace

std::vector<TextTable> CompareTables(const Comparison& comparison) {
  std::vector<TextTable> tables = {StudentTable(comparison), TeacherTable(comparison), CostTable(comparison)};
  if (std::optional<TextTable> committee = CommitteeTable(comparison))
    tables.push_back(*std::move(committee));
  if (std::optional<TextTable> seen = SeenTable(comparison)) tables.push_back(*std::move(seen));
  return tables;
}

std::vector<std::string> CompareNotes(const Comparison& comparison) {
  std::vector<std::string> notes;
  const CompareRow& first = comparison.rows[0];
  const std::string window = comparison.days.empty() || comparison.days[0].empty()
                                 ? "the whole log"
                                 : absl::StrFormat("%s..%s (%d days)", comparison.days.front(),
                                                   comparison.days.back(), comparison.days.size());
  notes.push_back(absl::StrFormat(
      "%s; trained on %s, tested on %s (%s rows); seeds %s.", absl::StrJoin(comparison.config_files, " + "),
      window, comparison.test, FormatCount(first.cells[0].test_rows), absl::StrJoin(comparison.seeds, ", ")));
  notes.push_back(
      "Mean ± standard deviation over the seeds. Gap closed = (S − A) / (T − A), S the row's student, T the "
      "teacher of TEACHER_ALONE, A the student of STUDENT_ALONE, by AUC, ± one standard error of the paired "
      "seeds; 'no gap' where T − A is under three standard deviations of it.");
  if (CommitteeTable(comparison).has_value()) {
    notes.push_back(
        "COMMITTEE, MEMBER: the teachers of TEACHER_ALONE, their mean logit and each by itself; a member's "
        "time is the committee's over their number. The best member is known by the test rows only. "
        "SERVED: the student as a bundle in int8 serves it.");
  }
  for (const CompareRow& row : comparison.rows) {
    if (!row.changes.empty())
      notes.push_back(absl::StrCat(row.name, ": ", absl::StrJoin(row.changes, " "), "."));
  }
  const bool other_teachers = std::any_of(comparison.rows.begin(), comparison.rows.end(),
                                          [](const CompareRow& row) { return row.other_teacher; });
  if (other_teachers) {
    notes.push_back(
        "'other settings': the row trains or averages its teacher otherwise than TEACHER_ALONE, whose bits "
        "it can't have.");
  }
  for (const std::string& row : comparison.left_out) notes.push_back(absl::StrCat("Left out: ", row));
  return notes;
}

std::string CompareMarkdown(const Comparison& comparison) {
  std::string text;
  for (const std::string& note : CompareNotes(comparison)) absl::StrAppend(&text, note, "\n\n");
  for (const TextTable& table : CompareTables(comparison)) {
    absl::StrAppend(&text, "**", table.title, "**\n\n", MarkdownTable(table), "\n");
  }
  text.pop_back();
  return text;
}

}  // namespace tandem
