// A file whose rows a framing tells apart: what formats have in common whose rows are no lines.
//
//   TANDEM_ASSIGN_OR_RETURN(auto file, OpenFramedFile(fs, "logs/2000-11-20.bin", framing, max_row_bytes));
//
// The file has no head. Rows that are cut off by its end are rows: their decoder finds them malformed.
#ifndef TANDEM_SRC_DATA_FRAMED_FILE_H_
#define TANDEM_SRC_DATA_FRAMED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/row_framing.h"
#include "tandem/sample_file.h"

namespace tandem {

// "-" is standard input. `fs` and `framing` outlive the file.
absl::StatusOr<std::unique_ptr<SampleFile>> OpenFramedFile(FileSystem& fs, const std::string& path,
                                                           const RowFraming& framing, int64_t max_row_bytes);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_FRAMED_FILE_H_
