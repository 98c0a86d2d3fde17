// Rows as a file has them: bytes that only their format understands.
//
//   RawRows rows;
//   TANDEM_RETURN_IF_ERROR(file->Read(1024, &rows));
//   rows.rows[3];               // of row number rows.Number(3) of the file
//
// Plain values: one thread's at a time.
#ifndef TANDEM_RAW_ROWS_H_
#define TANDEM_RAW_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/row_fault.h"

namespace tandem {

// What is wrong with RawRows::cut_off.
constexpr char kCutOffRow[] = "the file ends in the middle of a row";

// Consecutive rows of one file. Used again from read to read, so that nothing is allocated.
struct RawRows {
  std::string bytes;                    // a buffer: may be larger than what the rows take
  std::vector<absl::string_view> rows;  // into it; one that is too long is empty and marked
  std::vector<bool> too_long;
  // The one that the end of the file cuts off, where rows have to be whole (RowFraming::end): malformed,
  // whatever there is of it. -1: none.
  int cut_off = -1;
  std::vector<int64_t> numbers;  // of the rows in their file; empty where they are consecutive
  // What the format's file tells its decoder of them: that they need a closer look than rows of the format
  // do. Some of them may be without it.
  bool marked = false;
  int64_t file_bytes = 0;  // what they took of the file, uncompressed
  int64_t first_row = 1;   // number of rows[0] in its file: of text the line, from 1
  // Of a row in its file: of text the line where it begins.
  int64_t Number(int row) const { return numbers.empty() ? first_row + row : numbers[row]; }
  // What is known of a row before anybody looks into it.
  RowFault Fault(int row) const {
    if (too_long[row]) return RowFault::kRowTooLong;
    return row == cut_off ? RowFault::kSyntax : RowFault::kNone;
  }
  // Keeps the memory.
  void Clear() {
    rows.clear();
    too_long.clear();
    cut_off = -1;
    numbers.clear();
    marked = false;
    file_bytes = 0;
    first_row = 1;
  }
};

}  // namespace tandem

#endif  // TANDEM_RAW_ROWS_H_
