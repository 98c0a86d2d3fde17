// Header lines among the rows: of files that were put one behind the other.
//
//   const HeaderLine header({"label", "user"}, ',', '"');
//   if (header.MayBegin(first_cell)) fault = header.Check(row, &detail);
#ifndef TANDEM_SRC_DATA_DELIMITED_HEADER_LINE_H_
#define TANDEM_SRC_DATA_DELIMITED_HEADER_LINE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "src/data/delimited/quoted_rows.h"
#include "tandem/row_fault.h"

namespace tandem {

// A header line is told by its names: more than half of its cells are names of the file's columns, each once.
// Names that are numbers prove nothing. Thread-safe after construction.
class HeaderLine {
 public:
  HeaderLine(absl::Span<const std::string> columns, char delimiter, std::optional<char> quote);

  // Whether a row that begins with this cell is worth a look.
  bool MayBegin(absl::string_view cell) const {
    return !cell.empty() && (first_bytes_[SizeClass(cell.size())] >> (cell[0] & 63) & 1) != 0 && IsName(cell);
  }
  // kRepeatedHeader: the file's header once more. kHeader: a header that the rows after it can't be read
  // with. kNone: a row. `detail` may be null.
  RowFault Check(absl::string_view row, std::string* detail) const;

 private:
  bool IsName(absl::string_view cell) const;
  static size_t SizeClass(size_t size) { return std::min<size_t>(size, 31); }
  void Mark(absl::string_view cell);

  const std::vector<std::string> columns_;
  absl::flat_hash_set<std::string> names_;  // those that aren't numbers
  const char delimiter_;
  const std::optional<char> quote_;
  std::array<uint64_t, 32> first_bytes_ = {};  // by size of the name: a bit for each
};

// The cells of a row, without their quotes.
std::vector<std::string> DelimitedCells(absl::string_view row, char delimiter, std::optional<char> quote);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_HEADER_LINE_H_
