#include "src/util/aside.h"

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "src/util/paths.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr absl::string_view kPrefix = "tmp-";
constexpr absl::string_view kMark = ".tandem-";
constexpr size_t kDigits = 16;
// Names that are tried: one is lost only where a clean-up comes between its making and its lock.
constexpr int kAttempts = 8;

}  // namespace

std::string AsidePath(const std::string& path) {
  std::random_device random;
  const uint64_t number = static_cast<uint64_t>(random()) << 32 | random();
  const std::filesystem::path whole = WithoutTrailingSlash(path);
  return (whole.parent_path() /
          absl::StrFormat("%s%s%s%016x", kPrefix, whole.filename().string(), kMark, number))
      .string();
}

bool IsAside(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix) || name.size() < kMark.size() + kDigits) return false;
  for (const char c : name.substr(name.size() - kDigits)) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) return false;
  }
  name.remove_suffix(kDigits);
  return absl::EndsWith(name, kMark);
}

void RemoveOrphans(FileSystem& fs, const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!IsAside(name)) continue;
    const std::string path = absl::StrCat(directory, "/", name);
    // A link is set aside for a moment only, by a run that has locked its directory.
    if (!fs.ReadLink(path).empty()) {
      fs.RemoveAll(path).IgnoreError();
      continue;
    }
    const absl::StatusOr<std::unique_ptr<FileLock>> lock = fs.TryLock(path);
    if (lock.ok() && *lock != nullptr) fs.RemoveAll(path).IgnoreError();
  }
}

Aside::Aside(FileSystem& fs, const std::string& path, bool directory)
    : fs_(fs), path_(WithoutTrailingSlash(path).string()), directory_(directory) {}

Aside::Aside(Aside&& other) noexcept
    : fs_(other.fs_),
      path_(other.path_),
      directory_(other.directory_),
      aside_(std::exchange(other.aside_, "")),
      lock_(std::move(other.lock_)) {}

Aside::~Aside() {
  if (!aside_.empty()) fs_.RemoveAll(aside_).IgnoreError();
}

absl::StatusOr<bool> Aside::Make() {
  aside_ = AsidePath(path_);
  if (directory_) {
    TANDEM_RETURN_IF_ERROR(fs_.CreateDirectories(aside_));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, fs_.Create(aside_));
    TANDEM_RETURN_IF_ERROR(file->Close());
  }
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_.TryLock(aside_);
  if (absl::IsUnimplemented(lock.status())) return true;
  TANDEM_RETURN_IF_ERROR(lock.status());
  lock_ = *std::move(lock);
  return lock_ != nullptr;
}

absl::Status Aside::Named(const absl::Status& status) const {
  if (status.ok() || aside_.empty()) return status;
  return absl::Status(status.code(), absl::StrReplaceAll(status.message(), {{aside_, path_}}));
}

absl::StatusOr<Aside> Aside::Open(FileSystem& fs, const std::string& path, bool directory) {
  RemoveOrphans(fs, ParentPath(path));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Aside aside(fs, path, directory);
    const absl::StatusOr<bool> made = aside.Make();
    if (!made.ok()) return aside.Named(made.status());
    if (*made) return aside;
  }
  return absl::InternalError(absl::StrCat(path, ": what is written beside it is removed at once, ", kAttempts,
                                          " times; who else cleans up there?"));
}

absl::StatusOr<Aside> Aside::File(FileSystem& fs, const std::string& path) { return Open(fs, path, false); }

absl::StatusOr<Aside> Aside::Directory(FileSystem& fs, const std::string& path) {
  return Open(fs, path, true);
}

absl::Status Aside::Commit() {
  absl::Status renamed = fs_.Rename(aside_, path_);
  if (!renamed.ok()) {
    if (directory_ && fs_.Exists(path_))
      return absl::InternalError(
          absl::StrCat(path_, ": another process made it meanwhile; it is never overwritten"));
    return renamed;
  }
  absl::Status synced = fs_.SyncDirectory(ParentPath(path_));
  // A directory is whole, but perhaps not durable: reported as a failure, so it must not stay.
  if (!synced.ok() && directory_ && fs_.Rename(path_, aside_).ok()) return synced;
  aside_.clear();
  return synced;
}

}  // namespace tandem
