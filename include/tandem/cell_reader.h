// The cells of rows by column, as text: for a look at a log before anything is known of its features.
//
//   std::unique_ptr<CellReader> reader = format.MakeCellReader(lists, *file->head());
//   for (absl::string_view row : rows.rows)
//     if (reader->Read(row) == RowFault::kNone)
//       for (const CellReader::Cell& cell : reader->cells())
//         Count(reader->columns()[cell.column], cell.values);
//
// Not thread-safe.
#ifndef TANDEM_CELL_READER_H_
#define TANDEM_CELL_READER_H_

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/row_fault.h"

namespace tandem {

// Columns whose cells hold several values, for formats in which the cells don't say it themselves.
struct ListColumns {
  std::set<std::string> plain;
  std::set<std::string> weighted;  // values with weights, which are left out
};

class CellReader {
 public:
  struct Cell {
    int column;              // index into columns()
    absl::string_view text;  // of the whole cell where it is one; else only empty or not
    bool list = false;
    std::vector<absl::string_view> values;  // one, or those of a list
  };

  virtual ~CellReader() = default;
  // Replaces the cells by the row's; none of a malformed row, or of one to pass over.
  virtual RowFault Read(absl::string_view row) = 0;
  // Valid until the next Read, as long as its row is.
  const std::vector<Cell>& cells() const { return cells_; }
  // Those that the rows so far had, in the order in which they were met. Only grows.
  const std::vector<std::string>& columns() const { return columns_; }

 protected:
  std::vector<Cell> cells_;
  std::vector<std::string> columns_;
};

}  // namespace tandem

#endif  // TANDEM_CELL_READER_H_
