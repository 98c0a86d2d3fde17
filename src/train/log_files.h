// The files of the log as a run has first read them: what changed under it is refused by name.
//
//   LogFiles log(fs, run_dir, state);
//   TANDEM_RETURN_IF_ERROR(log.CheckSizes(days));           // of a run that is resumed
//   BatchSource source(..., &log);                          // hashes a day's files before they are read
//   log.Note(day, &state);                                  // the next checkpoint knows them
//
// A file's record is its size and the XXH3 of its bytes as they are stored. A day's files are hashed before
// its first row is read, so that a checkpoint in its middle knows them whole; later only where file system
// says that they may have changed, and once more when the day is over. A name is what is left of the path
// without the folder that the day's files share: checkpoints hold no paths. Pipes have no record.
//
// Begin and End are called by the reading thread, the rest by the run's.
#ifndef TANDEM_SRC_TRAIN_LOG_FILES_H_
#define TANDEM_SRC_TRAIN_LOG_FILES_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/batch_source.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/state.pb.h"

namespace tandem {

class LogFiles : public DayWatch {
 public:
  // `fs` outlives it. `state`: of a run that is resumed, its records.
  LogFiles(FileSystem& fs, const std::string& run_dir, const proto::RunState& state);

  // A DataError where a day that has been read has other files now, or files of other sizes.
  absl::Status CheckSizes(const std::vector<Day>& days) const;
  // The day is about to be read, or was: a DataError where a file isn't what it was.
  absl::Status Begin(const Day& day) override;
  absl::Status End(const Day& day) override;
  // Adds the files of a day that has begun to the state, where they aren't there.
  void Note(const Day& day, proto::RunState* state);

 private:
  struct Seen {
    FileInfo look;
    proto::LogFile record;
  };

  absl::StatusOr<FileInfo> LookAt(const std::string& path) const;
  absl::StatusOr<Seen> Hashed(const std::string& path, const std::string& day, const std::string& name) const;
  // Every file against its record; one that has none gets it.
  absl::Status Verify(const Day& day, const char* when);
  absl::Status CheckNames(const Day& day, const std::vector<std::string>& names) const;
  absl::Status Changed(const std::string& path, const proto::LogFile& then, int64_t bytes_now,
                       const char* when) const;
  void WarnOfDouble(const std::string& path, const proto::LogFile& record);

  FileSystem& fs_;
  const std::string run_dir_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, proto::LogFile>> records_;  // by day, by name
  std::map<std::string, FileInfo> looks_;                                 // by path, when it was last hashed
  std::map<std::pair<int64_t, uint64_t>, std::string> by_content_;        // bytes and hash to a path
  std::set<std::string> noted_;                                           // days
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_LOG_FILES_H_
