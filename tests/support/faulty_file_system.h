// A file system that fails on purpose, to show that what is written is whole or absent.
//
//   FaultyFileSystem fs(FileSystem::Default());
//   for (int64_t operation = 0;; ++operation) {
//     fs.FailAt(operation, FaultyFileSystem::Fault::kCrash);
//     const absl::Status status = WriteSomething(fs);
//     const bool reached = fs.failed();
//     fs.Restart();
//     ...                     // it must be whole or absent, and a second attempt succeed
//     if (!reached) break;
//   }
//
// Operations that change something are counted: Create, OpenForAppend, Append, Sync, Close,
// CreateDirectories, Rename, RemoveAll, CreateLink, SyncDirectory. Thread-safe.
#ifndef TANDEM_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_
#define TANDEM_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tandem/file_system.h"

namespace tandem {

class FaultyFileSystem : public FileSystem {
 public:
  enum class Fault {
    kNone,
    // The operation fails, once.
    kFail,
    // From the operation on, every Append writes half of its bytes and fails; the rest works.
    kDiskFull,
    // The operation and all that follow fail, reading too, until Restart. An Append writes half of its bytes.
    kCrash,
    // Of the operations that only read, that one fails, once.
    kReadFails,
  };
  // What a lost power supply did with renames that no SyncDirectory followed. Both happen.
  enum class Renames { kSurvive, kLost };

  // `base` must outlive this object.
  explicit FaultyFileSystem(FileSystem& base) : base_(base) {}

  // Counts from here: 0 is the next operation; with kReadFails the next that reads.
  void FailAt(int64_t operation, Fault fault);
  // As if the power had failed and come back: no more faults, and what wasn't synced is gone. That is the
  // bytes of files since their last Sync, and files created in directories without a SyncDirectory since. (A
  // rename over an existing file survives.)
  void Restart(Renames renames = Renames::kSurvive);

  // The `read`-th Read (0: the next one) of files opened for reading fails, once.
  void FailRead(int64_t read);

  // Whether the fault was met.
  bool failed() const;
  // Since FailAt, or the beginning.
  int64_t operations() const;
  // Operations that only read, likewise: OpenForReading, a Read, ReadFile, ReadRange, Size, Info, List,
  // TryLock, TryLockShared.
  int64_t reads() const;
  // The longest range that ReadRange was asked for.
  int64_t longest_read() const;

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path, int64_t size) override;
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  absl::StatusOr<std::string> ReadFile(const std::string& path) override;
  absl::StatusOr<int64_t> ReadRange(const std::string& path, int64_t offset, int64_t length,
                                    char* bytes) override;
  absl::StatusOr<int64_t> Size(const std::string& path) override;
  absl::StatusOr<FileInfo> Info(const std::string& path) override;
  bool Exists(const std::string& path) override;
  bool IsDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveAll(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> TryLockShared(const std::string& path) override;
  std::string ReadLink(const std::string& path) override;
  absl::Status CreateLink(const std::string& path, const std::string& target) override;
  absl::Status SyncDirectory(const std::string& path) override;

 private:
  class File;
  class Source;

  // Counts an operation; an error if it is to fail.
  absl::Status Operate(absl::string_view operation, const std::string& path);
  absl::Status CheckUp(const std::string& path) const;
  // The same of one that reads, which is counted.
  absl::Status OperateRead(absl::string_view operation, const std::string& path);
  absl::Status CheckRead(const std::string& path);
  // `size` bytes of the file at `path` are durable, unless fewer are known to be.
  void MarkUnsynced(const std::string& path, int64_t size);
  void MarkSynced(const std::string& path);

  FileSystem& base_;
  mutable std::mutex mutex_;
  Fault fault_ = Fault::kNone;
  int64_t fail_at_ = 0;
  int64_t operations_ = 0;
  int64_t reads_ = 0;
  int64_t longest_read_ = 0;
  int64_t reads_until_failure_ = -1;  // -1: none fails
  bool failed_ = false;
  bool down_ = false;
  // What a crash would lose: files and how much of them stays; files whose name isn't durable; renames (from,
  // to).
  std::map<std::string, int64_t> unsynced_bytes_;
  std::set<std::string> unsynced_names_;
  std::vector<std::pair<std::string, std::string>> unsynced_renames_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_
