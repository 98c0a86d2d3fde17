// A file whose rows are lines: what the formats that are text have in common.
//
//   TANDEM_ASSIGN_OR_RETURN(auto file, OpenLineFile(fs, "logs/2000-11-20.tsv.gz", {max_line_bytes,
//                                                   /*has_head=*/true}));
//
// Plain, gzip or zstd, told by its first bytes; "-" is standard input. Members may be concatenated. A
// truncated or corrupt compressed file is an error at the place where it is found.
//
// Lines end with "\n" or "\r\n", which are not part of them. A last line without a line end counts; empty
// lines do too (the decoder passes over them), but before the head. A byte order mark at the beginning is
// skipped. With a LineJoiner a row may be several lines; chunks with a row that holds its mark are marked.
#ifndef TANDEM_SRC_DATA_LINE_FILE_H_
#define TANDEM_SRC_DATA_LINE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "src/data/line_joiner.h"
#include "tandem/file_system.h"
#include "tandem/row_framing.h"
#include "tandem/sample_file.h"

namespace tandem {

struct LineOptions {
  int64_t max_line_bytes;  // longer lines are marked
  bool has_head = false;   // the first line is the file's head
};

absl::StatusOr<std::unique_ptr<SampleFile>> OpenLineFile(FileSystem& fs, const std::string& path,
                                                         const LineOptions& options,
                                                         std::unique_ptr<LineJoiner> joiner = nullptr);

// Lines of a stream. Lives as long as the program.
const RowFraming& LineFraming();

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_LINE_FILE_H_
