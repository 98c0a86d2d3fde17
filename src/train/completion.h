// The file `complete` of a run: at which step it had trained on all of its window.
//
//   TANDEM_RETURN_IF_ERROR(WriteCompletion(fs, run_dir, step));
//   TANDEM_ASSIGN_OR_RETURN(const std::optional<int64_t> step, ReadCompletion(fs, run_dir));
#ifndef TANDEM_SRC_TRAIN_COMPLETION_H_
#define TANDEM_SRC_TRAIN_COMPLETION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

absl::Status WriteCompletion(FileSystem& fs, const std::string& run_dir, int64_t step);

// Nothing where the run isn't complete. A ModelError where the file is of a format that isn't read, or no
// such file.
absl::StatusOr<std::optional<int64_t>> ReadCompletion(FileSystem& fs, const std::string& run_dir);

// Whether a run whose newest checkpoint is that of `step` has trained on all of its window. Not where the last
// checkpoint is gone: what came after the one before it is trained again, and the file is removed.
absl::StatusOr<bool> IsComplete(FileSystem& fs, const std::string& run_dir, int64_t step);

absl::Status RemoveCompletion(FileSystem& fs, const std::string& run_dir);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_COMPLETION_H_
