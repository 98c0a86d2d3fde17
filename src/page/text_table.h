// A table of texts, and its three dresses: columns of plain text for a terminal, Markdown, HTML.
//
//   TextTable table{"Towers", {"", "teacher", "student"}, {{"auc", "0.7524", "0.7515"}}};
//   std::fputs(PlainTable(table).c_str(), stdout);
//
// Rows may be shorter than the header: what is missing is empty.
#ifndef TANDEM_SRC_PAGE_TEXT_TABLE_H_
#define TANDEM_SRC_PAGE_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace tandem {

struct TextTable {
  std::string title;
  std::vector<std::string> header = {};
  std::vector<std::vector<std::string>> rows = {};
  // 'l' or 'r' a column: left or right. Columns beyond its end are right; "l" is a name and its numbers.
  std::string align = "l";
};

// Columns two spaces apart, widths in characters of UTF-8; no spaces at the ends of lines, and no title.
std::string PlainTable(const TextTable& table);
// A | in a cell is escaped. No title.
std::string MarkdownTable(const TextTable& table);
// In a frame that scrolls where the page is narrower. Texts are escaped. No title. `marked`: rows of the
// class "marked", a row each; rows beyond its end aren't.
std::string HtmlTable(const TextTable& table, const std::vector<bool>& marked = {});

}  // namespace tandem

#endif  // TANDEM_SRC_PAGE_TEXT_TABLE_H_
