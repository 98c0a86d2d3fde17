// The cells of a row of quoted text, without their quotes: what QuotedRows has found to be one.
//
//   std::string scratch;
//   const CellFault fault = ForEachQuotedCell(row, {',', '"'}, &scratch, [&](absl::string_view cell) {...});
#ifndef TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_
#define TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "src/data/delimited/quoted_rows.h"
#include "src/data/delimited/split.h"

namespace tandem {

enum class QuoteFault {
  kNone,
  kOpen,       // the quote that begins a cell isn't closed
  kMisplaced,  // a cell goes on after its closing quote
};

// Calls each(cell) for the cells of a row, in order, as long as it returns true; says what was wrong with the
// last one that it was called for. A cell with a fault is what can be made of it. `scratch` holds one in which
// quotes were doubled, until the next.
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

// Where the cells are, where they are `columns` and no quote in them is doubled or misplaced; false for any
// other row. begins[c] and ends[c] enclose the text of cell c, without its quotes. `begins` has room for
// columns + 1 + kSplitSlack.
inline bool SplitQuotedCells(absl::string_view row, Quoting quoting, size_t columns, size_t* begins,
                             size_t* ends) {
  begins[0] = 0;
  size_t cells = 1;
  size_t quotes = 0;
  uint64_t in_quotes = 0;  // all bits alike
  for (size_t block = 0; block < row.size(); block += 64) {
    const size_t size = row.size() - block < 64 ? row.size() - block : 64;
    const uint64_t quote_mask = ByteMask(row.data() + block, size, block, quoting.quote);
    const uint64_t inside = PrefixXor(quote_mask) ^ in_quotes;
    in_quotes = 0 - (inside >> 63);
    quotes += __builtin_popcountll(quote_mask);
    uint64_t mask = ByteMask(row.data() + block, size, block, quoting.delimiter) & ~inside;
    const size_t found = __builtin_popcountll(mask);
    if (cells + found > columns) return false;
    for (size_t* next = begins + cells; mask != 0; next += 4) {
      for (int i = 0; i < 4; ++i) {
        next[i] = block + __builtin_ctzll(mask | uint64_t{1} << 63) + 1;
        mask &= mask - 1;
      }
    }
    cells += found;
  }
  if (cells != columns) return false;
  begins[cells] = row.size() + 1;
  size_t enclosing = 0;
  for (size_t c = 0; c < columns; ++c) {
    const size_t end = begins[c + 1] - 1;
    const size_t begin = begins[c];
    const bool quoted = end - begin >= 2 && row[begin] == quoting.quote && row[end - 1] == quoting.quote;
    begins[c] = begin + (quoted ? 1 : 0);
    ends[c] = end - (quoted ? 1 : 0);
    enclosing += quoted ? 2 : 0;
  }
  return enclosing == quotes;
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_QUOTED_CELLS_H_
