#include "src/daily/days_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/page/chart.h"
#include "src/page/html_page.h"
#include "src/page/text_table.h"
#include "src/util/json_text.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kColumns = {"date",        "judged on",          "rows",          "malformed",
                                           "teacher AUC", "student AUC",        "in place, AUC", "log loss",
                                           "COPC",        "without finetuning", "verdict"};

// A figure of a tower, "" where there is none.
std::string Figure(const Json& day, const char* tower, const char* metric, int digits) {
  const auto found = day.find(tower);
  if (found == day.end() || !found->contains(metric) || !(*found)[metric].is_number()) return "";
  return absl::StrFormat("%.*f", digits, (*found)[metric].get<double>());
}

std::string DayVerdict(const Json& day) {
  if (day.contains("skipped")) return day["skipped"].get<std::string>();
  if (day.value("published", false)) return "published";
  const auto reasons = day.value("reasons", std::vector<std::string>());
  return absl::StrCat("held: ", absl::StrJoin(reasons, "; "));
}

std::vector<std::string> Cells(const Json& day) {
  const auto text = [&](const char* key) -> std::string {
    if (!day.contains(key)) return "";
    return day[key].is_string() ? day[key].get<std::string>() : JsonText(day[key]);
  };
  return {text("date"),
          text("judged_on"),
          text("rows"),
          text("bad"),
          Figure(day, "teacher", "auc", 4),
          Figure(day, "student", "auc", 4),
          Figure(day, "in_place", "auc", 4),
          Figure(day, "student", "logloss", 4),
          Figure(day, "student", "copc", 3),
          Figure(day, "without_finetune", "auc", 4),
          DayVerdict(day)};
}

TextTable TableOf(const std::vector<Json>& days) {
  TextTable table;
  table.header = kColumns;
  table.align = "ll" + std::string(kColumns.size() - 3, 'r') + "l";
  for (const Json& day : days) table.rows.push_back(Cells(day));
  return table;
}

bool IsPublished(const Json& day) { return day.contains("published") && day["published"].get<bool>(); }

// A figure of the new student and of the model in place, day by day.
std::string Plot(const std::vector<Json>& days, const char* metric, const char* label) {
  Chart chart{"day of the new model", label, {}, {}};
  Series now{"the new student", kStudentColor, {}}, before{"the model in place", kAloneColor, {}};
  now.dots = before.dots = true;
  before.dashed = true;
  before.mark = Mark::kHollow;
  for (size_t i = 0; i < days.size(); ++i) {
    const auto x = static_cast<double>(i);
    const std::string date = days[i].value("date", "");
    chart.x_ticks.emplace_back(x, date.substr(std::min<size_t>(5, date.size())));
    for (const auto& [tower, series] : {std::pair("student", &now), std::pair("in_place", &before)}) {
      const auto found = days[i].find(tower);
      if (found != days[i].end() && found->contains(metric) && (*found)[metric].is_number())
        series->points.emplace_back(x, (*found)[metric].get<double>());
    }
  }
  for (Series* series : {&now, &before}) {
    if (!series->points.empty()) chart.series.push_back(*series);
  }
  return ChartSvg(chart);
}

std::vector<std::string> VerdictOn(const std::vector<Json>& days) {
  if (days.empty()) return {"No day is done yet."};
  int published = 0, skipped = 0;
  std::string in_place;
  for (const Json& day : days) {
    skipped += day.contains("skipped");
    if (!IsPublished(day)) continue;
    ++published;
    in_place = day.value("date", "");
  }
  const int held = static_cast<int>(days.size()) - published - skipped;
  std::vector<std::string> sentences = {
      absl::StrFormat("Of %d days the models of %d were published, %d were held%s.", days.size(), published,
                      held, skipped > 0 ? absl::StrFormat(", %d skipped", skipped) : "")};
  sentences.push_back(in_place.empty() ? "No model is in place."
                                       : absl::StrCat("In place is the model of ", in_place, "."));
  const Json& last = days.back();
  if (!IsPublished(last))
    sentences.push_back(absl::StrCat("The last day, ", last.value("date", ""), ": ", DayVerdict(last), "."));
  return sentences;
}

}  // namespace

std::string DaysMarkdown(const std::vector<Json>& days) { return MarkdownTable(TableOf(days)); }

std::string DaysHtml(const std::vector<Json>& days) {
  const std::string dates =
      days.empty() ? "" : absl::StrCat(days.front().value("date", ""), " to ", days.back().value("date", ""));
  HtmlPage page("A model a day", dates);
  page.Verdict(VerdictOn(days), days.empty()               ? HtmlPage::Tone::kPlain
                                : IsPublished(days.back()) ? HtmlPage::Tone::kGood
                                                           : HtmlPage::Tone::kBad);
  page.Section("Day by day");
  page.Figures({{"AUC on the day judged on", Plot(days, "auc", "AUC")},
                {"Log loss on the day judged on", Plot(days, "logloss", "log loss")},
                {"COPC on the day judged on", Plot(days, "copc", "clicks over predicted clicks")}});
  std::vector<bool> held;
  for (const Json& day : days) held.push_back(!IsPublished(day));
  page.Table(TableOf(days), held);
  page.Words({{"judged on", "the next day with a log, which the new model hasn't seen"},
              {"malformed", "rows of the day that couldn't be read"},
              {"AUC", "how often a clicked row scores above one that wasn't: 0.5 by chance, 1 always"},
              {"in place", "the model that was published before, on the same rows"},
              {"log loss", "how wrong the student's probabilities are, a row; the lower the better"},
              {"COPC", "clicks over predicted clicks: 1 is right, above 1 too few are predicted"},
              {"without finetuning",
               "AUC of the student before it learned the newest day once more (daily.finetune)"},
              {"held", "not published: daily.gate says when; the row says why"}});
  return page.Html();
}

}  // namespace tandem
