// What a tuning begins with (tandem/setup.h).
#include "absl/strings/str_join.h"
#include "src/setup/to_train.h"
#include "src/tune/tune_files.h"
#include "src/util/distinct_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/setup.h"
#include "tandem/status.h"

namespace tandem {

absl::StatusOr<proto::Experiment> ExperimentToTune(const TuneSetup& setup, TuneOptions* options) {
  FileSystem& fs = *options->file_system;
  std::vector<std::string> files = setup.files;
  if (files.empty() && options->resume) files.push_back(GivenPath(options->run_dir));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment given, LoadExperiment(files, setup.overrides, fs));
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment resolved, ResolvedToTrain(given, setup.overrides));
  TANDEM_ASSIGN_OR_RETURN(options->days, DaysToTrain(fs, resolved, setup.end_date));
  std::vector<std::string> inputs = files;
  for (const Day& day : options->days) inputs.insert(inputs.end(), day.files.begin(), day.files.end());
  if (!options->replace) TANDEM_RETURN_IF_ERROR(CheckIsNoInput(fs, options->output, inputs));
  options->name = absl::StrJoin(files, ", ");
  return given;
}

}  // namespace tandem
