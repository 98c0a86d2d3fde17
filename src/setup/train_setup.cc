// What training and fine-tuning begin with (tandem/setup.h).
#include <glog/logging.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "src/setup/to_train.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/setup.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// What is said on the command line must do something: each of these would be accepted, and change nothing.
absl::Status CheckHaveEffect(const std::vector<std::string>& overrides,
                             const std::vector<std::string>& without, const char* what) {
  for (const std::string& text : overrides) {
    for (const std::string& prefix : without) {
      if (absl::StartsWith(text, prefix)) return ConfigError("'", text, "': has no effect on ", what);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<proto::Experiment> ExperimentToTrain(FileSystem& fs, const std::vector<std::string>& files,
                                                    const std::vector<std::string>& overrides) {
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, LoadExperiment(files, overrides, fs));
  return ResolvedToTrain(std::move(experiment), overrides);
}

absl::StatusOr<proto::Experiment> ResolvedToTrain(proto::Experiment experiment,
                                                  const std::vector<std::string>& overrides) {
  if (!HasDate(experiment.data().path())) {
    TANDEM_RETURN_IF_ERROR(CheckHaveEffect(overrides, {"train.window_days="},
                                           "a log without days: data.path has no {date}, and is read whole"));
  }
  ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  return experiment;
}

absl::StatusOr<std::vector<Day>> DaysToTrain(FileSystem& fs, const proto::Experiment& experiment,
                                             const std::string& end_date) {
  const std::string& path = experiment.data().path();
  std::vector<std::string> missing;
  if (!HasDate(path)) {
    if (!end_date.empty())
      return ConfigError("end_date: data.path has no {date} (", path, "); it is read whole");
    return FindDays(fs, path, "", "", &missing);
  }
  if (end_date.empty()) return ConfigError("an end_date is needed: data.path has days (", path, ")");
  TANDEM_ASSIGN_OR_RETURN(std::vector<Day> days,
                          FindWindow(fs, path, end_date, experiment.train().window_days(), &missing));
  if (!missing.empty()) {
    LOG(WARNING) << "data.path: only " << days.size() << " of the window's " << days.size() + missing.size()
                 << " days have a file; missing: " << DayRanges(missing);
  }
  return days;
}

absl::StatusOr<proto::Experiment> ExperimentToFineTune(FileSystem& fs, const FineTuneSetup& setup) {
  if (IsBundle(fs, setup.checkpoint))
    return ConfigError(setup.checkpoint, " is a bundle, which serves only; name the run it came from");
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, ReadModelExperiment(fs, setup.checkpoint));
  for (const std::string& run : {setup.init_from, setup.checkpoint + "/../.."}) {
    if (!fs.Exists(RunConfigPath(run))) continue;
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment of_run, ReadRunConfig(fs, run));
    experiment.mutable_data()->set_path(of_run.data().path());
    *experiment.mutable_runtime() = of_run.runtime();
    break;
  }
  TANDEM_RETURN_IF_ERROR(
      CheckHaveEffect(setup.overrides, {"daily.", "train.window_days=", "train.first_logit="}, "finetune"));
  TANDEM_RETURN_IF_ERROR(LoadOver(setup.files, setup.overrides, &experiment, fs));
  if (!setup.input.empty()) experiment.mutable_data()->set_path(setup.input);
  ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(experiment));
  if (setup.parts == TrainedParts::kStudent && experiment.model().method() == proto::TEACHER_ALONE)
    return ConfigError(setup.checkpoint, " has a teacher only, and no student to train");
  return experiment;
}

absl::StatusOr<std::vector<Day>> DaysToFineTune(FileSystem& fs, const proto::Experiment& experiment,
                                                const std::string& begin_date, const std::string& end_date) {
  const std::string& path = experiment.data().path();
  std::vector<std::string> missing;
  if (!HasDate(path)) {
    if (!begin_date.empty() || !end_date.empty())
      return ConfigError("begin_date, end_date: data.path has no {date} (", path,
                         "); it is read whole. Leave them out, or name other files");
    return FindDays(fs, path, "", "", &missing);
  }
  if (begin_date.empty() || end_date.empty())
    return ConfigError("begin_date and end_date are needed: data.path has days (", path, ")");
  TANDEM_ASSIGN_OR_RETURN(std::vector<Day> days, FindDays(fs, path, begin_date, end_date, &missing));
  if (!missing.empty()) LOG(WARNING) << "data.path: no file for " << DayRanges(missing);
  return days;
}

}  // namespace tandem
