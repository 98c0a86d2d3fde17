#include "tandem/run.h"

#include <glog/logging.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "src/config/knots.h"
#include "src/config/methods.h"
#include "src/train/completion.h"
#include "src/train/day_account.h"
#include "src/train/divergence.h"
#include "src/train/expiry.h"
#include "src/train/first_logit.h"
#include "src/train/first_look.h"
#include "src/train/log_files.h"
#include "src/train/model_costs.h"
#include "src/train/run_checkpoints.h"
#include "src/train/run_config.h"
#include "src/train/run_directory.h"
#include "src/train/run_files.h"
#include "src/train/run_position.h"
#include "src/train/run_reports.h"
#include "src/train/run_start.h"
#include "src/train/stages.h"
#include "src/train/start_profile.h"
#include "src/train/student_phase.h"
#include "src/train/training_memory.h"
#include "src/train/unused_settings.h"
#include "src/train/validation.h"
#include "src/util/profile.h"
#include "src/util/progress.h"
#include "tandem/batch_source.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Of looking how large the tables have become.
constexpr int64_t kStepsBetweenLooks = 16;

// One run from its first step, or from where it was interrupted, to its end.
class Run {
 public:
  Run(const proto::Experiment& experiment, const RunOptions& options)
      : experiment_(experiment),
        options_(options),
        kernels_(KernelsOrBest(options.kernels)),
        fs_(*options.file_system),
        clock_(*options.clock),
        schema_(experiment),
        plan_(PlanOf(experiment)),
        phase_(experiment, options.parts),
        workers_(experiment.runtime().threads()),
        checkpoints_(fs_, clock_, experiment, schema_, options),
        reports_(fs_, clock_, experiment, schema_, options, experiment.train().epochs() + phase_.passes()) {}

  absl::StatusOr<RunSummary> Train();

 private:
  absl::Status CheckDirectory();
  absl::Status ClaimDirectory();
  void LeaveDirectory();
  absl::Status Begin();
  void BeginTrainer();
  absl::Status Loop();
  absl::Status LoopOverStages();
  absl::StatusOr<bool> TrainStage();
  absl::Status Complete();
  absl::StatusOr<bool> TrainFrom(BatchSource* source);
  absl::Status TrainBatch(const LogEvent& event);
  absl::Status EndDay(const LogEvent& event);
  absl::Status Checkpoint();
  absl::Status EndPortion(bool last);
  absl::Status EndStage();
  bool InPhase() const { return stages_.has_value() ? stages_->in_phase() : StudentPhase::Begun(state_); }
  // The days that are trained on now.
  const std::vector<Day>& Days() const { return stages_.has_value() ? stages_->log().days : options_.days; }
  bool Stopped() const { return options_.stop != nullptr && *options_.stop != 0; }

  const proto::Experiment& experiment_;
  const RunOptions& options_;
  const Kernels& kernels_;
  FileSystem& fs_;
  Clock& clock_;
  const Schema schema_;
  const MethodPlan plan_;
  const StudentPhase phase_;
  Workers workers_;
  std::optional<RunDirectory> directory_;
  std::unique_ptr<DualModel> model_;
  std::unique_ptr<Trainer> trainer_;
  // Where the run stands, what its days came to, and what is kept of it.
  proto::RunState state_;
  std::optional<DayAccount> account_;
  RunCheckpoints checkpoints_;
  std::optional<LogFiles> log_files_;
  std::optional<Stages> stages_;  // with train.validation
  RunReports reports_;
  std::optional<TrainingMemory> memory_;
  absl::Status tables_;  // an error once they are too large for it
  RunSummary summary_;
};

absl::StatusOr<RunSummary> Run::Train() {
  TANDEM_RETURN_IF_ERROR(CheckDirectory());
  memory_.emplace(experiment_, workers_.size(), ExpectedRows(fs_, experiment_, options_.days));
  TANDEM_RETURN_IF_ERROR(memory_->CheckStart());
  TANDEM_RETURN_IF_ERROR(CheckExpiry(experiment_, options_.days));
  TANDEM_RETURN_IF_ERROR(Begin());
  TANDEM_ASSIGN_OR_RETURN(summary_.already_complete, IsComplete(fs_, options_.run_dir, state_.step()));
  if (!summary_.already_complete) {
    // What a run that is done was trained on may go.
    TANDEM_RETURN_IF_ERROR(log_files_->CheckSizes(options_.days));
    const absl::Status status = Loop();
    reports_.Finish();
    const bool of_input = absl::IsInvalidArgument(status) || absl::IsOutOfRange(status);
    if (directory_->fresh() && of_input) {
      TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs_, options_.run_dir));
      if (checkpoint.empty()) LeaveDirectory();
    }
    TANDEM_RETURN_IF_ERROR(status);
  }
  if (summary_.stopped_by == 0 && state_.has_verdict()) {
    summary_.verdict = state_.verdict().reason();
    account_->SayVerdict();
  }
  summary_.steps = state_.step();
  summary_.rows_trained = state_.rows_trained();
  TANDEM_ASSIGN_OR_RETURN(summary_.checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  return summary_;
}

// A new run wants a fresh directory, a resumed one a directory that holds the same configuration.
absl::Status Run::CheckDirectory() {
  TANDEM_ASSIGN_OR_RETURN(directory_, RunDirectory::Open(fs_, options_.run_dir, options_.resume));
  if (directory_->fresh()) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, ReadRunConfig(fs_, options_.run_dir));
  return CheckSameConfig(options_.run_dir, before, experiment_);
}

// Only once all is loaded: what can't begin leaves no directory.
absl::Status Run::ClaimDirectory() {
  TANDEM_RETURN_IF_ERROR(directory_->Claim(fs_));
  if (!directory_->fresh()) return RemoveInterruptedWrites(fs_, options_.run_dir, {"checkpoints"});
  return WriteRunConfig(fs_, options_.run_dir, experiment_);
}

// A log or a configuration in error can be mended, and the same call be given again. There is nothing to lose
// before the first checkpoint.
void Run::LeaveDirectory() {
  reports_.Close();
  directory_->Leave(fs_, {kRunMetricsFile, kRunConfigFile});
}

absl::Status Run::Begin() {
  TANDEM_ASSIGN_OR_RETURN(RunStart start, StartRun(fs_, experiment_, options_, kernels_));
  model_ = std::move(start.model);
  state_ = std::move(start.state);
  account_.emplace(experiment_, options_.run_dir, std::move(start.day), &state_);
  log_files_.emplace(fs_, options_.run_dir, state_);
  LOG(INFO) << model_->schema().fields().size() << " fields of " << model_->embedding().dim() << " floats"
            << (model_->has_teacher()
                    ? absl::StrCat(", teacher ", FormatCount(model_->teacher().layout().trained()))
                    : "")
            << (model_->has_student()
                    ? absl::StrCat(", student ", FormatCount(model_->student().layout().trained()))
                    : "")
            << " dense parameters";
  for (const std::string& unused : UnusedSettings(experiment_, options_.parts)) LOG(WARNING) << unused;
  if (Profile::Current() != nullptr) SetModelCosts(*model_, options_.parts, Profile::Current());
  if (experiment_.train().has_validation()) {
    TANDEM_ASSIGN_OR_RETURN(Validation validation, Validation::Create(experiment_, options_.parts,
                                                                      options_.days, options_.held_out_part));
    if (directory_->fresh())
      TANDEM_RETURN_IF_ERROR(CheckHeldOut(fs_, experiment_, schema_, validation.learned()));
    stages_.emplace(experiment_, options_, kernels_, schema_, &workers_, std::move(validation), &state_);
  }
  BeginTrainer();
  if (!start.checkpoint.empty() && trainer_->replay() != nullptr) {
    TANDEM_RETURN_IF_ERROR(checkpoints_.LoadReplay(start.checkpoint, *model_, trainer_->replay()));
  }
  if (experiment_.embedding().expire_days() > 0)
    TANDEM_RETURN_IF_ERROR(model_->embedding().store().Expire(/*day=*/0, /*days=*/0).status());
  TANDEM_RETURN_IF_ERROR(ClaimDirectory());
  return reports_.Open(state_);
}

// From where the state stands; its replay is empty.
void Run::BeginTrainer() {
  trainer_ = std::make_unique<Trainer>(model_.get(), options_.parts, ClockOf(state_), &workers_);
  if (!phase_.exists() || !InPhase()) return;
  trainer_->BeginStudentPhase(stages_.has_value() ? stages_->phase_batches() : phase_.Batches(state_),
                              state_.validation().phase_steps_before());
}

// The passes over the window, then those of the student phase.
absl::Status Run::Loop() {
  reports_.Begin(state_);
  checkpoints_.Begin();
  if (stages_.has_value()) return LoopOverStages();
  const std::string quarantine = RunQuarantinePath(options_.run_dir);
  const LogPosition position = PositionOf(state_);
  if (state_.pass() < experiment_.train().epochs()) {
    BatchSource source(fs_, experiment_, model_->schema(), options_.days, quarantine, position, {},
                       &*log_files_);
    TANDEM_ASSIGN_OR_RETURN(const bool whole, TrainFrom(&source));
    if (!whole) return absl::OkStatus();
    // A signal at the end of the last phase cut nothing short; before another one it did.
    if (summary_.stopped_by != 0 && phase_.exists()) return Checkpoint();
    summary_.stopped_by = 0;
  }
  if (phase_.exists()) {
    const bool begins = !InPhase();
    if (begins) {
      // From here on the teacher stands still: what is lost after this is the student's alone.
      TANDEM_RETURN_IF_ERROR(Checkpoint());
      trainer_->BeginStudentPhase(phase_.Batches(state_));
      const int steps = plan_.phase_steps + plan_.recombined_batches;
      LOG(INFO) << "the student alone from here on: " << FormatCount(phase_.Batches(state_)) << " batches, "
                << steps << " student step" << (steps == 1 ? "" : "s") << " each";
    }
    proto::Experiment with_phase = experiment_;
    with_phase.mutable_train()->set_epochs(phase_.last_pass());
    BatchSource source(fs_, with_phase, model_->schema(), options_.days, quarantine,
                       begins ? phase_.Start(state_) : position, {}, &*log_files_);
    TANDEM_ASSIGN_OR_RETURN(const bool whole, TrainFrom(&source));
    if (!whole) return absl::OkStatus();
    summary_.stopped_by = 0;
  }
  return Complete();
}

// The stages of a run with train.validation, each from where the state stands.
absl::Status Run::LoopOverStages() {
  while (stages_->stage() != RunStage::DONE) {
    TANDEM_ASSIGN_OR_RETURN(const bool whole, TrainStage());
    if (whole) {
      // In the passes a source is one pass.
      const bool last = stages_->in_phase() || state_.pass() >= experiment_.train().epochs();
      TANDEM_RETURN_IF_ERROR(stages_->over_held_out() ? EndStage() : EndPortion(last));
    }
    if (summary_.stopped_by == 0) continue;
    // A signal at the very end cut nothing short.
    if (stages_->stage() != RunStage::DONE) return whole ? Checkpoint() : absl::OkStatus();
    summary_.stopped_by = 0;
  }
  return Complete();
}

// One pass, or all of another stage; false where a signal, or the validation, ended it before.
absl::StatusOr<bool> Run::TrainStage() {
  proto::Experiment until = experiment_;
  until.mutable_train()->set_epochs(stages_->last_pass());
  BatchSource source(fs_, until, schema_, Days(), RunQuarantinePath(options_.run_dir), PositionOf(state_),
                     stages_->log().choice, &*log_files_);
  return TrainFrom(&source);
}

// All is learned.
absl::Status Run::Complete() {
  account_->Close();
  TANDEM_RETURN_IF_ERROR(reports_.TellStep());
  TANDEM_RETURN_IF_ERROR(Checkpoint());
  TANDEM_RETURN_IF_ERROR(WriteCompletion(fs_, options_.run_dir, state_.step()));
  LOG(INFO) << account_->Line();
  if (model_->embedding().ids_refused() > 0) {
    LOG(WARNING) << "the tables are full (embedding.max_rows: " << experiment_.embedding().max_rows()
                 << "): " << FormatCount(model_->embedding().ids_refused())
                 << " occurrences of ids got the out-of-vocabulary row instead of one of their own";
  }
  return absl::OkStatus();
}

// All that is left of a phase's passes; false where it was ended before.
absl::StatusOr<bool> Run::TrainFrom(BatchSource* source) {
  const int every = experiment_.runtime().checkpoint_every_steps();
  // A checkpoint waits for the next batch, so that the end of a day belongs to the checkpoint of its last
  // step: the bytes don't depend on why one was due.
  bool due = false;
  const RunStage::Stage began_in = state_.validation().stage();
  for (;;) {
    std::optional<StageTimer> waiting(Stage::kWaitForInput);
    TANDEM_ASSIGN_OR_RETURN(const LogEvent* event, source->Next());
    waiting.reset();
    if (event->kind == LogEvent::kEnd) break;
    if (event->kind == LogEvent::kBatch) {
      if (due) TANDEM_RETURN_IF_ERROR(Checkpoint());
      due = false;
      TANDEM_RETURN_IF_ERROR(tables_);
      if (summary_.stopped_by != 0) return false;
      // What is passed over is no step: a checkpoint could not tell it from the step before.
      if (trainer_->LearnsFrom(event->batch)) {
        TANDEM_RETURN_IF_ERROR(TrainBatch(*event));
        if (Stopped()) summary_.stopped_by = *options_.stop;
        // Rows that are elsewhere take no memory here.
        if (state_.step() % kStepsBetweenLooks == 0 && options_.row_stores == nullptr)
          tables_ = memory_->CheckTables(*model_);
        due = summary_.stopped_by != 0 || !tables_.ok() || (every > 0 && state_.step() % every == 0);
      }
    } else {
      TANDEM_RETURN_IF_ERROR(EndDay(*event));
      TANDEM_RETURN_IF_ERROR(ExpireRows(experiment_, Days()[event->day], trainer_.get()));
      due = due || checkpoints_.DueAfterDay(InPhase());
    }
    log_files_->Note(Days()[event->day], &state_);
    NotePosition(event->next, &state_);
    if (event->kind == LogEvent::kBatch && stages_.has_value() && stages_->EndsPortion())
      TANDEM_RETURN_IF_ERROR(EndPortion(/*last=*/false));
    if (state_.validation().stage() != began_in) return false;
  }
  return true;
}

absl::Status Run::TrainBatch(const LogEvent& event) {
  const Batch& batch = event.batch;
  if (options_.init_from.empty()) BeginAtBaseRate(experiment_, event, InPhase(), state_, model_.get());
  const std::string& date = Days()[event.day].date;
  trainer_->set_day(DayNumber(date));
  const absl::StatusOr<const StepResult*> stepped = trainer_->Step(batch);
  if (!stepped.ok()) {
    return Explained(stepped.status(), date.empty() ? "" : absl::StrCat(date, ", "), model_->schema(), batch);
  }
  const StepResult& result = **stepped;
  StageTimer timer(Stage::kProgress);
  checkpoints_.NoteRows(batch);
  NoteClock(trainer_->clock(), &state_);
  state_.set_rows_trained(state_.rows_trained() + batch.rows());
  account_->Add(event, result);
  return reports_.NoteStep(date, batch, result, state_);
}

absl::Status Run::EndDay(const LogEvent& event) {
  StageTimer timer(Stage::kProgress);
  const Day& day = Days()[event.day];
  // A short pass says what it came to, too.
  if (event.day + 1 == static_cast<int>(Days().size())) TANDEM_RETURN_IF_ERROR(reports_.TellStep());
  if (stages_.has_value() && stages_->over_held_out()) {
    stages_->CountBatches(event.day_batches);
    return absl::OkStatus();
  }
  if (event.pass > 0) return account_->EndLaterPass(event, day);
  const DayReport report = account_->EndFirstPass(event, day);
  TANDEM_RETURN_IF_ERROR(reports_.TellDay(report));
  const bool newest = event.day + 1 == static_cast<int>(Days().size());
  if (report.rows == 0) {
    LOG(WARNING) << absl::StrJoin(day.files, ", ") << ": not one row to learn from"
                 << (newest && !day.date.empty() ? ", and " + day.date + " is the newest day" : "");
  }
  return newest ? account_->CheckRows() : absl::OkStatus();
}

absl::Status Run::Checkpoint() {
  StageTimer timer(Stage::kCheckpoint);
  // The log's lines first: a checkpoint never knows of a step that metrics.jsonl lacks.
  TANDEM_RETURN_IF_ERROR(reports_.Sync());
  TANDEM_ASSIGN_OR_RETURN(const bool written,
                          checkpoints_.Write(*model_, trainer_->replay(), state_, account_->progress()));
  if (written) {
    const std::string path = checkpoints_.Path(state_);
    TANDEM_RETURN_IF_ERROR(reports_.TellCheckpoint({state_.step(), path}));
  }
  return checkpoints_.RemoveOld(state_);
}

// A validated pass, or portion of the student phase, is over; `last`: of its stage.
absl::Status Run::EndPortion(bool last) {
  StageTimer timer(Stage::kProgress);
  for (const Day& day : stages_->held_out().days) TANDEM_RETURN_IF_ERROR(log_files_->Begin(day));
  TANDEM_ASSIGN_OR_RETURN(const ValidationReport report, stages_->Validate(model_.get()));
  for (const Day& day : stages_->held_out().days) {
    TANDEM_RETURN_IF_ERROR(log_files_->End(day));
    log_files_->Note(day, &state_);
  }
  TANDEM_RETURN_IF_ERROR(reports_.TellValidation(report));
  if (!stages_->Over(last)) return report.best ? Checkpoint() : absl::OkStatus();
  if (!report.best) {
    trainer_.reset();
    TANDEM_RETURN_IF_ERROR(stages_->PutBack(&model_));
  }
  return EndStage();
}

// The next stage begins with the model as it is.
absl::Status Run::EndStage() {
  stages_->Next();
  model_->Prepare();
  BeginTrainer();
  return Checkpoint();
}

absl::Status CheckOptions(const RunOptions& options) {
  if (options.run_dir.empty()) return ConfigError("a run without a directory: RunOptions::run_dir is empty");
  if (options.days.empty())
    return ConfigError(
        "a run without a log: RunOptions::days is empty (FindWindow names the days of data.path)");
  for (size_t i = 1; i < options.days.size(); ++i) {
    const std::string &before = options.days[i - 1].date, &date = options.days[i].date;
    if (before >= date)
      return ConfigError("days are learned in their order, each once: '", date, "' comes after '", before,
                         "'");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunSummary> TrainRun(const proto::Experiment& experiment, const RunOptions& options) {
  TANDEM_RETURN_IF_ERROR(CheckOptions(options));
  proto::Experiment resolved = experiment;
  ResolveDefaults(&resolved);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(resolved));
  RunOptions begins = options;
  if (!options.init_from.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const std::string newest,
                            NewestCheckpoint(*options.file_system, options.init_from));
    if (!newest.empty()) begins.init_from = newest;
  }
  std::unique_ptr<Profile> profile;
  if (options.profile) {
    TANDEM_ASSIGN_OR_RETURN(profile, StartProfile(ProfiledCommand::kTrain, resolved.runtime().threads(),
                                                  KernelsOrBest(options.kernels), *options.clock));
  }
  if (NeedsKnots(resolved)) TANDEM_RETURN_IF_ERROR(FindKnots(begins, &resolved));
  TANDEM_ASSIGN_OR_RETURN(RunSummary summary, Run(resolved, begins).Train());
  if (profile == nullptr || summary.already_complete) return summary;
  summary.profile = profile->Table();
  TANDEM_RETURN_IF_ERROR(
      WriteFileAtomically(*options.file_system, RunProfilePath(options.run_dir), profile->Json()));
  return summary;
}

}  // namespace tandem
