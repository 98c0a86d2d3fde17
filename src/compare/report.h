// A comparison as JSON, as Markdown tables, and as one page of HTML with plots and nothing from elsewhere.
//
// Equal comparisons give equal bytes. Numbers in tables are "mean ± standard deviation" over the seeds; "-"
// stands for what is undefined.
#ifndef TANDEM_SRC_COMPARE_REPORT_H_
#define TANDEM_SRC_COMPARE_REPORT_H_

#include <string>
#include <vector>

#include "src/compare/comparison.h"
#include "src/page/text_table.h"

namespace tandem {

// The student's quality; the teacher; what both cost; users seen and unseen where they are known.
std::vector<TextTable> CompareTables(const Comparison& comparison);
// What was trained and tested, and how to read the tables: a sentence each.
std::vector<std::string> CompareNotes(const Comparison& comparison);

// What came of it, in sentences for a reader in a hurry.
std::vector<std::string> CompareVerdict(const Comparison& comparison);

std::string CompareJson(const Comparison& comparison);
std::string CompareMarkdown(const Comparison& comparison);
std::string CompareHtml(const Comparison& comparison);

// AUC of every row, both towers, a point a seed.
std::string AucPlot(const Comparison& comparison);
// Click rate against prediction, bin by bin: a panel a row.
std::string ReliabilityPlot(const Comparison& comparison);
// AUC against microseconds a sample.
std::string LatencyPlot(const Comparison& comparison);
// The same for the widths of the frontier, distilled and alone; "" without one.
std::string FrontierPlot(const Comparison& comparison);

}  // namespace tandem

#endif  // TANDEM_SRC_COMPARE_REPORT_H_
