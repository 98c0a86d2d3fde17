#include "src/util/distinct_files.h"

#include "tandem/status.h"

namespace tandem {

std::string DistinctFiles::Before(const std::string& path) {
  const absl::StatusOr<FileInfo> info = fs_.Info(path == "-" ? "/dev/stdin" : path);
  if (!info.ok()) return "";
  if (info->kind != FileInfo::Kind::kFile && info->kind != FileInfo::Kind::kPipe) return "";
  const auto [before, first] = seen_.emplace(std::make_pair(info->device, info->number), names_.size());
  if (!first) return names_.c_str() + before->second;
  names_.append(path.c_str(), path.size() + 1);
  return "";
}

bool AreOneFile(FileSystem& fs, const std::string& a, const std::string& b) {
  const absl::StatusOr<FileInfo> first = fs.Info(a), second = fs.Info(b);
  return first.ok() && second.ok() && first->device == second->device && first->number == second->number;
}

absl::Status CheckIsNoInput(FileSystem& fs, const std::string& output,
                            const std::vector<std::string>& inputs) {
  const absl::StatusOr<FileInfo> written = fs.Info(output);
  if (!written.ok() || written->kind != FileInfo::Kind::kFile) return absl::OkStatus();
  for (const std::string& input : inputs) {
    if (AreOneFile(fs, input, output))
      return ConfigError("output: ", output, " is also an input (", input, "); it would be replaced");
  }
  return absl::OkStatus();
}

}  // namespace tandem
