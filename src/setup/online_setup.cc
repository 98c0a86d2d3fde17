// What online learning begins with (tandem/setup.h).
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/online.h"
#include "tandem/setup.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// What an online run has no place for: each would be accepted, and change nothing.
absl::Status CheckOverrides(const std::vector<std::string>& overrides) {
  constexpr const char* kWithoutEffect[] = {"model.method=",
                                            "model.teacher.",
                                            "model.distill.switches",
                                            "model.distill.hint",
                                            "model.distill.replay",
                                            "model.distill.phase",
                                            "model.distill.schedule",
                                            "model.student.optimizer.muon=",
                                            "model.student.optimizer.muon.lr",
                                            "model.student.optimizer.muon.momentum",
                                            "model.student.optimizer.muon.iterations",
                                            "embedding.slow_copy",
                                            "train.batch_size=",
                                            "train.epochs=",
                                            "train.window_days=",
                                            "train.shuffle_rows=",
                                            "train.schedule",
                                            "train.average_decay",
                                            "train.batches_cross_days",
                                            "train.validation",
                                            "daily."};
  for (const std::string& text : overrides) {
    for (const char* prefix : kWithoutEffect) {
      if (!absl::StartsWith(text, prefix)) continue;
      return ConfigError(
          "'", text, "': has no effect online",
          absl::StartsWith(text, "train.batch_size=")         ? "; online.batch_rows is the micro-batch"
          : absl::StartsWith(text, "model.student.optimizer") ? "; the student's matrices move by Adam there"
                                                              : "");
    }
  }
  return absl::OkStatus();
}

// The base's configuration with what the files and key=value say over it.
absl::StatusOr<proto::Experiment> ExperimentOfBase(FileSystem& fs, const OnlineSetup& setup) {
  TANDEM_ASSIGN_OR_RETURN(const Base base, FindBase(fs, setup.init_from));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, ReadModelExperiment(fs, base.checkpoint));
  if (experiment.model().method() == proto::TEACHER_ALONE) {
    return ConfigError("init_from: ", base.checkpoint,
                       " has a teacher only; a student is what learns online");
  }
  // A stream has no days to hold out, whatever the base's log had.
  if (experiment.train().validation().days() > 0) experiment.mutable_train()->clear_validation();
  TANDEM_RETURN_IF_ERROR(LoadOver(setup.files, setup.overrides, &experiment, fs));
  experiment.mutable_data()->set_path(setup.input);
  ResolveDefaults(&experiment);
  // Before the rates are multiplied: what is wrong is what was written.
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return OnlineExperiment(std::move(experiment));
}

}  // namespace

absl::StatusOr<proto::Experiment> ExperimentForOnline(FileSystem& fs, const OnlineSetup& setup) {
  TANDEM_RETURN_IF_ERROR(CheckOverrides(setup.overrides));
  const std::string own = RunConfigPath(setup.run_dir);
  proto::Experiment experiment;
  if (setup.resume && fs.Exists(own) && setup.files.empty() && setup.overrides.empty()) {
    TANDEM_ASSIGN_OR_RETURN(experiment, ReadRunConfig(fs, setup.run_dir));
  } else {
    TANDEM_ASSIGN_OR_RETURN(experiment, ExperimentOfBase(fs, setup));
  }
  experiment.mutable_data()->set_path(setup.input);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return experiment;
}

}  // namespace tandem
