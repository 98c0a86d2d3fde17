// One file of samples as raw rows, one after the other.
//
//   TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<SampleFile> file, format.Open(fs, "logs/2000-11-20.tsv.gz"));
//   RawRows rows;
//   do TANDEM_RETURN_IF_ERROR(file->Read(1024, &rows)); while (!rows.rows.empty());
//
// Reading is serial and cheap: what rows mean is a RowDecoder's (tandem/row_decoder.h), on any number of
// threads. Not thread-safe. Errors are DataErrors that name the file.
#ifndef TANDEM_SAMPLE_FILE_H_
#define TANDEM_SAMPLE_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "tandem/raw_rows.h"

namespace tandem {

class SampleFile {
 public:
  virtual ~SampleFile() = default;
  // What stands before the rows and says what is in them, e.g. a header line; "" for a format that has
  // nothing of the kind. Not set: the file ends before it, and has no rows.
  virtual const std::optional<std::string>& head() const = 0;
  // Replaces `rows` by up to max_rows rows; by none at the end of the file.
  virtual absl::Status Read(int max_rows, RawRows* rows) = 0;
};

}  // namespace tandem

#endif  // TANDEM_SAMPLE_FILE_H_
