// Files through one small interface, so that faults can be injected; and the two formats that everything durable is built on.
//
//   TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, "run/checkpoints/step-000400", [&](const std::string& aside) {
//     TANDEM_ASSIGN_OR_RETURN(auto writer, RecordWriter::Create(fs, aside + "/teacher.bin"));
//     TANDEM_RETURN_IF_ERROR(writer->Append(bytes));
//     return writer->Close();
//   }));                                                   // MANIFEST added, all synced, then renamed into place
//
//   TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, "run/checkpoints/step-000400"));
//
// Errors of reading are ModelErrors (kDataLoss), of writing kInternal; both name the file and say what happened ("No space
// left on device").
#ifndef TANDEM_FILES_H_
#define TANDEM_FILES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem {

// A file being written. Not thread-safe. Destroying it without Close abandons what isn't written yet.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
  // On return the bytes are on the device.
  virtual absl::Status Sync() = 0;
  // Flushes, and reports what a failed write left unsaid.
  virtual absl::Status Close() = 0;
};

// The file operations that durability rests on. Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // POSIX; lives as long as the program.
  static FileSystem& Default();

  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Keeps what is there; `size` cuts the file first (append to the first `size` bytes).
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path, int64_t size) = 0;
  // The whole file. Large files: use RecordReader, which reads piece by piece.
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path) = 0;
  // Up to `length` bytes from `offset`; fewer only at the end of the file.
  virtual absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t length) = 0;
  virtual absl::StatusOr<int64_t> Size(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  // Names in a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status RemoveAll(const std::string& path) = 0;
  // Makes renames and creations in a directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
};

// Writes aside, syncs, renames: a reader sees the old file or the whole new one.
absl::Status WriteFileAtomically(FileSystem& fs, const std::string& path, absl::string_view bytes);

// Calls fill(aside) on a fresh directory beside `path` ("tmp-" + its name), adds a MANIFEST of name, size and checksum (XXH3-128) of
// every file, syncs, and renames it to `path`, which must not exist. A failure leaves nothing at `path`.
absl::Status WriteDirectory(FileSystem& fs, const std::string& path,
                            const std::function<absl::Status(const std::string& aside)>& fill);
// Checks MANIFEST and every file against it; a file more or less is an error too.
absl::Status VerifyDirectory(FileSystem& fs, const std::string& path);

// A file of records, each with its length and an XXH3-64 checksum; ends with a record that counts the others, so that a file cut
// between two records is told from a whole one.
class RecordWriter {
 public:
  static absl::StatusOr<std::unique_ptr<RecordWriter>> Create(FileSystem& fs, const std::string& path);
  virtual ~RecordWriter() = default;
  virtual absl::Status Append(absl::string_view record) = 0;
  // Writes the end, syncs and closes.
  virtual absl::Status Close() = 0;
};

class RecordReader {
 public:
  static absl::StatusOr<std::unique_ptr<RecordReader>> Open(FileSystem& fs, const std::string& path);
  virtual ~RecordReader() = default;
  // The next record, valid until the next call. At the end of the file a ModelError too: readers know how many they want.
  virtual absl::StatusOr<absl::string_view> Next() = 0;
  // OK if all records were read and the end is whole.
  virtual absl::Status ExpectEnd() = 0;
};

}  // namespace tandem

#endif  // TANDEM_FILES_H_
