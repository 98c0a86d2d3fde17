#include "tandem/file_system.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "src/util/paths.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr size_t kWriteBuffer = 64 << 10;
constexpr size_t kReadChunk = 256 << 10;
constexpr size_t kSyncsAtATime = 8;

absl::Status ReadFailed(const std::string& path, int error) {
  return ModelError(path, ": cannot read: ", std::generic_category().message(error));
}

absl::Status WriteFailed(const std::string& path, int error) {
  return absl::InternalError(absl::StrCat(path, ": cannot write: ", std::generic_category().message(error)));
}

// Bytes of a stream that is read as one file.
constexpr size_t kMostOfAStream = size_t{1} << 30;

// What is no file can have no end, or keep whoever opens it waiting for ever. "" for what can be read.
std::string NoFile(const std::string& path, mode_t mode) {
  if (S_ISREG(mode) || S_ISDIR(mode) || IsStreamName(path)) return "";
  return S_ISFIFO(mode) ? "is a pipe, where a file is wanted; /dev/stdin and /dev/fd/N are read as streams"
                        : "is a device or a socket, where a file is wanted";
}

FileInfo::Kind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileInfo::Kind::kFile;
  if (S_ISDIR(mode)) return FileInfo::Kind::kDirectory;
  return S_ISFIFO(mode) ? FileInfo::Kind::kPipe : FileInfo::Kind::kOther;
}

absl::Status CheckIsFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ReadFailed(path, errno);
  const std::string fault = NoFile(path, info.st_mode);
  return fault.empty() ? absl::OkStatus() : ModelError(path, ": ", fault);
}

// Closes when it goes.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) {
    do {
      fd_ = open(path.c_str(), flags | O_CLOEXEC, 0666);
    } while (fd_ < 0 && errno == EINTR);
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&&) = delete;

  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Reads until `length` bytes or the end of the file; returns how many, or -1 with errno.
int64_t ReadFully(int fd, char* bytes, int64_t length) {
  int64_t done = 0;
  while (done < length) {
    const ssize_t count = read(fd, bytes + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += count;
  }
  return done;
}

absl::Status SyncOne(const std::string& path) {
  const Descriptor descriptor(path, O_WRONLY);
  return descriptor.ok() && fsync(descriptor.get()) == 0 ? absl::OkStatus() : WriteFailed(path, errno);
}

class PosixReadableFile : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  absl::StatusOr<int64_t> Read(char* bytes, int64_t size) override {
    for (;;) {
      const ssize_t count = read(descriptor_.get(), bytes, size);
      if (count >= 0) return count;
      if (errno != EINTR) return ReadFailed(path_, errno);
    }
  }

 private:
  const std::string path_;
  Descriptor descriptor_;
};

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {
    buffer_.reserve(kWriteBuffer);
  }

  absl::Status Append(absl::string_view bytes) override {
    CHECK(descriptor_.ok()) << path_ << " is closed";
    if (buffer_.size() + bytes.size() > kWriteBuffer) TANDEM_RETURN_IF_ERROR(Flush());
    if (bytes.size() >= kWriteBuffer) return Write(bytes);
    buffer_.append(bytes.data(), bytes.size());
    return status_;
  }

  absl::Status Sync() override {
    CHECK(descriptor_.ok()) << path_ << " is closed";
    TANDEM_RETURN_IF_ERROR(Flush());
    // A second fsync after a failed one may succeed though the pages are lost: the failure has to stick.
    if (fsync(descriptor_.get()) != 0) status_ = WriteFailed(path_, errno);
    return status_;
  }

  absl::Status Close() override {
    if (!descriptor_.ok()) return status_;
    const absl::Status flushed = Flush();
    if (close(descriptor_.Release()) != 0 && flushed.ok()) status_ = WriteFailed(path_, errno);
    return status_;
  }

 private:
  absl::Status Flush() {
    absl::Status status = Write(buffer_);
    buffer_.clear();
    return status;
  }

  absl::Status Write(absl::string_view bytes) {
    while (status_.ok() && !bytes.empty()) {
      const ssize_t count = write(descriptor_.get(), bytes.data(), bytes.size());
      if (count >= 0) {
        bytes.remove_prefix(count);
      } else if (errno != EINTR) {
        status_ = WriteFailed(path_, errno);
      }
    }
    return status_;
  }

  const std::string path_;
  Descriptor descriptor_;
  std::string buffer_;
  absl::Status status_;
};

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  const Descriptor descriptor_;
};

absl::StatusOr<std::unique_ptr<FileLock>> TryFlock(const std::string& path, int kind) {
  Descriptor descriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!descriptor.ok() && errno == ENOENT) return nullptr;
  if (!descriptor.ok()) return WriteFailed(path, errno);
  int result = 0;
  do {
    result = flock(descriptor.get(), kind | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno == EWOULDBLOCK) return nullptr;
  if (result != 0) return absl::UnimplementedError(absl::StrCat(path, ": the file system has no locks"));
  // Who held it till now may have removed or renamed it.
  struct stat held, there;
  if (fstat(descriptor.get(), &held) != 0) return WriteFailed(path, errno);
  if (lstat(path.c_str(), &there) != 0 || there.st_dev != held.st_dev || there.st_ino != held.st_ino)
    return nullptr;
  return std::make_unique<PosixFileLock>(std::move(descriptor));
}

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    Descriptor descriptor(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!descriptor.ok()) return WriteFailed(path, errno);
    return std::make_unique<PosixWritableFile>(path, std::move(descriptor));
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path,
                                                              int64_t size) override {
    CHECK_GE(size, 0);
    Descriptor descriptor(path, O_WRONLY | O_APPEND);
    struct stat info;
    if (!descriptor.ok() || fstat(descriptor.get(), &info) != 0) return WriteFailed(path, errno);
    if (info.st_size < size) {
      return absl::InternalError(
          absl::StrCat(path, ": holds ", info.st_size, " bytes where ", size, " were to be kept"));
    }
    if (info.st_size > size && ftruncate(descriptor.get(), size) != 0) return WriteFailed(path, errno);
    return std::make_unique<PosixWritableFile>(path, std::move(descriptor));
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return ReadFailed(path, errno);
    // A pipe may be what is wanted.
    if (!S_ISFIFO(info.st_mode)) TANDEM_RETURN_IF_ERROR(CheckIsFile(path));
    Descriptor descriptor(path, O_RDONLY);
    if (!descriptor.ok() || fstat(descriptor.get(), &info) != 0) return ReadFailed(path, errno);
    if (S_ISDIR(info.st_mode)) return ReadFailed(path, EISDIR);
    return std::make_unique<PosixReadableFile>(path, std::move(descriptor));
  }

  absl::StatusOr<std::string> ReadFile(const std::string& path) override {
    TANDEM_RETURN_IF_ERROR(CheckIsFile(path));
    const Descriptor descriptor(path, O_RDONLY);
    if (!descriptor.ok()) return ReadFailed(path, errno);
    struct stat info;
    if (fstat(descriptor.get(), &info) != 0) return ReadFailed(path, errno);
    // The size is a guess: a pipe has none.
    size_t room = info.st_size > 0 ? info.st_size + 1 : kReadChunk;
    std::string bytes;
    for (;;) {
      const size_t before = bytes.size();
      bytes.resize(before + room);
      const int64_t count = ReadFully(descriptor.get(), &bytes[before], room);
      if (count < 0) return ReadFailed(path, errno);
      bytes.resize(before + count);
      if (static_cast<size_t>(count) < room) return bytes;
      if (!S_ISREG(info.st_mode) && bytes.size() > kMostOfAStream)
        return ModelError(path, ": more than ", kMostOfAStream, " bytes, and no end; name a file");
      room = std::max(kReadChunk, bytes.size());
    }
  }

  absl::StatusOr<int64_t> ReadRange(const std::string& path, int64_t offset, int64_t length,
                                    char* bytes) override {
    CHECK_GE(offset, 0);
    CHECK_GE(length, 0);
    const Descriptor descriptor(path, O_RDONLY);
    if (!descriptor.ok() || lseek(descriptor.get(), offset, SEEK_SET) != offset)
      return ReadFailed(path, errno);
    const int64_t count = ReadFully(descriptor.get(), bytes, length);
    if (count < 0) return ReadFailed(path, errno);
    return count;
  }

  absl::StatusOr<int64_t> Size(const std::string& path) override {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return ReadFailed(path, error.value());
    return static_cast<int64_t>(size);
  }

  absl::StatusOr<FileInfo> Info(const std::string& path) override {
    struct stat found;
    if (stat(path.c_str(), &found) != 0) return ReadFailed(path, errno);
    const auto nanoseconds = [](const timespec& time) { return time.tv_sec * 1000000000LL + time.tv_nsec; };
    FileInfo info{KindOf(found.st_mode), found.st_size, found.st_dev, found.st_ino};
    info.modified = nanoseconds(found.st_mtim);
    info.changed = nanoseconds(found.st_ctim);
    return info;
  }

  bool Exists(const std::string& path) override {
    std::error_code error;
    return std::filesystem::exists(path, error);
  }

  bool IsDirectory(const std::string& path) override {
    std::error_code error;
    return std::filesystem::is_directory(path, error);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(path, error);
    for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) return ReadFailed(path, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status CreateDirectories(const std::string& path) override {
    if (IsDirectory(path)) return absl::OkStatus();
    const std::string parent = ParentPath(path);
    if (parent != path && !IsDirectory(parent)) TANDEM_RETURN_IF_ERROR(CreateDirectories(parent));
    if (mkdir(path.c_str(), 0777) != 0) {
      const int error = errno;
      // Another process may have made it meanwhile.
      if (error != EEXIST || !IsDirectory(path)) return WriteFailed(path, error);
    }
    return SyncDirectory(parent);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(from, ": cannot rename to ", to, ": ", std::generic_category().message(errno)));
  }

  absl::Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (!error) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(path, ": cannot remove: ", error.message()));
  }

  absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) override {
    return TryFlock(path, LOCK_EX);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> TryLockShared(const std::string& path) override {
    return TryFlock(path, LOCK_SH);
  }

  std::string ReadLink(const std::string& path) override {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    return error ? "" : target.string();
  }

  absl::Status CreateLink(const std::string& path, const std::string& target) override {
    if (symlink(target.c_str(), path.c_str()) == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(path, ": cannot link to ", target, ": ", std::generic_category().message(errno)));
  }

  // Each waits for the disk, and for the same commit of the file system's journal where they wait at a time.
  absl::Status SyncFiles(absl::Span<const std::string> paths) override {
    std::vector<absl::Status> synced(paths.size());
    std::atomic<size_t> next{0};
    const auto sync = [&] {
      for (size_t i = next++; i < paths.size(); i = next++) synced[i] = SyncOne(paths[i]);
    };
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min(paths.size(), kSyncsAtATime); ++i) threads.emplace_back(sync);
    sync();
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : synced) TANDEM_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const Descriptor descriptor(path, O_RDONLY | O_DIRECTORY);
    if (!descriptor.ok()) return WriteFailed(path, errno);
    // EINVAL: a file system without syncing of directories; nothing more can be done there.
    if (fsync(descriptor.get()) != 0 && errno != EINVAL) return WriteFailed(path, errno);
    return absl::OkStatus();
  }
};

}  // namespace

absl::Status FileSystem::SyncFiles(absl::Span<const std::string> paths) {
  for (const std::string& path : paths) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t size, Size(path));
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, OpenForAppend(path, size));
    TANDEM_RETURN_IF_ERROR(file->Sync());
    TANDEM_RETURN_IF_ERROR(file->Close());
  }
  return absl::OkStatus();
}

FileSystem& FileSystem::Default() {
  // Never destroyed: threads may still write at exit.
  static FileSystem* const file_system = new PosixFileSystem;
  return *file_system;
}

}  // namespace tandem
