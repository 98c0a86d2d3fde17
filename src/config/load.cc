// Reading an experiment: files one over the other, then overrides.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;

// "; did you mean 'configs/xdeepfm.pbtxt'?", or "" when the folder has no file of such a name.
std::string NearestFile(const stdfs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  const stdfs::path folder = path.has_parent_path() ? path.parent_path() : stdfs::path(".");
  for (stdfs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
  }
  const std::string nearest = NearestName(path.filename().string(), names);
  if (nearest.empty()) return "";
  return absl::StrCat("; did you mean '", (path.parent_path() / nearest).string(), "'?");
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  const stdfs::file_type type = stdfs::status(path, error).type();
  if (type == stdfs::file_type::not_found) return ConfigError(path, ": no such file", NearestFile(path));
  if (type == stdfs::file_type::directory) return ConfigError(path, ": is a folder; a config is a text file");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.is_open() || in.bad()) return ConfigError(path, ": can't be read: ", std::strerror(errno));
  return text;
}

}  // namespace

absl::StatusOr<proto::Experiment> LoadExperiment(absl::Span<const std::string> files,
                                                 absl::Span<const std::string> overrides) {
  proto::Experiment experiment;
  TANDEM_RETURN_IF_ERROR(LoadOver(files, overrides, &experiment));
  return experiment;
}

absl::Status LoadOver(absl::Span<const std::string> files, absl::Span<const std::string> overrides,
                      proto::Experiment* experiment) {
  for (const std::string& file : files) {
    TANDEM_ASSIGN_OR_RETURN(const std::string text, ReadText(file));
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment over, ParseExperiment(text, file));
    TANDEM_RETURN_IF_ERROR(MergeOver(over, experiment));
  }
  for (const std::string& override_text : overrides) {
    TANDEM_RETURN_IF_ERROR(ApplyOverride(override_text, experiment));
  }
  return absl::OkStatus();
}

}  // namespace tandem
