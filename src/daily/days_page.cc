#include "src/daily/days_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

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

std::string Verdict(const Json& day) {
  if (day.contains("skipped")) return day["skipped"].get<std::string>();
  if (day["published"].get<bool>()) return "published";
  std::vector<std::string> reasons = day["reasons"].get<std::vector<std::string>>();
  return absl::StrCat("held: ", absl::StrJoin(reasons, "; "));
}

std::vector<std::string> Cells(const Json& day) {
  const auto text = [&](const char* key) -> std::string {
    if (!day.contains(key)) return "";
    return day[key].is_string() ? day[key].get<std::string>() : day[key].dump();
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
          Verdict(day)};
}

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

// The student's AUC and that of the model in place, day by day.
std::string Plot(const std::vector<Json>& days) {
  constexpr double kWidth = 900, kHeight = 160, kMargin = 40;
  double low = 1, high = 0;
  const auto value = [](const Json& day, const char* tower) {
    const auto found = day.find(tower);
    return found != day.end() && (*found)["auc"].is_number() ? (*found)["auc"].get<double>() : -1.0;
  };
  for (const Json& day : days) {
    for (const char* tower : {"student", "in_place"}) {
      if (value(day, tower) < 0) continue;
      low = std::min(low, value(day, tower));
      high = std::max(high, value(day, tower));
    }
  }
  if (low > high) return "";
  const double span = std::max(high - low, 1e-4);
  const auto line = [&](const char* tower, const char* colour) {
    std::string points;
    for (size_t i = 0; i < days.size(); ++i) {
      if (value(days[i], tower) < 0) continue;
      const double x = kMargin + (kWidth - 2 * kMargin) *
                                     (days.size() > 1 ? static_cast<double>(i) / (days.size() - 1) : 0.5);
      const double y = kMargin / 2 + (kHeight - kMargin) * (high - value(days[i], tower)) / span;
      absl::StrAppendFormat(&points, "%.1f,%.1f ", x, y);
    }
    return absl::StrFormat("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"%s\"/>\n",
                           colour, points);
  };
  return absl::StrFormat(
      "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"AUC by day\">\n%s%s"
      "<text x=\"2\" y=\"%.0f\">%.3f</text><text x=\"2\" y=\"%.0f\">%.3f</text>\n</svg>\n"
      "<p>AUC on the day it is judged on: <b style=\"color:#0b62a8\">the new student</b>, <b "
      "style=\"color:#999\">the "
      "model in "
      "place</b>.</p>\n",
      kWidth, kHeight, line("in_place", "#999"), line("student", "#0b62a8"), kMargin / 2 + 4, high,
      kHeight - kMargin / 2 + 4, low);
}

}  // namespace

std::string DaysMarkdown(const std::vector<Json>& days) {
  std::string text = absl::StrCat("| ", absl::StrJoin(kColumns, " | "), " |\n|");
  for (size_t i = 0; i < kColumns.size(); ++i) text += "---|";
  text += "\n";
  for (const Json& day : days) {
    std::vector<std::string> cells = Cells(day);
    for (std::string& cell : cells) cell = absl::StrReplaceAll(cell, {{"|", "\\|"}});
    absl::StrAppend(&text, "| ", absl::StrJoin(cells, " | "), " |\n");
  }
  return text;
}

std::string DaysHtml(const std::vector<Json>& days) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Days</title>\n<style>"
      "body{font:14px system-ui,sans-serif;margin:2em;max-width:1200px}table{border-collapse:collapse}"
      "td,th{padding:.2em .6em;border-bottom:1px solid "
      "#ddd;text-align:right}td:last-child,th:last-child{text-align:left}"
      ".held td{background:#fdecea}svg{max-width:900px;font-size:11px}</style></head><body>\n<h1>Days</h1>\n";
  page += Plot(days);
  absl::StrAppend(&page, "<table><tr><th>", absl::StrJoin(kColumns, "</th><th>"), "</th></tr>\n");
  for (const Json& day : days) {
    std::vector<std::string> cells = Cells(day);
    for (std::string& cell : cells) cell = Escaped(cell);
    const bool held = !day.contains("published") || !day["published"].get<bool>();
    absl::StrAppend(&page, held ? "<tr class=\"held\">" : "<tr>", "<td>", absl::StrJoin(cells, "</td><td>"),
                    "</td></tr>\n");
  }
  return page + "</table>\n</body></html>\n";
}

}  // namespace tandem
