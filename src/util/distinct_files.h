// Files that are one file, whatever their names: another spelling of the path, a link.
//
//   DistinctFiles seen(fs);
//   seen.Before("logs/a.tsv");                       // "": the first time
//   seen.Before("logs/../logs/a.tsv");               // "logs/a.tsv"
//
// What isn't there, and devices (/dev/null), are nothing that could be told apart. Not thread-safe.
#ifndef TANDEM_SRC_UTIL_DISTINCT_FILES_H_
#define TANDEM_SRC_UTIL_DISTINCT_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "tandem/file_system.h"

namespace tandem {

class DistinctFiles {
 public:
  // `fs` must outlive it.
  explicit DistinctFiles(FileSystem& fs) : fs_(fs) {}
  // The name under which the file was seen before, "" the first time. "-" is standard input.
  std::string Before(const std::string& path);

 private:
  FileSystem& fs_;
  // Where a name begins in names_, by the file's device and number.
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, size_t> seen_;
  std::string names_;  // each with its NUL: there may be hundreds of thousands
};

// Whether two names lead to one file. What can't be looked at is nobody's: its reader says what is wrong.
bool AreOneFile(FileSystem& fs, const std::string& a, const std::string& b);

// A ConfigError where a file that is to be written is one of those that are read, under whatever name.
absl::Status CheckIsNoInput(FileSystem& fs, const std::string& output,
                            const std::vector<std::string>& inputs);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_DISTINCT_FILES_H_
