// Which lines of a file are one row: of text in which a row may hold line ends.
//
//   std::unique_ptr<LineJoiner> joiner = ...;          // a format's own; src/data/delimited/quoted_rows.h is one
//   file = OpenLineFile(fs, path, {max_line_bytes}, std::move(joiner));
//
// A RowScanner for whoever has found line ends already: lines without the mark are passed over unseen.
#ifndef TANDEM_SRC_DATA_LINE_JOINER_H_
#define TANDEM_SRC_DATA_LINE_JOINER_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "tandem/row_framing.h"

namespace tandem {

// Not thread-safe.
class LineJoiner : public RowScanner {
 public:
  // A line that begins a row and doesn't hold this byte is the row.
  virtual char mark() const = 0;
  using RowScanner::RowBytes;
  // The same, of a row whose first line end is bytes[line_end].
  virtual std::optional<size_t> RowBytes(absl::string_view bytes, size_t line_end, bool last) = 0;
  // The next rows, of so many bytes together, are lines without the mark: there is no need to look at them.
  virtual void Pass(size_t bytes) = 0;
  // The next row is told otherwise: nothing is known any more of what comes.
  virtual void Forget() = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_LINE_JOINER_H_
