// Files of records with checksums: what is large and durable is made of them.
//
//   TANDEM_ASSIGN_OR_RETURN(auto reader, RecordReader::Open(fs, "run/checkpoints/step-000400/teacher.bin"));
//   TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->Next());
//   TANDEM_RETURN_IF_ERROR(reader->ExpectEnd());
//
// Errors are those of the file system; damage is a ModelError that names the place. A writer that failed goes
// on failing. Not thread-safe.
#ifndef TANDEM_RECORDS_H_
#define TANDEM_RECORDS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"

namespace tandem {

// A file of records, each with its length and an XXH3-64 checksum; ends with a record that counts the others,
// so that a file cut between two records is told from a whole one. A record may hold hundreds of megabytes: a
// reader keeps one at a time.
//
// Bytes: "TANDEMR2", the format's version its digit, then a record: length (8 bytes), checksum (8), content.
// The end: length 2^64 - 1, checksum, the count of records before it (8). Numbers are little-endian. The
// checksum is XXH3-64 of the content, seeded with XXH3-64 of the 16 bytes (position, length), so that records
// that were swapped, repeated or dropped are damage as well. Positions count from 0.
class RecordWriter {
 public:
  static absl::StatusOr<std::unique_ptr<RecordWriter>> Create(FileSystem& fs, const std::string& path);
  virtual ~RecordWriter() = default;
  virtual absl::Status Append(absl::string_view record) = 0;
  // Writes the end and closes. Durable is the file once FileSystem::SyncFiles was called, as WriteDirectory does of
  // all that it holds. A writer destroyed without Close leaves a file that no reader takes for whole.
  virtual absl::Status Close() = 0;
};

class RecordReader {
 public:
  // `fs` must outlive the reader.
  static absl::StatusOr<std::unique_ptr<RecordReader>> Open(FileSystem& fs, const std::string& path);
  virtual ~RecordReader() = default;
  // The next record, valid until the next call. At the end of the file a ModelError too: readers know how
  // many they want.
  virtual absl::StatusOr<absl::string_view> Next() = 0;
  // OK if all records were read and the end is whole.
  virtual absl::Status ExpectEnd() = 0;
};

}  // namespace tandem

#endif  // TANDEM_RECORDS_H_
