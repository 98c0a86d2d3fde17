// A file whose rows a framing tells apart: what formats have in common whose rows are no lines.
//
//   TANDEM_ASSIGN_OR_RETURN(auto file, OpenFramedFile(fs, "logs/2000-11-20.bin", framing, max_row_bytes));
//
// The file has no head. A row that is cut off by its end is RawRows::cut_off, where the framing's rows have no
// ends. A DataError where no row can be: at what the scanner calls damage, and where the file ends in the middle
// of such a row that was too long to keep, as a damaged length has it: all that came behind would be lost in it.
#ifndef TANDEM_SRC_DATA_FRAMED_FILE_H_
#define TANDEM_SRC_DATA_FRAMED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"
#include "tandem/row_framing.h"
#include "tandem/sample_file.h"

namespace tandem {

// "-" is standard input. `fs` and `framing` outlive the file.
absl::StatusOr<std::unique_ptr<SampleFile>> OpenFramedFile(FileSystem& fs, const std::string& path,
                                                           const RowFraming& framing, int64_t max_row_bytes);

// At `row`, which begins after so many uncompressed bytes: "logs/a.bin: damaged rows after 4711 bytes: ..., at
// row 12".
absl::Status DamagedRows(absl::string_view path, int64_t bytes, absl::string_view why, int64_t row);
// The damage of a row that the end of the file cuts off, of which there are more bytes than a row may have.
std::string EndsInTooLongRow(int64_t max_row_bytes);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_FRAMED_FILE_H_
