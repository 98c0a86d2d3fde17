// Files through one small interface, so that faults can be injected.
//
//   TANDEM_ASSIGN_OR_RETURN(auto file, fs.Create("run/log.jsonl"));
//   TANDEM_RETURN_IF_ERROR(file->Append(bytes));
//   TANDEM_RETURN_IF_ERROR(file->Close());
//
// Errors of reading are ModelErrors (kDataLoss), of writing kInternal; both name the file and say what
// happened ("No space left on device"). Every failure is reported once and for all: a file that failed goes
// on failing, so that a forgotten check can't turn into a whole-looking file.
#ifndef TANDEM_FILE_SYSTEM_H_
#define TANDEM_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

// A file being read from its beginning. Not thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Up to `size` bytes into `bytes`; 0 at the end of the file (of one that grows: for now).
  virtual absl::StatusOr<int64_t> Read(char* bytes, int64_t size) = 0;
};

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

// A lock that is held until it is destroyed, or its process ends, however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  enum class Kind { kFile, kDirectory, kPipe, kOther };
  Kind kind = Kind::kFile;
  int64_t size = 0;
  // Together they are the file's, whatever name leads to it; another file has another pair.
  uint64_t device = 0, number = 0;
  // Nanoseconds since 1970: when its bytes were last written, and when anything about it was changed. Whoever
  // finds all of this as it was takes the bytes to be the same.
  int64_t modified = 0, changed = 0;
};

// The file operations that durability rests on. Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // POSIX; lives as long as the program.
  static FileSystem& Default();

  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Keeps what is there; `size` cuts the file first (append to the first `size` bytes). The file must exist
  // and hold them.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path,
                                                                      int64_t size) = 0;
  // Pipes too, no device. A directory is an error.
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) = 0;
  // The whole file; a pipe only by /dev/stdin or /dev/fd/N. Large files: RecordReader reads piece by piece.
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path) = 0;
  // Reads `length` bytes from `offset` on to `bytes`, which has room for them. Returns how many: fewer only
  // at the end of the file.
  virtual absl::StatusOr<int64_t> ReadRange(const std::string& path, int64_t offset, int64_t length,
                                            char* bytes) = 0;
  virtual absl::StatusOr<int64_t> Size(const std::string& path) = 0;
  // Of what the name leads to now.
  virtual absl::StatusOr<FileInfo> Info(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  // Names in a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // With the parents that are missing, all durable on return. Fine if it is there already.
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  // Replaces a file at `to` in one step.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A file, or a directory and what is in it. Fine if there is nothing.
  virtual absl::Status RemoveAll(const std::string& path) = 0;
  // Locks the file or directory that is at `path` now, against every other lock of it. Null where somebody
  // has one, or where what was there has gone or was replaced meanwhile. kUnimplemented on a file system
  // without locks.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) = 0;
  // As TryLock, but beside others that share: against TryLock only.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> TryLockShared(const std::string& path) = 0;
  // The text of a symbolic link; "" where there is none.
  virtual std::string ReadLink(const std::string& path) = 0;
  // Makes a symbolic link with this text. Nothing is there yet.
  virtual absl::Status CreateLink(const std::string& path, const std::string& target) = 0;
  // Makes what files hold durable, as WritableFile::Sync does of one; they may go to the disk at a time. Unless
  // overridden one after the other.
  virtual absl::Status SyncFiles(absl::Span<const std::string> paths);
  // Makes renames and creations in a directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
};

}  // namespace tandem

#endif  // TANDEM_FILE_SYSTEM_H_
