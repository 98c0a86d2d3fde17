#include "src/page/text_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "src/page/escape.h"
#include "src/util/printable.h"

namespace tandem {
namespace {

// Bytes that don't go on with a character of UTF-8.
size_t Characters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

bool IsLeft(const TextTable& table, size_t column) {
  return column < table.align.size() && table.align[column] == 'l';
}

std::string PlainRow(const TextTable& table, const std::vector<std::string>& cells,
                     const std::vector<size_t>& widths) {
  std::string line;
  for (size_t c = 0; c < cells.size(); ++c) {
    const std::string padding(widths[c] - Characters(cells[c]), ' ');
    absl::StrAppend(&line, c == 0 ? "" : "  ");
    IsLeft(table, c) ? absl::StrAppend(&line, cells[c], padding) : absl::StrAppend(&line, padding, cells[c]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string HtmlRow(const TextTable& table, const std::vector<std::string>& cells, const char* element,
                    bool marked = false) {
  std::string row = marked ? "<tr class=\"marked\">" : "<tr>";
  for (size_t c = 0; c < table.header.size(); ++c) {
    absl::StrAppend(&row, "<", element, IsLeft(table, c) ? " class=\"left\">" : ">",
                    c < cells.size() ? EscapeXml(cells[c]) : "", "</", element, ">");
  }
  return row + "</tr>\n";
}

}  // namespace

std::string PlainTable(const TextTable& table) {
  // Cells are other people's names, and this goes to terminals.
  std::vector<std::vector<std::string>> lines = {table.header};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<size_t> widths;
  for (std::vector<std::string>& cells : lines) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (size_t c = 0; c < cells.size(); ++c) {
      cells[c] = Printable(cells[c]);
      widths[c] = std::max(widths[c], Characters(cells[c]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& cells : lines) text += PlainRow(table, cells, widths);
  return text;
}

std::string MarkdownTable(const TextTable& table) {
  std::string text = absl::StrCat("| ", absl::StrJoin(table.header, " | "), " |\n|");
  for (size_t c = 0; c < table.header.size(); ++c) text += IsLeft(table, c) ? "---|" : "---:|";
  text += "\n";
  for (std::vector<std::string> row : table.rows) {
    for (std::string& cell : row) cell = absl::StrReplaceAll(cell, {{"|", "\\|"}});
    absl::StrAppend(&text, "| ", absl::StrJoin(row, " | "), " |\n");
  }
  return text;
}

std::string HtmlTable(const TextTable& table, const std::vector<bool>& marked) {
  std::string html = absl::StrCat("<div class=\"scroll\"><table>\n<thead>",
                                  HtmlRow(table, table.header, "th"), "</thead>\n<tbody>\n");
  for (size_t r = 0; r < table.rows.size(); ++r)
    html += HtmlRow(table, table.rows[r], "td", r < marked.size() && marked[r]);
  return html + "</tbody></table></div>\n";
}

}  // namespace tandem
