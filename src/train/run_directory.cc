#include "src/train/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/util/aside.h"
#include "tandem/status.h"

namespace tandem {

RunDirectory::RunDirectory(std::string path, std::string state_file)
    : path_(std::move(path)), state_file_(std::move(state_file)) {}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      state_file_(std::move(other.state_file_)),
      fresh_(other.fresh_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

RunDirectory& RunDirectory::operator=(RunDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(state_file_, other.state_file_);
  std::swap(fresh_, other.fresh_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RunDirectory::~RunDirectory() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status RunDirectory::Lock() {
  descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return absl::OkStatus();
  return ConfigError("--run_dir: ", path_, " is in use by another process, which would write the same files");
}

absl::StatusOr<RunDirectory> RunDirectory::Open(FileSystem& fs, const std::string& path, bool resume,
                                                const std::string& state_file) {
  RunDirectory directory(path, state_file);
  if (!fs.Exists(path)) return directory;
  if (!fs.IsDirectory(path))
    return ConfigError("--run_dir: ", path, " is a file, where a run wants a directory");
  TANDEM_RETURN_IF_ERROR(directory.Lock());
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(path));
  directory.fresh_ = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == "quarantine" || (resume && IsAside(name));
  });
  if (directory.fresh_) return directory;
  if (!resume) {
    return ConfigError("--run_dir: ", path,
                       " is not empty; --resume continues the run in it, a new run wants a new directory (or "
                       "this one removed)");
  }
  if (!fs.Exists(absl::StrCat(path, "/", state_file)))
    return ConfigError("--run_dir: ", path, " is not a run: it holds no ", state_file);
  return directory;
}

absl::Status RunDirectory::Claim(FileSystem& fs) {
  if (descriptor_ >= 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(fs.CreateDirectories(path_));
  TANDEM_RETURN_IF_ERROR(Lock());
  if (!fs.Exists(absl::StrCat(path_, "/", state_file_))) return absl::OkStatus();
  return ConfigError("--run_dir: ", path_, ": another process has begun a run in it meanwhile");
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
