#include "src/data/delimited/header_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/data/delimited/quoted_cells.h"
#include "src/data/numbers.h"
#include "src/data/text_cells.h"

namespace tandem {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsNumber(absl::string_view text) {
  double number = 0;
  return ParseNumber(text, &number) == RowFault::kNone;
}

template <typename F>
void ForEachCell(absl::string_view row, char delimiter, std::optional<char> quote, const F& each) {
  if (!quote.has_value()) {
    for (const absl::string_view cell : absl::StrSplit(row, delimiter)) each(cell);
    return;
  }
  std::string scratch;
  ForEachQuotedCell(row, {delimiter, *quote}, &scratch, [&](absl::string_view cell) {
    each(cell);
    return true;
  });
}

}  // namespace

std::vector<std::string> DelimitedCells(absl::string_view row, char delimiter, std::optional<char> quote) {
  std::vector<std::string> cells;
  ForEachCell(row, delimiter, quote, [&](absl::string_view cell) { cells.emplace_back(cell); });
  return cells;
}

HeaderLine::HeaderLine(absl::Span<const std::string> columns, char delimiter, std::optional<char> quote)
    : columns_(columns.begin(), columns.end()), delimiter_(delimiter), quote_(quote) {
  for (const std::string& column : columns_) {
    if (column.empty() || IsNumber(column)) continue;
    names_.insert(column);
    Mark(column);
    Mark(absl::StrCat(kByteOrderMark, column));
  }
}

bool HeaderLine::IsName(absl::string_view cell) const {
  absl::ConsumePrefix(&cell, kByteOrderMark);
  return names_.contains(cell);
}

void HeaderLine::Mark(absl::string_view cell) {
  first_bytes_[SizeClass(cell.size())] |= uint64_t{1} << (cell[0] & 63);
}

RowFault HeaderLine::Check(absl::string_view row, std::string* detail) const {
  absl::ConsumePrefix(&row, kByteOrderMark);
  // Ids may be called as columns are: most rows that are looked at end here, and nothing was allocated.
  size_t seen = 0;
  size_t names = 0;
  ForEachCell(row, delimiter_, quote_, [&](absl::string_view cell) {
    ++seen;
    names += names_.contains(cell) ? 1 : 0;
  });
  if (2 * names <= seen) return RowFault::kNone;
  const std::vector<std::string> cells = DelimitedCells(row, delimiter_, quote_);
  absl::flat_hash_set<absl::string_view> named;
  for (const std::string& cell : cells) {
    if (names_.contains(cell)) named.insert(cell);
  }
  if (2 * named.size() <= cells.size()) return RowFault::kNone;
  if (cells == columns_) return RowFault::kRepeatedHeader;
  if (detail == nullptr) return RowFault::kHeader;
  size_t first = 0;
  while (first < cells.size() && first < columns_.size() && cells[first] == columns_[first]) ++first;
  const auto shown = [first](const std::vector<std::string>& names) {
    return first < names.size() ? ShownCell(names[first]) : std::string("none");
  };
  *detail = absl::StrCat("a header line whose columns aren't those that the rows before it have: column ",
                         first + 1, " is ", shown(cells), " where it was ", shown(columns_),
                         "; the rows behind it belong into a file of their own");
  return RowFault::kHeader;
}

}  // namespace tandem
