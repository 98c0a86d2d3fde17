// What the daily routine begins with (tandem/setup.h).
#include "src/train/run_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/setup.h"
#include "tandem/status.h"

namespace tandem {

absl::StatusOr<proto::Experiment> ExperimentForDaily(FileSystem& fs, const std::vector<std::string>& files,
                                                     const std::vector<std::string>& overrides,
                                                     const std::string& run_dir, bool resume) {
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, LoadExperiment(files, overrides, fs));
  // A gate that an earlier call has set stays, but for what this one says of it.
  const std::string own = RunConfigPath(run_dir);
  if (resume && fs.Exists(own)) {
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, LoadExperiment({own}, {}, fs));
    proto::Gate gate = before.daily().gate();
    gate.MergeFrom(experiment.daily().gate());
    *experiment.mutable_daily()->mutable_gate() = gate;
  }
  experiment.mutable_daily();
  ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  if (experiment.model().method() == proto::TEACHER_ALONE)
    return ConfigError("model.method: TEACHER_ALONE; daily publishes a student");
  return experiment;
}

}  // namespace tandem
