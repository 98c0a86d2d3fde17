#include "src/train/run_directory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/util/aside.h"
#include "src/util/links.h"
#include "src/util/paths.h"
#include "tandem/status.h"

namespace tandem {

RunDirectory::RunDirectory(std::string path, std::string state_file)
    : path_(std::move(path)), state_file_(std::move(state_file)) {}

absl::Status RunDirectory::Lock(FileSystem& fs) {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs.TryLock(FollowLink(fs, path_));
  // Without locks, one goes without.
  if (!lock.ok()) return absl::OkStatus();
  lock_ = *std::move(lock);
  if (lock_ != nullptr) return absl::OkStatus();
  return ConfigError("run_dir: ", path_, " is in use by another process, which would write the same files");
}

absl::StatusOr<RunDirectory> RunDirectory::Open(FileSystem& fs, const std::string& path, bool resume,
                                                const std::string& state_file) {
  RunDirectory directory(path, state_file);
  if (!fs.Exists(path)) {
    // The nearest folder that is there must be one.
    for (std::string above = ParentPath(path);; above = ParentPath(above)) {
      if (fs.IsDirectory(above)) return directory;
      if (fs.Exists(above))
        return ConfigError("run_dir: ", path, " can't be made: ", above, " is a file, not a directory");
      if (above == ParentPath(above)) return directory;
    }
  }
  if (!fs.IsDirectory(path))
    return ConfigError("run_dir: ", path, " is a file, where a run wants a directory");
  TANDEM_RETURN_IF_ERROR(directory.Lock(fs));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(path));
  directory.fresh_ = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == "quarantine" || (resume && IsAside(name));
  });
  if (directory.fresh_) return directory;
  if (!resume) {
    return ConfigError(
        "run_dir: ", path,
        " is not empty; with resume the run in it goes on, a new run wants a new directory (or "
        "this one removed)");
  }
  if (!fs.Exists(absl::StrCat(path, "/", state_file)))
    return ConfigError("run_dir: ", path, " is not a run: it holds no ", state_file);
  return directory;
}

absl::Status RunDirectory::Claim(FileSystem& fs) {
  if (lock_ != nullptr) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(fs.CreateDirectories(path_));
  TANDEM_RETURN_IF_ERROR(Lock(fs));
  if (!fs.Exists(absl::StrCat(path_, "/", state_file_))) return absl::OkStatus();
  return ConfigError("run_dir: ", path_, ": another process has begun a run in it meanwhile");
}

void RunDirectory::Leave(FileSystem& fs, const std::vector<std::string>& written) const {
  const auto ignore = [](const absl::Status& /*status*/) {};
  for (const std::string& name : written) ignore(fs.RemoveAll(absl::StrCat(path_, "/", name)));
  const absl::StatusOr<std::vector<std::string>> names = fs.List(path_);
  if (names.ok() && names->empty()) ignore(fs.RemoveAll(path_));
}

absl::Status RemoveInterruptedWrites(FileSystem& fs, const std::string& run_dir,
                                     const std::vector<std::string>& folders) {
  std::vector<std::string> directories = {run_dir};
  for (const std::string& folder : folders) directories.push_back(absl::StrCat(run_dir, "/", folder));
  for (const std::string& directory : directories) {
    if (!fs.Exists(directory)) continue;
    RemoveOrphans(fs, directory);
  }
  return absl::OkStatus();
}

}  // namespace tandem
