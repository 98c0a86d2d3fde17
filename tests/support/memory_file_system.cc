#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class Writer final : public WritableFile {
 public:
  explicit Writer(std::string* bytes) : bytes_(*bytes) {}
  absl::Status Append(absl::string_view bytes) override {
    bytes_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  std::string& bytes_;
};

class Reader final : public ReadableFile {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<int64_t> Read(char* bytes, int64_t size) override {
    const auto n = std::min<int64_t>(size, static_cast<int64_t>(bytes_.size() - at_));
    if (n > 0) std::memcpy(bytes, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

class Lock final : public FileLock {};

bool IsUnder(const std::string& path, const std::string& directory) {
  return path == directory || absl::StartsWith(path, directory + "/");
}

}  // namespace

void MemoryFileSystem::Put(const std::string& path, std::string bytes) {
  const size_t name = path.rfind('/');
  if (name != std::string::npos && name > 0) CreateDirectories(path.substr(0, name)).IgnoreError();
  files_[path] = std::move(bytes);
}

std::string MemoryFileSystem::Followed(std::string path) const {
  for (const auto& [link, target] : links_) {
    if (IsUnder(path, link)) path = link.substr(0, link.rfind('/') + 1) + target + path.substr(link.size());
  }
  return path;
}

absl::StatusOr<const std::string*> MemoryFileSystem::Find(const std::string& path) const {
  const auto file = files_.find(Followed(path));
  if (file == files_.end()) return ModelError(path, ": no such file");
  return &file->second;
}

// Places in a map stay where they are.
absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::Create(const std::string& path) {
  std::string& bytes = files_[path];
  bytes.clear();
  return std::make_unique<Writer>(&bytes);
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenForAppend(const std::string& path,
                                                                              int64_t size) {
  TANDEM_RETURN_IF_ERROR(Find(path).status());
  files_[path].resize(size);
  return std::make_unique<Writer>(&files_[path]);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemoryFileSystem::OpenForReading(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string* const bytes, Find(path));
  return std::make_unique<Reader>(*bytes);
}

absl::StatusOr<std::string> MemoryFileSystem::ReadFile(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string* const bytes, Find(path));
  return *bytes;
}

absl::StatusOr<int64_t> MemoryFileSystem::ReadRange(const std::string& path, int64_t offset, int64_t length,
                                                    char* bytes) {
  TANDEM_ASSIGN_OR_RETURN(const std::string* const file, Find(path));
  const auto left = static_cast<int64_t>(file->size()) - offset;
  const int64_t n = std::max<int64_t>(0, std::min(length, left));
  if (n > 0) std::memcpy(bytes, file->data() + offset, n);
  return n;
}

absl::StatusOr<int64_t> MemoryFileSystem::Size(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string* const bytes, Find(path));
  return static_cast<int64_t>(bytes->size());
}

absl::StatusOr<FileInfo> MemoryFileSystem::Info(const std::string& path) {
  if (IsDirectory(path)) {
    const auto place = std::distance(directories_.begin(), directories_.find(Followed(path)));
    return FileInfo{FileInfo::Kind::kDirectory, 0, 2, static_cast<uint64_t>(place)};
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string* const bytes, Find(path));
  const auto place = std::distance(files_.begin(), files_.find(Followed(path)));
  return FileInfo{FileInfo::Kind::kFile, static_cast<int64_t>(bytes->size()), 1,
                  static_cast<uint64_t>(place)};
}

bool MemoryFileSystem::Exists(const std::string& path) {
  return files_.count(Followed(path)) > 0 || IsDirectory(path);
}

bool MemoryFileSystem::IsDirectory(const std::string& path) { return directories_.count(Followed(path)) > 0; }

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& asked) {
  const std::string path = Followed(asked);
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name != path && IsUnder(name, path))
      names.insert(name.substr(path.size() + 1, name.find('/', path.size() + 1) - path.size() - 1));
  };
  for (const auto& file : files_) add(file.first);
  for (const std::string& directory : directories_) add(directory);
  for (const auto& link : links_) add(link.first);
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status MemoryFileSystem::CreateDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    directories_.insert(path.substr(0, end));
  directories_.insert(path);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const auto link = links_.find(from);
  if (link != links_.end()) {
    const std::string target = link->second;
    links_.erase(link);
    links_[to] = target;
    return absl::OkStatus();
  }
  if (!Exists(from)) return absl::InternalError(from + ": no such file");
  std::map<std::string, std::string> files;
  for (auto file = files_.begin(); file != files_.end();) {
    if (IsUnder(file->first, from)) {
      files[to + file->first.substr(from.size())] = std::move(file->second);
      file = files_.erase(file);
    } else {
      ++file;
    }
  }
  for (auto& file : files) files_[file.first] = std::move(file.second);
  const std::set<std::string> before = directories_;
  for (const std::string& directory : before) {
    if (!IsUnder(directory, from)) continue;
    directories_.erase(directory);
    directories_.insert(to + directory.substr(from.size()));
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveAll(const std::string& path) {
  for (auto link = links_.begin(); link != links_.end();)
    link = IsUnder(link->first, path) ? links_.erase(link) : std::next(link);
  for (auto file = files_.begin(); file != files_.end();)
    file = IsUnder(file->first, path) ? files_.erase(file) : std::next(file);
  for (auto name = directories_.begin(); name != directories_.end();)
    name = IsUnder(*name, path) ? directories_.erase(name) : std::next(name);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::TryLock(const std::string& /*path*/) {
  return std::make_unique<Lock>();
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::TryLockShared(const std::string& path) {
  return TryLock(path);
}

std::string MemoryFileSystem::ReadLink(const std::string& path) {
  const auto link = links_.find(path);
  return link == links_.end() ? "" : link->second;
}

absl::Status MemoryFileSystem::CreateLink(const std::string& path, const std::string& target) {
  links_[path] = target;
  return absl::OkStatus();
}

}  // namespace tandem
