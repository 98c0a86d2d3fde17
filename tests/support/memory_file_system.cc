#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class Lock final : public FileLock {};

bool IsUnder(const std::string& path, const std::string& directory) {
  return path == directory || absl::StartsWith(path, directory + "/");
}

using Guard = std::lock_guard<std::recursive_mutex>;

}  // namespace

// Both know the file, whatever becomes of its name.
class MemoryFileSystem::Writer final : public WritableFile {
 public:
  Writer(MemoryFileSystem* fs, std::shared_ptr<File> file) : fs_(*fs), file_(std::move(file)) {}
  absl::Status Append(absl::string_view bytes) override {
    const Guard guard(fs_.mutex_);
    file_->bytes.append(bytes.data(), bytes.size());
    file_->modified = fs_.Now();
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  MemoryFileSystem& fs_;
  const std::shared_ptr<File> file_;
};

class MemoryFileSystem::Reader final : public ReadableFile {
 public:
  Reader(const MemoryFileSystem* fs, std::shared_ptr<const File> file) : fs_(*fs), file_(std::move(file)) {}
  absl::StatusOr<int64_t> Read(char* bytes, int64_t size) override {
    const Guard guard(fs_.mutex_);
    const std::string& all = file_->bytes;
    const auto n = std::min<int64_t>(size, static_cast<int64_t>(all.size() - std::min(at_, all.size())));
    if (n > 0) std::memcpy(bytes, all.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  const MemoryFileSystem& fs_;
  const std::shared_ptr<const File> file_;
  size_t at_ = 0;
};

MemoryFileSystem::MemoryFileSystem(const MemoryFileSystem& other)
    : now_(other.now_), directories_(other.directories_), links_(other.links_) {
  for (const auto& [name, file] : other.files_) files_[name] = std::make_shared<File>(*file);
}

std::shared_ptr<MemoryFileSystem::File> MemoryFileSystem::NewFile() {
  auto file = std::make_shared<File>();
  file->modified = Now();
  file->number = static_cast<uint64_t>(file->modified);
  return file;
}

void MemoryFileSystem::Put(const std::string& path, std::string bytes) {
  const size_t name = path.rfind('/');
  if (name != std::string::npos && name > 0) CreateDirectories(path.substr(0, name)).IgnoreError();
  files_[path] = NewFile();
  files_[path]->bytes = std::move(bytes);
}

std::string MemoryFileSystem::Followed(std::string path) const {
  for (const auto& [link, target] : links_) {
    if (IsUnder(path, link)) path = link.substr(0, link.rfind('/') + 1) + target + path.substr(link.size());
  }
  return path;
}

absl::StatusOr<std::shared_ptr<MemoryFileSystem::File>> MemoryFileSystem::Find(
    const std::string& path) const {
  const auto file = files_.find(Followed(path));
  if (file == files_.end()) return ModelError(path, ": no such file");
  return file->second;
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::Create(const std::string& path) {
  const Guard guard(mutex_);
  const std::shared_ptr<File>& file = files_[path] = NewFile();
  return std::make_unique<Writer>(this, file);
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenForAppend(const std::string& path,
                                                                              int64_t size) {
  const Guard guard(mutex_);
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find(path));
  file->bytes.resize(size);
  file->modified = Now();
  return std::make_unique<Writer>(this, std::move(file));
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemoryFileSystem::OpenForReading(const std::string& path) {
  const Guard guard(mutex_);
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, Find(path));
  return std::make_unique<Reader>(this, std::move(file));
}

absl::StatusOr<std::string> MemoryFileSystem::ReadFile(const std::string& path) {
  const Guard guard(mutex_);
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const File> file, Find(path));
  return file->bytes;
}

absl::StatusOr<int64_t> MemoryFileSystem::ReadRange(const std::string& path, int64_t offset, int64_t length,
                                                    char* bytes) {
  const Guard guard(mutex_);
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const File> file, Find(path));
  const auto left = static_cast<int64_t>(file->bytes.size()) - offset;
  const int64_t n = std::max<int64_t>(0, std::min(length, left));
  if (n > 0) std::memcpy(bytes, file->bytes.data() + offset, n);
  return n;
}

absl::StatusOr<int64_t> MemoryFileSystem::Size(const std::string& path) {
  const Guard guard(mutex_);
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const File> file, Find(path));
  return static_cast<int64_t>(file->bytes.size());
}

absl::StatusOr<FileInfo> MemoryFileSystem::Info(const std::string& path) {
  const Guard guard(mutex_);
  if (IsDirectory(path)) {
    const auto place = std::distance(directories_.begin(), directories_.find(Followed(path)));
    return FileInfo{FileInfo::Kind::kDirectory, 0, 2, static_cast<uint64_t>(place)};
  }
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const File> file, Find(path));
  FileInfo info{FileInfo::Kind::kFile, static_cast<int64_t>(file->bytes.size()), 1, file->number};
  info.modified = info.changed = file->modified;
  return info;
}

bool MemoryFileSystem::Exists(const std::string& path) {
  const Guard guard(mutex_);
  return files_.count(Followed(path)) > 0 || IsDirectory(path);
}

bool MemoryFileSystem::IsDirectory(const std::string& path) {
  const Guard guard(mutex_);
  return directories_.count(Followed(path)) > 0;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& asked) {
  const Guard guard(mutex_);
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
  const Guard guard(mutex_);
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    directories_.insert(path.substr(0, end));
  directories_.insert(path);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const Guard guard(mutex_);
  const auto link = links_.find(from);
  if (link != links_.end()) {
    const std::string target = link->second;
    links_.erase(link);
    links_[to] = target;
    return absl::OkStatus();
  }
  if (!Exists(from)) return absl::InternalError(from + ": no such file");
  Files files;
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
  const Guard guard(mutex_);
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
  const Guard guard(mutex_);
  const auto link = links_.find(path);
  return link == links_.end() ? "" : link->second;
}

absl::Status MemoryFileSystem::CreateLink(const std::string& path, const std::string& target) {
  const Guard guard(mutex_);
  links_[path] = target;
  return absl::OkStatus();
}

}  // namespace tandem
