// Files that are in memory: for what reads and writes many small ones.
//
//   MemoryFileSystem fs;
//   fs.Put("log.tsv", "label\tuser\n1\tu1\n");
//   TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, "model", fill));
//
// Locks that everybody gets. Thread-safe, but for Put and copies.
#ifndef TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_
#define TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tandem/file_system.h"

namespace tandem {

class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem() = default;
  // The files too.
  MemoryFileSystem(const MemoryFileSystem& other);
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

  // With the directories that are missing.
  void Put(const std::string& path, std::string bytes);

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
  absl::Status SyncDirectory(const std::string& /*path*/) override { return absl::OkStatus(); }

 private:
  class Writer;
  class Reader;
  struct File {
    std::string bytes;
    uint64_t number = 0;
    int64_t modified = 0;
  };
  using Files = std::map<std::string, std::shared_ptr<File>>;

  absl::StatusOr<std::shared_ptr<File>> Find(const std::string& path) const;
  std::shared_ptr<File> NewFile();
  // On a clock that moves with every write.
  int64_t Now() { return ++now_; }
  // Where links, which stay beside what they lead to or above it, lead.
  std::string Followed(std::string path) const;

  mutable std::recursive_mutex mutex_;
  int64_t now_ = 0;
  Files files_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> links_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_
