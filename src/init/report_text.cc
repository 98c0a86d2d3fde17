// What init found, as a table for a terminal.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/init/quantity.h"
#include "src/init/writer.h"
#include "tandem/init.h"

namespace tandem {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kLongestName = 30;

// `size` characters (of UTF-8): filled up with blanks, or cut, with dots.
std::string Column(const std::string& text, size_t size) {
  std::vector<size_t> begins;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) begins.push_back(i);
  }
  if (begins.size() <= size) return text + std::string(size - begins.size(), ' ');
  return text.substr(0, begins[size - 3]) + "...";
}

std::string Percent(double share) {
  if (share == 0) return "";
  return share < 0.001 ? "<0.1 %" : absl::StrFormat("%.1f %%", 100 * share);
}

void AddRows(const InitReport& report, bool used, size_t name_width, std::string* text) {
  for (const InitColumn& column : report.columns) {
    if (column.used != used) continue;
    const std::string name = column.name.empty() ? "(no name)" : column.name;
    const std::string row =
        absl::StrCat("  ", Column(Printable(name), name_width), " ", Column(column.kind, 12),
                     absl::StrFormat(" %9s %8s  ", Thousands(static_cast<double>(column.distinct)),
                                     Percent(column.missing)));
    const std::string why = Wrapped(Printable(column.why), std::string(name_width + 36, ' '), kWidth);
    absl::StrAppend(text, row, why.substr(std::min(why.size(), name_width + 36)));
  }
}

}  // namespace

std::string InitReportText(const InitReport& report) {
  std::string text;
  for (const std::string& finding : report.findings) text += Wrapped(Printable(finding), "", kWidth);
  size_t name_width = 6;
  for (const InitColumn& column : report.columns)
    name_width = std::max(name_width, std::min(kLongestName, column.name.size()));
  absl::StrAppend(&text, "\n  ", Column("column", name_width), " ", Column("is", 12),
                  " distinct  missing  why\n");
  AddRows(report, /*used=*/true, name_width, &text);
  const auto left_out = std::count_if(report.columns.begin(), report.columns.end(),
                                      [](const InitColumn& column) { return !column.used; });
  if (left_out > 0) absl::StrAppend(&text, "\n  no features:\n");
  AddRows(report, /*used=*/false, name_width, &text);
  text += "\n";
  for (const std::string& warning : report.warnings)
    text += Wrapped(Printable("Look here: " + warning), "", kWidth);
  if (!report.warnings.empty()) text += "\n";
  for (const std::string& sentence : report.plan) text += Wrapped(sentence, "", kWidth);
  text += "\nNext:\n";
  for (const std::string& command : report.commands) absl::StrAppend(&text, "  ", command, "\n");
  return text;
}

}  // namespace tandem
