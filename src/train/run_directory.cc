#include "src/train/run_directory.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kInterrupted[] = "tmp-";

}  // namespace

absl::StatusOr<bool> CanBeginIn(FileSystem& fs, const std::string& run_dir, bool resume) {
  if (!fs.Exists(run_dir)) return true;
  if (!fs.IsDirectory(run_dir))
    return ConfigError("--run_dir: ", run_dir, " is a file, where a run wants a directory");
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(run_dir));
  const bool fresh = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == "quarantine" || (resume && absl::StartsWith(name, kInterrupted));
  });
  if (fresh) return true;
  if (!resume) {
    return ConfigError("--run_dir: ", run_dir,
                       " is not empty; --resume continues the run in it, a new run wants a new directory (or "
                       "this one removed)");
  }
  if (!fs.Exists(run_dir + "/config.pbtxt"))
    return ConfigError("--run_dir: ", run_dir, " is not a run: it holds no config.pbtxt");
  return false;
}

absl::Status RemoveInterruptedWrites(FileSystem& fs, const std::string& run_dir,
                                     const std::vector<std::string>& folders) {
  std::vector<std::string> directories = {run_dir};
  for (const std::string& folder : folders) directories.push_back(absl::StrCat(run_dir, "/", folder));
  for (const std::string& directory : directories) {
    if (!fs.Exists(directory)) continue;
    TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(directory));
    for (const std::string& name : names) {
      if (absl::StartsWith(name, kInterrupted))
        TANDEM_RETURN_IF_ERROR(fs.RemoveAll(absl::StrCat(directory, "/", name)));
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
