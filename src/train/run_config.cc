#include "src/train/run_config.h"

#include "src/config/config_file.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {
namespace {

std::string ConfigPath(const std::string& run_dir) { return run_dir + "/config.pbtxt"; }

}  // namespace

absl::Status WriteRunConfig(FileSystem& fs, const std::string& run_dir, const proto::Experiment& experiment) {
  return WriteFileAtomically(fs, ConfigPath(run_dir), ConfigFileText(experiment));
}

absl::StatusOr<proto::Experiment> ReadRunConfig(FileSystem& fs, const std::string& run_dir) {
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(ConfigPath(run_dir)));
  return ParseExperiment(text, ConfigPath(run_dir));
}

absl::Status CheckSameConfig(const std::string& run_dir, const proto::Experiment& before,
                             const proto::Experiment& now, const std::string& but_for) {
  const std::string difference = ConfigDifferences(before, now, ConfigPath(run_dir), "the command line");
  if (difference.empty()) return absl::OkStatus();
  return ConfigError("resume: ", difference, "; a resumed run keeps its config", but_for);
}

}  // namespace tandem
