#include "src/tune/trial_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/tune/halving.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// A run looks at the clock so often.
constexpr int kStepsBetweenLooks = 20;
// What a killed trial loses at most, where the end of a day would be the only reason for a checkpoint.
constexpr double kSecondsBetweenCheckpoints = 10;

}  // namespace

proto::Experiment AsTrial(proto::Experiment experiment, int jobs) {
  experiment.mutable_runtime()->set_memory_limit(experiment.runtime().memory_limit() / jobs);
  experiment.mutable_runtime()->set_threads(1);
  experiment.mutable_runtime()->set_log_every_steps(kStepsBetweenLooks);
  experiment.mutable_runtime()->set_keep_checkpoints(1);
  experiment.mutable_train()->mutable_validation()->set_then_learn(false);
  return experiment;
}

TrialWatch::TrialWatch(const proto::Experiment& experiment, std::optional<double> figure, OnPoint on_point,
                       OnLook on_look)
    : student_(HasStudent(experiment.model())),
      phase_(PlanOf(experiment).phase_passes > 0),
      patience_(experiment.train().validation().patience()),
      most_passes_(experiment.train().epochs()),
      figure_(figure),
      on_point_(std::move(on_point)),
      on_look_(std::move(on_look)) {}

absl::Status TrialWatch::OnStep(const StepReport& /*step*/) { return on_look_(); }

absl::Status TrialWatch::OnValidation(const ValidationReport& report) {
  TrialPoint point;
  point.number = report.number;
  point.of_phase = report.of_phase;
  point.best = report.best;
  const std::optional<Metrics>& served = student_ ? report.student : report.teacher;
  if (served.has_value()) {
    point.logloss = served->logloss;
    point.auc = served->auc;
  }
  // Before a student phase it is the teacher's progress that tells: the student is to follow it.
  const std::optional<Metrics>& tells =
      phase_ && !report.of_phase && report.teacher.has_value() ? report.teacher : served;
  const std::optional<double> now = tells.has_value() ? tells->logloss : std::nullopt;
  // Undefined is the worst; JSON has no infinity.
  const double worst = std::numeric_limits<double>::max();
  figure_ = std::min(figure_.value_or(worst), now.value_or(worst));
  point.figure = *figure_;
  const bool ends_passes =
      !report.of_phase && (report.without_better >= patience_ || report.number >= most_passes_);
  if (ends_passes) {
    if (phase_) point.rung = Halving::kEndOfPasses;
    // The phase is measured by itself.
    figure_.reset();
  } else if (!report.of_phase && Halving::IsRung(report.number)) {
    point.rung = report.number;
  }
  return on_point_(point);
}

std::string TrialDirectory(const TuneOptions& options, int trial) {
  return absl::StrCat(options.run_dir, "/trials/", trial);
}

std::string RematchDirectory(const TuneOptions& options, int trial, uint64_t seed) {
  return absl::StrCat(options.run_dir, "/confirmed/", trial, "-seed-", seed);
}

void AddToSeeds(int number, proto::Experiment* experiment) {
  proto::Train& train = *experiment->mutable_train();
  train.set_seed(train.seed() + number);
  proto::Model& model = *experiment->mutable_model();
  if (model.teacher().has_seed()) model.mutable_teacher()->set_seed(model.teacher().seed() + number);
  if (model.student().has_seed()) model.mutable_student()->set_seed(model.student().seed() + number);
}

absl::Status TrainTrial(const proto::Experiment& experiment, int part, const std::string& directory,
                        const TuneOptions& options, RunObserver* observer) {
  RunOptions run;
  run.run_dir = directory;
  run.days = options.days;
  run.resume = true;
  run.held_out_part = part;
  run.seconds_between_checkpoints = kSecondsBetweenCheckpoints;
  run.quiet = true;
  run.stop = options.stop;
  run.kernels = options.kernels;
  run.observer = observer;
  run.file_system = options.file_system;
  run.clock = options.clock;
  TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, run));
  return summary.stopped_by == 0 ? absl::OkStatus() : absl::CancelledError("stopped");
}

absl::Status RemoveCheckpoints(FileSystem& fs, const std::string& directory) {
  return fs.RemoveAll(directory + "/checkpoints");
}

}  // namespace tandem
