// Which quotes of a row open and close its cells, 64 bytes at a time: as long as they stand where RFC 4180
// has them, and nothing is said of other rows.
//
//   QuoteScan scan({',', '"'});
//   for (size_t at = 0; at < row.size(); at += 64) {
//     const QuoteScan::Block block = scan.Next(row, at);
//     ... PutPlaces(block.delimiters, at, places) ...
//   }
//   if (!scan.Regular()) ...  // what the blocks said was nothing
#ifndef TANDEM_SRC_DATA_DELIMITED_QUOTE_SCAN_H_
#define TANDEM_SRC_DATA_DELIMITED_QUOTE_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "src/data/delimited/quoted_rows.h"
#include "src/data/delimited/split.h"

namespace tandem {

class QuoteScan {
 public:
  // A bit for each byte of the block.
  struct Block {
    uint64_t delimiters;  // that aren't in quotes
    uint64_t opening;     // quotes that begin a cell
    uint64_t closing;     // quotes that end one
    uint64_t doubled;     // the second ones of two that are one
    uint64_t after;       // what follows a closing quote, or the first one of two
  };

  explicit QuoteScan(Quoting quoting) : quoting_(quoting) {}

  // The bytes of `row` from `at` on, up to 64: the row's blocks in turn, from its begin on.
  Block Next(absl::string_view row, size_t at) {
    const size_t size = row.size() - at < 64 ? row.size() - at : 64;
    const char* const text = row.data() + at;
    const uint64_t quotes = ByteMask(text, size, at, quoting_.quote);
    // From a quote that opens on, up to the one that closes.
    const uint64_t inside = PrefixXor(quotes) ^ in_quotes_;
    Block block;
    block.delimiters = ByteMask(text, size, at, quoting_.delimiter) & ~inside;
    const uint64_t opens = quotes & inside;
    const uint64_t closes = quotes & ~inside;
    block.after = closes << 1 | after_close_;
    block.doubled = opens & block.after;
    block.opening = opens & ~block.after;
    block.closing = closes & ~(block.doubled >> 1);
    const uint64_t begins = block.delimiters << 1 | at_begin_;
    const uint64_t here = ~uint64_t{0} >> (64 - size);
    wrong_ |= (block.opening & ~begins) | (block.after & here & ~(block.delimiters | block.doubled));
    in_quotes_ = 0 - (inside >> 63);
    after_close_ = closes >> 63;
    at_begin_ = block.delimiters >> 63;
    // The two may be in a block each.
    if (after_close_ != 0 && at + 64 < row.size() && row[at + 64] == quoting_.quote)
      block.closing &= ~(uint64_t{1} << 63);
    return block;
  }
  // Of all blocks, when the last one was looked at: whether the quotes were where they may be, each closed.
  bool Regular() const { return (wrong_ | in_quotes_) == 0; }

 private:
  const Quoting quoting_;
  uint64_t in_quotes_ = 0;    // all bits alike: the byte before is
  uint64_t after_close_ = 0;  // bit 0: the byte before closes
  uint64_t at_begin_ = 1;     // bit 0: a cell begins
  uint64_t wrong_ = 0;
};

// Whether the row is regular.
inline bool HasRegularQuotes(absl::string_view row, Quoting quoting) {
  QuoteScan scan(quoting);
  for (size_t at = 0; at < row.size(); at += 64) scan.Next(row, at);
  return scan.Regular();
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_QUOTE_SCAN_H_
