// What may begin in a run's directory, and what a killed run left in it: alike for train, finetune, daily and
// online. Errors are ConfigErrors. Thread-safe for distinct directories.
#ifndef TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_
#define TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/files.h"

namespace tandem {

// True for a directory in which a run can begin: it isn't there, is empty, or holds no more than a run leaves
// that came to nothing (malformed rows; with `resume`, also what it was writing when it was killed). False
// for one that holds a run to go on with. An error for any other, and for a run without `resume`.
absl::StatusOr<bool> CanBeginIn(FileSystem& fs, const std::string& run_dir, bool resume);

// Removes what interrupted writes left in the run's directory and the named folders of it ("checkpoints").
absl::Status RemoveInterruptedWrites(FileSystem& fs, const std::string& run_dir,
                                     const std::vector<std::string>& folders);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_DIRECTORY_H_
