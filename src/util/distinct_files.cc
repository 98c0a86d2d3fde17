#include "src/util/distinct_files.h"

#include <sys/stat.h>
#include <unistd.h>

namespace tandem {

std::string DistinctFiles::Before(const std::string& path) {
  struct stat info;
  if ((path == "-" ? fstat(STDIN_FILENO, &info) : stat(path.c_str(), &info)) != 0) return "";
  if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) return "";
  const auto [before, first] = seen_.emplace(std::make_pair(info.st_dev, info.st_ino), path);
  return first ? "" : before->second;
}

bool AreOneFile(FileSystem& fs, const std::string& a, const std::string& b) {
  const absl::StatusOr<FileInfo> first = fs.Info(a), second = fs.Info(b);
  return first.ok() && second.ok() && first->device == second->device && first->number == second->number;
}

}  // namespace tandem
