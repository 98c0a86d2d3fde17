// Files that are in memory: for what reads and writes many small ones.
//
//   MemoryFileSystem fs;
//   fs.Put("log.tsv", "label\tuser\n1\tu1\n");
//   TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, "model", fill));
//
// Locks that everybody gets. Not thread-safe.
#ifndef TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_
#define TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tandem/file_system.h"

namespace tandem {

class MemoryFileSystem final : public FileSystem {
 public:
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
  absl::StatusOr<const std::string*> Find(const std::string& path) const;
  // Where links, which stay beside what they lead to or above it, lead.
  std::string Followed(std::string path) const;

  std::map<std::string, std::string> files_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> links_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_
