// Reading an experiment: files one over the other, then overrides.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/util/nearest_name.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// "; did you mean 'configs/xdeepfm.pbtxt'?", or "" when the folder has no file of such a name.
std::string NearestFile(FileSystem& fs, const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::vector<std::string> names;
  for (std::string& name : fs.List(folder.empty() ? "." : folder).value_or(std::vector<std::string>())) {
    if (!fs.IsDirectory(folder + name)) names.push_back(std::move(name));
  }
  const std::string nearest = NearestName(path.substr(folder.size()), names);
  return nearest.empty() ? "" : absl::StrCat("; did you mean '", folder, nearest, "'?");
}

// No configuration that somebody wrote is as long.
constexpr int64_t kMostBytes = 64 << 20;

absl::StatusOr<std::string> ReadText(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<int64_t> size = fs.Size(path);
  if (size.ok() && *size > kMostBytes)
    return ConfigError(path, ": ", *size, " bytes; a config is a text file of ", kMostBytes, " at most");
  absl::StatusOr<std::string> text = fs.ReadFile(path);
  if (text.ok()) return text;
  if (!fs.Exists(path)) return ConfigError(path, ": no such file", NearestFile(fs, path));
  if (fs.IsDirectory(path)) return ConfigError(path, ": is a folder; a config is a text file");
  return ConfigError(text.status().message());
}

}  // namespace

absl::StatusOr<proto::Experiment> LoadExperiment(absl::Span<const std::string> files,
                                                 absl::Span<const std::string> overrides, FileSystem& fs) {
  proto::Experiment experiment;
  TANDEM_RETURN_IF_ERROR(LoadOver(files, overrides, &experiment, fs));
  return experiment;
}

absl::Status LoadOver(absl::Span<const std::string> files, absl::Span<const std::string> overrides,
                      proto::Experiment* experiment, FileSystem& fs) {
  for (const std::string& file : files) {
    TANDEM_ASSIGN_OR_RETURN(const std::string text, ReadText(fs, file));
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment over, ParseExperiment(text, file));
    TANDEM_RETURN_IF_ERROR(MergeOver(over, experiment));
  }
  for (const std::string& override_text : overrides) {
    TANDEM_RETURN_IF_ERROR(ApplyOverride(override_text, experiment));
  }
  return absl::OkStatus();
}

}  // namespace tandem
