// A comparison as one page of HTML.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/compare/report.h"
#include "src/page/html_page.h"

namespace tandem {
namespace {

// When it was measured, the first day and the last.
std::string MeasuredOn(const Comparison& comparison) {
  std::string first, last;
  for (const CompareRow& row : comparison.rows) {
    for (const CompareCell& cell : row.cells) {
      if (cell.date.empty()) continue;
      if (first.empty() || cell.date < first) first = cell.date;
      last = std::max(last, cell.date);
    }
  }
  if (first.empty()) return "";
  return first == last ? absl::StrCat("Measured on ", first) : absl::StrCat("Measured ", first, " to ", last);
}

HtmlPage::Tone ToneOf(const Comparison& comparison) {
  for (const CompareRow& row : comparison.rows) {
    const GapClosed gap = GapClosedBy(comparison, row);
    if (&row != &comparison.rows[row.alone] && gap.kind == GapClosed::kDefined && gap.share > 0)
      return HtmlPage::Tone::kGood;
  }
  return HtmlPage::Tone::kPlain;
}

}  // namespace

std::string CompareHtml(const Comparison& comparison) {
  HtmlPage page("Comparison of methods", MeasuredOn(comparison));
  page.Verdict(CompareVerdict(comparison), ToneOf(comparison));
  page.Section("What was compared");
  for (const std::string& note : CompareNotes(comparison)) page.Paragraph(note);
  page.Section("Tables");
  for (const TextTable& table : CompareTables(comparison)) page.Table(table);
  page.Words({{"teacher, student", "the large tower, and the small one that learns from it and is served"},
              {"AUC", "how often a clicked row scores above one that wasn't: 0.5 by chance, 1 always"},
              {"log loss", "how wrong the probabilities are, a row; the lower the better"},
              {"GAUC", "AUC among the rows of one user (data.group_column) at a time, averaged"},
              {"COPC", "clicks over predicted clicks: 1 is right, above 1 too few are predicted"},
              {"steps a row", "how often a row was trained on"},
              {"µs a sample", "millionths of a second to score a row, one thread"}});
  page.Section("Plots");
  page.WideFigure("AUC of every row of the tables", AucPlot(comparison));
  page.WideFigure("Size and quality", FrontierPlot(comparison));
  page.WideFigure("AUC against scoring time: up and to the left is better", LatencyPlot(comparison));
  page.WideFigure("Calibration: ten bins of equal count; below the dashed line too many clicks are predicted",
                  ReliabilityPlot(comparison));
  return page.Html();
}

}  // namespace tandem
