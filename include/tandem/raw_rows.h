// Rows as a file has them: bytes that only their format understands.
//
//   RawRows rows;
//   TANDEM_RETURN_IF_ERROR(file->Read(1024, &rows));
//   rows.rows[3];               // of row number rows.first_row + 3 of the file
#ifndef TANDEM_RAW_ROWS_H_
#define TANDEM_RAW_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

// Consecutive rows of one file. Used again from read to read, so that nothing is allocated.
struct RawRows {
  std::string bytes;                    // a buffer: may be larger than what the rows take
  std::vector<absl::string_view> rows;  // into it; one that is too long is empty and marked
  std::vector<bool> too_long;
  int64_t file_bytes = 0;  // what they took of the file, uncompressed
  int64_t first_row = 1;   // number of rows[0] in its file: of text the line, from 1
  // Keeps the memory.
  void Clear() {
    rows.clear();
    too_long.clear();
    file_bytes = 0;
    first_row = 1;
  }
};

}  // namespace tandem

#endif  // TANDEM_RAW_ROWS_H_
