// Where a row of quoted text ends (RFC 4180), however its bytes come.
//
//   QuotedRows rows({',', '"'}, max_row_bytes);
//   const std::optional<size_t> bytes = rows.RowBytes(text, /*last=*/false);      // with the line end
//
// A cell that begins with the quote is quoted: up to the next quote that isn't doubled, delimiters and line
// breaks included. A quote within another cell is a byte like others. A row ends at the first line end that
// isn't in quotes. A byte order mark before a row doesn't count.
//
// Broken is a row whose quotes can't be made out: something other than a delimiter or a line end follows a
// closing quote, or there is none within max_row_bytes, or before the end. Of such a row its first line is
// taken, which a decoder finds malformed, and the next line begins a row again: a stray quote costs the line
// that it is in, and not what follows it.
#ifndef TANDEM_SRC_DATA_DELIMITED_QUOTED_ROWS_H_
#define TANDEM_SRC_DATA_DELIMITED_QUOTED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "src/data/line_joiner.h"

namespace tandem {

struct Quoting {
  char delimiter;
  char quote;
};

// Each byte is looked at three times at most, but for a few.
class QuotedRows final : public LineJoiner {
 public:
  QuotedRows(Quoting quoting, int64_t max_row_bytes) : quoting_(quoting), max_row_bytes_(max_row_bytes) {}

  char mark() const override { return quoting_.quote; }
  std::optional<size_t> RowBytes(absl::string_view bytes, bool last) override;
  std::optional<size_t> RowBytes(absl::string_view bytes, size_t line_end, bool last) override;
  void Drop() override;
  void Pass(size_t bytes) override { known_ = known_ > bytes ? known_ - bytes : 0; }
  void Forget() override { known_ = 0; }

 private:
  static constexpr size_t kNowhere = static_cast<size_t>(-1);
  // What came before the byte at hand.
  enum class State {
    kCellBegin,
    kPlain,     // in a cell without quotes
    kQuoted,    // in quotes
    kQuote,     // a quote in quotes: it ends them, or is the first of two
    kReturn,    // "\r" after them
    kMisplaced  // something else after them
  };

  // Moves at_ and state_ past up to 64 bytes, or to the line end that ends the row.
  void PassBlock(absl::string_view bytes);
  // The same, all at once; false, and nothing done, where quotes stand where RFC 4180 has none.
  bool PassRegular(absl::string_view bytes, size_t size);
  void PassBytes(absl::string_view bytes, size_t size);
  // The row has so many bytes: the next one begins.
  size_t End(size_t row_bytes);
  // The first line, where the row is broken at at_.
  size_t FirstLine();

  const Quoting quoting_;
  const int64_t max_row_bytes_;
  bool dropped_ = false;
  // Of the row at hand.
  State state_ = State::kCellBegin;
  size_t at_ = 0;
  size_t line_scanned_ = 0;
  size_t line_end_ = kNowhere;  // the first line end
  bool ended_ = false;          // at_ is the line end that ends it
  // A broken row was looked through up to here, and there the state was this: all line ends on the way were
  // in quotes, so that a row that comes to one of them in quotes, too, goes the same way. From the row's
  // begin on.
  size_t known_ = 0;
  State known_state_ = State::kQuoted;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_QUOTED_ROWS_H_
