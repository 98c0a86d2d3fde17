// A run's directory: whether a run may begin or go on in it, and that no other process does. Alike for train,
// finetune, daily, online and compare.
//
//   TANDEM_ASSIGN_OR_RETURN(RunDirectory directory, RunDirectory::Open(fs, "run", /*resume=*/false));
//   if (!directory.fresh()) ...                       // a run to go on with: compare its configuration
//   TANDEM_RETURN_IF_ERROR(directory.Claim(fs));      // now it is there, and ours
//
// Errors are ConfigErrors. Thread-safe for distinct directories.
#ifndef TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_
#define TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/train/run_files.h"
#include "tandem/file_system.h"

namespace tandem {

class RunDirectory {
 public:
  // Changes nothing. A directory is fresh where it isn't there, is empty, or holds no more than a run leaves
  // that came to nothing (malformed rows; with `resume`, also what it was writing when it was killed). One
  // that holds a run wants `resume`, and its `state_file` ("config.pbtxt"); any other is an error, and so is
  // one that another process has.
  static absl::StatusOr<RunDirectory> Open(FileSystem& fs, const std::string& path, bool resume,
                                           const std::string& state_file = kRunConfigFile);

  bool fresh() const { return fresh_; }
  // Makes the directory where it isn't there. Until this object goes, or the process ends however it may, no
  // other process opens it: a lock on the directory itself. File systems that know none go without.
  absl::Status Claim(FileSystem& fs);
  // A run that came to nothing, so that what was in error can be mended and the same call be given again:
  // removes what it wrote, by its names in the directory, and the directory itself where nothing else is in
  // it. What can't be removed stays: the error that led here is the one to tell.
  void Leave(FileSystem& fs, const std::vector<std::string>& written) const;

 private:
  RunDirectory(std::string path, std::string state_file);
  absl::Status Lock(FileSystem& fs);

  std::string path_, state_file_;
  bool fresh_ = true;
  std::unique_ptr<FileLock> lock_;
};

// Removes what interrupted writes left in the run's directory and the named folders of it ("checkpoints").
absl::Status RemoveInterruptedWrites(FileSystem& fs, const std::string& run_dir,
                                     const std::vector<std::string>& folders);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_
