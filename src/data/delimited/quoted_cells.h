// The cells of a row of quoted text, without their quotes: what QuotedRows has found to be one.
//
//   std::string scratch;
//   const QuoteFault fault = ForEachQuotedCell(row, {',', '"'}, &scratch, [&](absl::string_view cell) {...});
#ifndef TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_
#define TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "src/data/delimited/quote_scan.h"
#include "src/data/delimited/quoted_rows.h"
#include "src/data/delimited/split.h"

namespace tandem {

enum class QuoteFault {
  kNone,
  kOpen,       // the quote that begins a cell isn't closed
  kMisplaced,  // a cell goes on after its closing quote
};

// Calls each(cell) for the cells of a row, in order, as long as it returns true; says what was wrong with the
// last one that it was called for. A cell with a fault is what can be made of it. `scratch` holds one in
// which quotes were doubled, until the next.
template <typename F>
QuoteFault ForEachQuotedCell(absl::string_view row, Quoting quoting, std::string* scratch, const F& each) {
  for (;;) {
    absl::string_view cell;
    QuoteFault fault = QuoteFault::kNone;
    if (row.empty() || row[0] != quoting.quote) {
      cell = row.substr(0, row.find(quoting.delimiter));
      row.remove_prefix(cell.size());
    } else {
      row.remove_prefix(1);
      size_t close = row.find(quoting.quote);
      cell = row.substr(0, close);
      if (close + 1 < row.size() && close != absl::string_view::npos && row[close + 1] == quoting.quote) {
        scratch->clear();
        while (close != absl::string_view::npos && close + 1 < row.size() &&
               row[close + 1] == quoting.quote) {
          scratch->append(row.data(), close + 1);
          row.remove_prefix(close + 2);
          close = row.find(quoting.quote);
        }
        const absl::string_view rest = row.substr(0, close);
        scratch->append(rest.data(), rest.size());
        cell = *scratch;
      }
      if (close == absl::string_view::npos) {
        fault = QuoteFault::kOpen;
        row.remove_prefix(row.size());
      } else {
        row.remove_prefix(close + 1);
        if (!row.empty() && row[0] != quoting.delimiter) {
          fault = QuoteFault::kMisplaced;
          row.remove_prefix(row.substr(0, row.find(quoting.delimiter)).size());
        }
      }
    }
    const bool more = each(cell);
    if (fault != QuoteFault::kNone || !more || row.empty()) return fault;
    row.remove_prefix(1);
  }
}

// Where the cells are, where they are `columns` and no quote in them is misplaced; false for any other row.
// begins[c] and ends[c] enclose the text of cell c, without its quotes. `doubled`: where the second one is of
// two quotes that are one. `begins` and `ends` have room for columns + kSplitSlack each.
inline bool SplitQuotedCells(absl::string_view row, Quoting quoting, size_t columns, size_t* begins,
                             size_t* ends, std::vector<size_t>* doubled) {
  QuoteScan scan(quoting);
  const auto is_quote = [row, quoting](size_t i) { return i < row.size() && row[i] == quoting.quote; };
  doubled->clear();
  begins[0] = 0;
  size_t begun = is_quote(0) ? 0 : 1;
  size_t ended = 0;
  for (size_t at = 0; at < row.size(); at += 64) {
    const QuoteScan::Block block = scan.Next(row, at);
    // A cell's text begins behind its quote, else behind its delimiter; and ends likewise.
    const uint64_t next_opens = is_quote(at + 64) ? uint64_t{1} << 63 : 0;
    const uint64_t begin_mask = block.opening | (block.delimiters & ~(block.opening >> 1 | next_opens));
    const uint64_t end_mask = block.closing | (block.delimiters & ~block.after);
    const size_t begin_count = __builtin_popcountll(begin_mask);
    const size_t end_count = __builtin_popcountll(end_mask);
    if (begun + begin_count > columns || ended + end_count > columns) return false;
    PutPlaces(begin_mask, at + 1, begins + begun);
    PutPlaces(end_mask, at, ends + ended);
    begun += begin_count;
    ended += end_count;
    for (uint64_t rest = block.doubled; rest != 0; rest &= rest - 1)
      doubled->push_back(at + __builtin_ctzll(rest));
  }
  if (!scan.Regular() || begun != columns) return false;
  if (ended < columns) ends[ended] = row.size();  // a last cell without quotes
  return true;
}

// Makes one quote of two, in cells that SplitQuotedCells has found in a row of which `text` is a copy.
inline void UndoDoubled(absl::Span<const size_t> doubled, size_t* ends, char* text) {
  size_t cell = 0;
  for (size_t i = 0; i < doubled.size();) {
    while (ends[cell] <= doubled[i]) ++cell;
    const size_t end = ends[cell];
    size_t to = doubled[i];
    while (i < doubled.size() && doubled[i] < end) {
      const size_t from = doubled[i++] + 1;
      const size_t size = (i < doubled.size() && doubled[i] < end ? doubled[i] : end) - from;
      std::memmove(text + to, text + from, size);
      to += size;
    }
    ends[cell] = to;
  }
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_
