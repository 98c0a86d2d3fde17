// Which files a log is made of, and how a configuration names them.
//
//   TANDEM_ASSIGN_OR_RETURN(const InputFiles input, FindInput(fs, {"logs/*.tsv.gz"}));
//   input.path;                       // "logs/{date}.tsv.gz", where names differ by a day
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_INIT_INPUT_FILES_H_
#define TANDEM_SRC_INIT_INPUT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

struct InputFiles {
  std::string path;                      // of `data.path`
  std::vector<std::string> files;        // by day, then by name
  std::vector<std::string> days;         // those there are, YYYY-MM-DD, in order; empty for a path without
  std::vector<std::string> passed_over;  // without a day in their names, among others that have one
};

// `patterns`: paths, globs, or paths with {date} or {date:FORMAT}. A DataError where there is no file, a
// ConfigError where one path can't name them all.
absl::StatusOr<InputFiles> FindInput(FileSystem& fs, const std::vector<std::string>& patterns);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_INPUT_FILES_H_
