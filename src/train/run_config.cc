#include "src/train/run_config.h"

#include "src/config/config_file.h"
#include "src/train/run_files.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {

absl::Status WriteRunConfig(FileSystem& fs, const std::string& run_dir, const proto::Experiment& experiment) {
  return WriteFileAtomically(fs, RunConfigPath(run_dir), ConfigFileText(experiment));
}

absl::StatusOr<proto::Experiment> ReadRunConfig(FileSystem& fs, const std::string& run_dir) {
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(RunConfigPath(run_dir)));
  TANDEM_RETURN_IF_ERROR(CheckConfigFormat(text, RunConfigPath(run_dir)));
  TANDEM_RETURN_IF_ERROR(CheckConfigUnchanged(text, RunConfigPath(run_dir)));
  return ParseExperiment(text, RunConfigPath(run_dir));
}

absl::Status CheckCheckpointConfig(const proto::Experiment& of_run, const std::string& run_name,
                                   const proto::Experiment& of_checkpoint, const std::string& checkpoint) {
  const auto trained = [](proto::Experiment experiment) {
    // A checkpoint doesn't say where its log lay; online, the fraction may be raised when a run is resumed.
    experiment.mutable_data()->clear_path();
    experiment.mutable_data()->clear_max_bad_fraction();
    return experiment;
  };
  const std::string difference =
      ConfigDifferences(trained(of_run), trained(of_checkpoint), run_name, checkpoint);
  if (difference.empty()) return absl::OkStatus();
  return ModelError(difference,
                    ": the checkpoint was written with another configuration. A run keeps the one ",
                    "it began with. Nothing was loaded.");
}

absl::Status CheckRunConfig(FileSystem& fs, const std::string& run_dir, const std::string& checkpoint) {
  if (!fs.Exists(RunConfigPath(run_dir))) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment of_run, ReadRunConfig(fs, run_dir));
  // One that is damaged is told of when it is loaded.
  const absl::StatusOr<proto::Experiment> of_checkpoint = ReadCheckpointExperiment(fs, checkpoint);
  if (!of_checkpoint.ok()) return absl::OkStatus();
  return CheckCheckpointConfig(of_run, RunConfigPath(run_dir), *of_checkpoint, checkpoint);
}

absl::Status CheckSameConfig(const std::string& run_dir, const proto::Experiment& before,
                             const proto::Experiment& now, const std::string& but_for) {
  const std::string difference = ConfigDifferences(before, now, RunConfigPath(run_dir), "this call");
  if (difference.empty()) return absl::OkStatus();
  return ConfigError("resume: ", difference, "; a resumed run keeps its config", but_for);
}

}  // namespace tandem
