#include "src/train/day_progress.h"

#include "tandem/status.h"

namespace tandem {

absl::StatusOr<ScoreLog> ReadProgress(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, fs.ReadFile(path));
  absl::StatusOr<ScoreLog> parsed = ScoreLog::Parse(bytes);
  if (!parsed.ok()) return ModelError(path, ": ", parsed.status().message());
  return parsed;
}

absl::StatusOr<DayProgress> ReadDayProgress(FileSystem& fs, const std::string& checkpoint) {
  DayProgress day;
  const std::string teacher = checkpoint + kTeacherProgressFile, student = checkpoint + kStudentProgressFile;
  if (fs.Exists(teacher)) {
    TANDEM_ASSIGN_OR_RETURN(day.teacher, ReadProgress(fs, teacher));
  }
  if (fs.Exists(student)) {
    TANDEM_ASSIGN_OR_RETURN(day.student, ReadProgress(fs, student));
  }
  return day;
}

}  // namespace tandem
