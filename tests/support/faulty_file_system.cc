#include "tests/support/faulty_file_system.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "src/util/paths.h"
#include "tandem/status.h"

namespace tandem {
namespace {

bool IsAtOrBelow(const std::string& path, const std::string& directory) {
  return path == directory || absl::StartsWith(path, directory + "/");
}

std::string Moved(const std::string& path, const std::string& from, const std::string& to) {
  return IsAtOrBelow(path, from) ? to + path.substr(from.size()) : path;
}

}  // namespace

class FaultyFileSystem::File : public WritableFile {
 public:
  File(FaultyFileSystem& fs, std::string path, int64_t size, std::unique_ptr<WritableFile> base)
      : fs_(fs), path_(std::move(path)), size_(size), synced_(size), base_(std::move(base)) {}

  absl::Status Append(absl::string_view bytes) override {
    const bool was_down = !fs_.CheckUp(path_).ok();
    absl::Status status = fs_.Operate("Append", path_);
    if (was_down) return status;
    if (!status.ok()) bytes = bytes.substr(0, bytes.size() / 2);
    fs_.MarkUnsynced(path_, synced_);
    size_ += bytes.size();
    TANDEM_RETURN_IF_ERROR(base_->Append(bytes));
    // Out of the buffer, so that the half is seen.
    if (!status.ok()) base_->Sync().IgnoreError();
    return status;
  }

  absl::Status Sync() override {
    TANDEM_RETURN_IF_ERROR(fs_.Operate("Sync", path_));
    TANDEM_RETURN_IF_ERROR(base_->Sync());
    synced_ = size_;
    fs_.MarkSynced(path_);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    TANDEM_RETURN_IF_ERROR(fs_.Operate("Close", path_));
    return base_->Close();
  }

 private:
  FaultyFileSystem& fs_;
  const std::string path_;
  int64_t size_;
  int64_t synced_;
  std::unique_ptr<WritableFile> base_;
};

class FaultyFileSystem::Source : public ReadableFile {
 public:
  Source(FaultyFileSystem& fs, std::string path, std::unique_ptr<ReadableFile> base)
      : fs_(fs), path_(std::move(path)), base_(std::move(base)) {}

  absl::StatusOr<int64_t> Read(char* bytes, int64_t size) override {
    TANDEM_RETURN_IF_ERROR(fs_.CheckRead(path_));
    return base_->Read(bytes, size);
  }

 private:
  FaultyFileSystem& fs_;
  const std::string path_;
  std::unique_ptr<ReadableFile> base_;
};

void FaultyFileSystem::FailRead(int64_t read) {
  const std::lock_guard<std::mutex> lock(mutex_);
  reads_until_failure_ = read;
}

absl::Status FaultyFileSystem::CheckRead(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("Read", path));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (reads_until_failure_ >= 0 && reads_until_failure_-- == 0)
    return ModelError(path, ": cannot read: injected");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenForReading(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("OpenForReading", path));
  TANDEM_ASSIGN_OR_RETURN(auto file, base_.OpenForReading(path));
  return std::make_unique<Source>(*this, path, std::move(file));
}

void FaultyFileSystem::FailAt(int64_t operation, Fault fault) {
  const std::lock_guard<std::mutex> lock(mutex_);
  fault_ = fault;
  fail_at_ = operation;
  operations_ = 0;
  reads_ = 0;
  failed_ = false;
}

void FaultyFileSystem::Restart(Renames renames) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [path, size] : unsynced_bytes_) {
    const auto now = base_.Size(path);
    if (!now.ok() || *now <= size) continue;
    const auto file = base_.OpenForAppend(path, size);
    CHECK(file.ok() && (*file)->Close().ok()) << path;
  }
  for (const std::string& path : unsynced_names_) CHECK(base_.RemoveAll(path).ok()) << path;
  std::reverse(unsynced_renames_.begin(), unsynced_renames_.end());
  for (const auto& [from, to] : unsynced_renames_) {
    if (renames == Renames::kLost && base_.Exists(to)) CHECK(base_.Rename(to, from).ok()) << to;
  }
  unsynced_bytes_.clear();
  unsynced_names_.clear();
  unsynced_renames_.clear();
  fault_ = Fault::kNone;
  down_ = false;
}

bool FaultyFileSystem::failed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failed_;
}

int64_t FaultyFileSystem::operations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return operations_;
}

int64_t FaultyFileSystem::reads() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reads_;
}

int64_t FaultyFileSystem::longest_read() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return longest_read_;
}

absl::Status FaultyFileSystem::Operate(absl::string_view operation, const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t number = operations_++;
  bool fails = false;
  if (fault_ == Fault::kFail) fails = number == fail_at_;
  if (fault_ == Fault::kDiskFull) fails = number >= fail_at_ && operation == "Append";
  if (fault_ == Fault::kCrash) fails = number >= fail_at_;
  if (!fails) return absl::OkStatus();
  failed_ = true;
  down_ = fault_ == Fault::kCrash;
  return absl::InternalError(absl::StrCat(path, ": ", operation, ": injected at operation ", number));
}

absl::Status FaultyFileSystem::CheckUp(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return down_ ? ModelError(path, ": injected crash") : absl::OkStatus();
}

absl::Status FaultyFileSystem::OperateRead(absl::string_view operation, const std::string& path) {
  TANDEM_RETURN_IF_ERROR(CheckUp(path));
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t number = reads_++;
  if (fault_ != Fault::kReadFails || number != fail_at_) return absl::OkStatus();
  failed_ = true;
  return ModelError(path, ": ", operation, ": injected at read ", number);
}

void FaultyFileSystem::MarkUnsynced(const std::string& path, int64_t size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [entry, added] = unsynced_bytes_.try_emplace(path, size);
  if (!added) entry->second = std::min(entry->second, size);
}

void FaultyFileSystem::MarkSynced(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  unsynced_bytes_.erase(path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::Create(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(Operate("Create", path));
  const bool existed = base_.Exists(path);
  TANDEM_ASSIGN_OR_RETURN(auto file, base_.Create(path));
  MarkUnsynced(path, 0);
  if (!existed) {
    const std::lock_guard<std::mutex> lock(mutex_);
    unsynced_names_.insert(path);
  }
  return std::make_unique<File>(*this, path, 0, std::move(file));
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenForAppend(const std::string& path,
                                                                              int64_t size) {
  TANDEM_RETURN_IF_ERROR(Operate("OpenForAppend", path));
  TANDEM_ASSIGN_OR_RETURN(auto file, base_.OpenForAppend(path, size));
  return std::make_unique<File>(*this, path, size, std::move(file));
}

absl::StatusOr<std::string> FaultyFileSystem::ReadFile(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("ReadFile", path));
  return base_.ReadFile(path);
}

absl::StatusOr<int64_t> FaultyFileSystem::ReadRange(const std::string& path, int64_t offset, int64_t length,
                                                    char* bytes) {
  TANDEM_RETURN_IF_ERROR(OperateRead("ReadRange", path));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    longest_read_ = std::max(longest_read_, length);
  }
  return base_.ReadRange(path, offset, length, bytes);
}

absl::StatusOr<int64_t> FaultyFileSystem::Size(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("Size", path));
  return base_.Size(path);
}

absl::StatusOr<FileInfo> FaultyFileSystem::Info(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("Info", path));
  return base_.Info(path);
}

bool FaultyFileSystem::Exists(const std::string& path) { return CheckUp(path).ok() && base_.Exists(path); }

bool FaultyFileSystem::IsDirectory(const std::string& path) {
  return CheckUp(path).ok() && base_.IsDirectory(path);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("List", path));
  return base_.List(path);
}

absl::Status FaultyFileSystem::CreateDirectories(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(Operate("CreateDirectories", path));
  return base_.CreateDirectories(path);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  TANDEM_RETURN_IF_ERROR(Operate("Rename", from));
  const bool replaces = base_.Exists(to);
  TANDEM_RETURN_IF_ERROR(base_.Rename(from, to));
  const std::lock_guard<std::mutex> lock(mutex_);
  std::map<std::string, int64_t> bytes;
  for (const auto& [path, size] : unsynced_bytes_) bytes[Moved(path, from, to)] = size;
  unsynced_bytes_ = std::move(bytes);
  std::set<std::string> names;
  for (const std::string& path : unsynced_names_) {
    if (path != from) names.insert(Moved(path, from, to));
  }
  unsynced_names_ = std::move(names);
  if (!replaces) unsynced_renames_.emplace_back(from, to);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::RemoveAll(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(Operate("RemoveAll", path));
  TANDEM_RETURN_IF_ERROR(base_.RemoveAll(path));
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto entry = unsynced_bytes_.begin(); entry != unsynced_bytes_.end();) {
    entry = IsAtOrBelow(entry->first, path) ? unsynced_bytes_.erase(entry) : std::next(entry);
  }
  for (auto name = unsynced_names_.begin(); name != unsynced_names_.end();) {
    name = IsAtOrBelow(*name, path) ? unsynced_names_.erase(name) : std::next(name);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyFileSystem::TryLock(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("TryLock", path));
  return base_.TryLock(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyFileSystem::TryLockShared(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(OperateRead("TryLockShared", path));
  return base_.TryLockShared(path);
}

std::string FaultyFileSystem::ReadLink(const std::string& path) {
  return CheckUp(path).ok() ? base_.ReadLink(path) : "";
}

absl::Status FaultyFileSystem::CreateLink(const std::string& path, const std::string& target) {
  TANDEM_RETURN_IF_ERROR(Operate("CreateLink", path));
  TANDEM_RETURN_IF_ERROR(base_.CreateLink(path, target));
  const std::lock_guard<std::mutex> lock(mutex_);
  unsynced_names_.insert(path);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  TANDEM_RETURN_IF_ERROR(Operate("SyncDirectory", path));
  TANDEM_RETURN_IF_ERROR(base_.SyncDirectory(path));
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto name = unsynced_names_.begin(); name != unsynced_names_.end();) {
    name = ParentPath(*name) == path ? unsynced_names_.erase(name) : std::next(name);
  }
  const auto synced = [&](const auto& rename) { return ParentPath(rename.second) == path; };
  unsynced_renames_.erase(std::remove_if(unsynced_renames_.begin(), unsynced_renames_.end(), synced),
                          unsynced_renames_.end());
  return absl::OkStatus();
}

}  // namespace tandem
