// The scores of the day in progress, as a checkpoint keeps them.
//
//   TANDEM_ASSIGN_OR_RETURN(const DayProgress day, ReadDayProgress(fs, checkpoint));
#ifndef TANDEM_SRC_TRAIN_DAY_PROGRESS_H_
#define TANDEM_SRC_TRAIN_DAY_PROGRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "src/train/checkpoint_state.h"
#include "tandem/file_system.h"

namespace tandem {

inline constexpr char kTeacherProgressFile[] = "/progress-teacher.bin";
inline constexpr char kStudentProgressFile[] = "/progress-student.bin";

// A ModelError where the file is damaged.
absl::StatusOr<ScoreLog> ReadProgress(FileSystem& fs, const std::string& path);
// Of the towers that the checkpoint has.
absl::StatusOr<DayProgress> ReadDayProgress(FileSystem& fs, const std::string& checkpoint);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_DAY_PROGRESS_H_
