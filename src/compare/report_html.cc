// A comparison as one page of HTML.
#include "absl/strings/str_cat.h"
#include "src/compare/report.h"
#include "src/compare/svg.h"

namespace tandem {
namespace {

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tandem: comparison of methods</title>
<style>
body { font: 15px/1.45 sans-serif; color: #333; background: #fff; max-width: 1180px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; } h2 { font-size: 17px; margin-top: 32px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th, td { padding: 4px 10px; border-bottom: 1px solid #ddd; text-align: right; }
th { border-bottom: 2px solid #999; } th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
</style>
</head>
<body>
<h1>Comparison of methods</h1>
)";

std::string HtmlTable(const TextTable& table) {
  std::string html =
      absl::StrCat("<h2>", EscapeXml(table.title), "</h2>\n<div class=\"scroll\"><table>\n<tr>");
  for (const std::string& name : table.header) absl::StrAppend(&html, "<th>", EscapeXml(name), "</th>");
  absl::StrAppend(&html, "</tr>\n");
  for (const std::vector<std::string>& row : table.rows) {
    absl::StrAppend(&html, "<tr>");
    for (const std::string& cell : row) absl::StrAppend(&html, "<td>", EscapeXml(cell), "</td>");
    absl::StrAppend(&html, "</tr>\n");
  }
  return html + "</table></div>\n";
}

std::string Section(const char* title, const std::string& svg) {
  if (svg.empty()) return "";
  return absl::StrCat("<h2>", title, "</h2>\n<div class=\"scroll\">", svg, "</div>\n");
}

}  // namespace

std::string CompareHtml(const Comparison& comparison) {
  std::string html = kHead;
  for (const std::string& note : CompareNotes(comparison))
    absl::StrAppend(&html, "<p>", EscapeXml(note), "</p>\n");
  for (const TextTable& table : CompareTables(comparison)) html += HtmlTable(table);
  html += Section("AUC, a point a seed; dashed: teacher alone and student alone", AucPlot(comparison));
  html += Section("Size and quality", FrontierPlot(comparison));
  html += Section("AUC against scoring time", LatencyPlot(comparison));
  html += Section("Reliability: click rate against prediction, ten bins of equal count",
                  ReliabilityPlot(comparison));
  return html + "</body>\n</html>\n";
}

}  // namespace tandem
