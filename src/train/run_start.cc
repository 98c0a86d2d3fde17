#include "src/train/run_start.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "src/train/run_state.h"
#include "src/train/tower_kernels.h"
#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/feature_change.h"
#include "tandem/row_fault.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status Resume(FileSystem& fs, const std::string& checkpoint, RunStart* start) {
  const proto::RunState wanted = start->state;
  proto::RunState& state = start->state;
  TANDEM_RETURN_IF_ERROR(
      LoadCheckpoint(fs, checkpoint, EmbeddingLoad::kResume, start->model.get(), &state, &start->day));
  if (!std::equal(wanted.day().begin(), wanted.day().end(), state.day().begin(), state.day().end())) {
    return ConfigError("resume: the window has the days ",
                       DayRanges({wanted.day().begin(), wanted.day().end()}), ", but ", checkpoint,
                       " was trained on ", DayRanges({state.day().begin(), state.day().end()}),
                       "; a resumed run needs the log it began with");
  }
  TANDEM_RETURN_IF_ERROR(CheckCanGoOn(start->model->experiment(), state, checkpoint + "/state.pbtxt"));
  if (state.kernels() != wanted.kernels()) {
    LOG(WARNING) << checkpoint << " was trained with the kernels '" << state.kernels() << "', this is '"
                 << wanted.kernels()
                 << "': results may differ in the last bits; the kernels of that name keep them";
    state.set_kernels(wanted.kernels());
  }
  start->checkpoint = checkpoint;
  LOG(INFO) << "resuming from " << checkpoint;
  return absl::OkStatus();
}

absl::Status InitializeFrom(FileSystem& fs, const std::string& checkpoint, const RunOptions& options,
                            const Kernels& kernels, RunStart* start) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before_experiment, VerifyAndReadExperiment(fs, checkpoint));
  const EmbeddingLoad how = options.reset_optimizer ? EmbeddingLoad::kReset : EmbeddingLoad::kContinue;
  const bool keeps_slots = !options.reset_optimizer;
  DualModel* const model = start->model.get();
  proto::RunState before_state;
  DualModel before(before_experiment, kernels, keeps_slots);
  TANDEM_RETURN_IF_ERROR(CheckCanContinue(before, *model, keeps_slots));
  const FeatureChange change = CompareFeatures(before.schema(), model->schema());
  if (SameOrder(before.schema(), model->schema())) {
    TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, checkpoint, how, model, &before_state, nullptr));
  } else {
    if (!change.empty() && !options.allow_feature_change) {
      return ConfigError("the features differ from those of ", checkpoint, " (", change.Text(),
                         "); allow_feature_change accepts that");
    }
    LOG(WARNING) << "the features differ from those of " << checkpoint << " ("
                 << (change.empty() ? "another order" : change.Text())
                 << "): what they share goes on, what is new starts anew";
    TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, checkpoint, how, &before, &before_state, nullptr));
    model->Initialize();
    TANDEM_RETURN_IF_ERROR(LoadCheckpointEmbedding(fs, checkpoint, how, model));
    TANDEM_RETURN_IF_ERROR(CopySharedParameters(before, model));
  }
  if (keeps_slots) {
    start->state.set_optimizer_steps(before_state.optimizer_steps());
    start->state.set_student_optimizer_steps(before_state.student_optimizer_steps());
  }
  LOG(INFO) << "starting from " << checkpoint << (keeps_slots ? "" : ", optimizer anew");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunStart> StartRun(FileSystem& fs, const proto::Experiment& experiment,
                                  const RunOptions& options, const Kernels& kernels) {
  RunStart start;
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs, options.run_dir));
  // Before anything is built that the checkpoint might not fill.
  if (!checkpoint.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, VerifyAndReadExperiment(fs, checkpoint));
    TANDEM_RETURN_IF_ERROR(
        CheckCheckpointConfig(experiment, RunConfigPath(options.run_dir), before, checkpoint));
  }
  TANDEM_ASSIGN_OR_RETURN(start.model,
                          DualModel::Make(experiment, kernels, /*trained=*/true, options.row_stores));
  for (const Day& day : options.days) start.state.add_day(day.date);
  start.state.set_kernels(TowerKernels(experiment.train(), kernels).name());
  if (!checkpoint.empty()) {
    TANDEM_RETURN_IF_ERROR(Resume(fs, checkpoint, &start));
  } else if (!options.init_from.empty()) {
    TANDEM_RETURN_IF_ERROR(InitializeFrom(fs, options.init_from, options, kernels, &start));
  } else {
    if (options.resume) LOG(INFO) << options.run_dir << " has no checkpoint: starting at the beginning";
    start.model->Initialize();
  }
  start.state.mutable_rows_bad()->Resize(kRowFaults, 0);
  return start;
}

}  // namespace tandem
