#include "tandem/run.h"

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
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
#include "src/train/run_log.h"
#include "src/train/run_progress.h"
#include "src/train/run_start.h"
#include "src/train/stages.h"
#include "src/train/student_phase.h"
#include "src/train/training_memory.h"
#include "src/train/unused_settings.h"
#include "src/train/validation.h"
#include "src/util/profile.h"
#include "src/util/progress.h"
#include "tandem/batch_source.h"
#include "tandem/checkpoint.h"
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
        progress_(fs_, experiment, options.days, experiment.train().epochs() + phase_.passes(),
                  options.terminal, options.quiet) {}

  absl::StatusOr<RunSummary> Train();

 private:
  absl::Status CheckDirectory();
  absl::Status ClaimDirectory();
  void LeaveDirectory();
  absl::StatusOr<bool> IsComplete();
  absl::Status Begin();
  void BeginTrainer();
  absl::Status Loop();
  absl::Status LoopOverStages();
  absl::StatusOr<bool> TrainStage();
  absl::Status Complete();
  absl::StatusOr<bool> TrainFrom(BatchSource* source);
  absl::StatusOr<const LogEvent*> NextEvent(BatchSource* source);
  absl::Status TrainBatch(const LogEvent& event);
  void Initialize(const LogEvent& event);
  absl::Status Report();
  absl::Status EndDay(const LogEvent& event);
  absl::Status ExpireRows(const Day& day);
  absl::Status CheckTables() const;
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
  std::unique_ptr<DivergenceWatch> divergence_;
  // Of the last step, until it is reported.
  struct UntoldStep {
    std::string day;
    LossTerms losses;
    bool labelled;
  };
  std::optional<UntoldStep> untold_;
  // Who hears of the run: its log, people, whoever asked to.
  std::unique_ptr<RunLog> log_;
  RunProgress progress_;
  std::vector<RunObserver*> observers_;
  double reported_at_ = 0;
  int64_t reported_rows_ = 0;
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
  TANDEM_ASSIGN_OR_RETURN(summary_.already_complete, IsComplete());
  if (!summary_.already_complete) {
    // What a run that is done was trained on may go.
    TANDEM_RETURN_IF_ERROR(log_files_->CheckSizes(options_.days));
    const absl::Status status = Loop();
    progress_.Finish();
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
  log_.reset();
  const auto ignore = [](const absl::Status& /*the error that led here is the one to tell*/) {};
  ignore(fs_.RemoveAll(options_.run_dir + "/metrics.jsonl"));
  ignore(fs_.RemoveAll(options_.run_dir + "/config.pbtxt"));
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(options_.run_dir);
  if (names.ok() && names->empty()) ignore(fs_.RemoveAll(options_.run_dir));
}

// Not where the last checkpoint is gone: what came after the one before it is trained again.
absl::StatusOr<bool> Run::IsComplete() {
  TANDEM_ASSIGN_OR_RETURN(const std::optional<int64_t> step, ReadCompletion(fs_, options_.run_dir));
  if (!step.has_value()) return false;
  if (*step == state_.step()) return true;
  LOG(WARNING) << options_.run_dir << " was complete at step " << *step
               << ", but its newest checkpoint is that of step " << state_.step()
               << ": training on from there";
  TANDEM_RETURN_IF_ERROR(RemoveCompletion(fs_, options_.run_dir));
  return false;
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
  divergence_ = std::make_unique<DivergenceWatch>(schema_);
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
  const int days_done = state_.pass() > 0 ? state_.day_size() : state_.day_index();
  TANDEM_ASSIGN_OR_RETURN(log_,
                          RunLog::Open(fs_, options_.run_dir + "/metrics.jsonl", state_.step(), days_done));
  observers_ = {log_.get(), &progress_};
  if (options_.observer != nullptr) observers_.push_back(options_.observer);
  return absl::OkStatus();
}

// From where the state stands; its replay is empty.
void Run::BeginTrainer() {
  const TrainerClock clock{state_.step() - state_.validation().undone_steps(), state_.joint_steps(),
                           state_.optimizer_steps(), state_.student_optimizer_steps(),
                           state_.distilled_steps()};
  trainer_ = std::make_unique<Trainer>(model_.get(), options_.parts, clock, &workers_);
  if (!phase_.exists() || !InPhase()) return;
  trainer_->BeginStudentPhase(stages_.has_value() ? stages_->phase_batches() : phase_.Batches(state_),
                              state_.validation().phase_steps_before());
}

// The passes over the window, then those of the student phase.
absl::Status Run::Loop() {
  reported_at_ = clock_.Now();
  checkpoints_.Begin();
  reported_rows_ = state_.rows_trained();
  if (stages_.has_value()) return LoopOverStages();
  const std::string quarantine = options_.run_dir + "/quarantine";
  const LogPosition position{state_.pass(), state_.day_index(), state_.block(), state_.batch()};
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
  BatchSource source(fs_, until, schema_, Days(), options_.run_dir + "/quarantine",
                     {state_.pass(), state_.day_index(), state_.block(), state_.batch()},
                     stages_->log().choice, &*log_files_);
  return TrainFrom(&source);
}

// All is learned.
absl::Status Run::Complete() {
  account_->Close();
  TANDEM_RETURN_IF_ERROR(Report());
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
    TANDEM_ASSIGN_OR_RETURN(const LogEvent* event, NextEvent(source));
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
        if (state_.step() % kStepsBetweenLooks == 0) tables_ = CheckTables();
        due = summary_.stopped_by != 0 || !tables_.ok() || (every > 0 && state_.step() % every == 0);
      }
    } else {
      TANDEM_RETURN_IF_ERROR(EndDay(*event));
      TANDEM_RETURN_IF_ERROR(ExpireRows(Days()[event->day]));
      due = due || checkpoints_.DueAfterDay(InPhase());
    }
    log_files_->Note(Days()[event->day], &state_);
    state_.set_pass(event->next.pass);
    state_.set_day_index(event->next.day);
    state_.set_block(event->next.block);
    state_.set_batch(event->next.batch);
    if (event->kind == LogEvent::kBatch && stages_.has_value() && stages_->EndsPortion())
      TANDEM_RETURN_IF_ERROR(EndPortion(/*last=*/false));
    if (state_.validation().stage() != began_in) return false;
  }
  return true;
}

// Rows that are elsewhere take no memory here.
absl::Status Run::CheckTables() const {
  if (options_.row_stores != nullptr) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const StoreState shared, model_->embedding().store().State());
  int64_t bytes = shared.bytes;
  if (model_->has_student() && &model_->student_embedding() != &model_->embedding()) {
    TANDEM_ASSIGN_OR_RETURN(const StoreState own, model_->student_embedding().store().State());
    bytes += own.bytes;
  }
  return memory_->CheckTables(static_cast<double>(bytes));
}

absl::StatusOr<const LogEvent*> Run::NextEvent(BatchSource* source) {
  StageTimer timer(Stage::kWaitForInput);
  return source->Next();
}

absl::Status Run::TrainBatch(const LogEvent& event) {
  const Batch& batch = event.batch;
  if (options_.init_from.empty()) Initialize(event);
  const std::string& date = Days()[event.day].date;
  trainer_->set_day(DayNumber(date));
  const absl::StatusOr<const StepResult*> stepped = trainer_->Step(batch);
  if (!stepped.ok()) {
    return Explained(stepped.status(), date.empty() ? "" : absl::StrCat(date, ", "), model_->schema(), batch);
  }
  const StepResult& result = **stepped;
  StageTimer timer(Stage::kProgress);
  checkpoints_.NoteRows(batch);
  const TrainerClock clock = trainer_->clock();
  state_.set_step(clock.step + state_.validation().undone_steps());
  state_.set_joint_steps(clock.joint_steps);
  state_.set_distilled_steps(clock.distilled_steps);
  state_.set_optimizer_steps(clock.teacher_updates);
  state_.set_student_optimizer_steps(clock.student_updates);
  state_.set_rows_trained(state_.rows_trained() + batch.rows());
  account_->Add(event, result);
  const std::optional<std::string> alarm = divergence_->Note(date, state_.step(), batch, result);
  if (alarm.has_value()) progress_.Warn(*alarm);
  untold_ = UntoldStep{date, result.terms, batch.labelled()};
  return state_.step() % experiment_.runtime().log_every_steps() == 0 ? Report() : absl::OkStatus();
}

// The first values again, now that the first rows are read. A teacher that sat out rows without a label
// begins at its own first ones, as if there had been no others.
void Run::Initialize(const LogEvent& event) {
  if (experiment_.train().first_logit() != proto::Train::BASE_RATE || state_.joint_steps() > 0) return;
  const bool first = state_.step() == 0, of_teacher = plan_.teacher && event.batch.labelled() && !InPhase();
  if (!first && !of_teacher) return;
  const double logit = BaseRateLogit(event.block_labels);
  const DenseParameters student = model_->student_parameters(), adapters = model_->adapter_parameters();
  model_->Initialize(logit);
  if (!first) {
    model_->student_parameters() = student;
    model_->adapter_parameters() = adapters;
    model_->Prepare();
  }
  if (event.block_labels.rows == 0) return;
  LOG(INFO) << "of the first " << FormatCount(event.block_labels.rows) << " rows with a label "
            << absl::StrFormat("%.4g %% are positive: the towers begin there", 100 * Sigmoid(logit));
}

// The last step, where it isn't told yet.
absl::Status Run::Report() {
  if (!untold_.has_value()) return absl::OkStatus();
  const UntoldStep step = *std::exchange(untold_, std::nullopt);
  const double now = clock_.Now();
  const double rate =
      static_cast<double>(state_.rows_trained() - reported_rows_) / std::max(1e-9, now - reported_at_);
  reported_at_ = now;
  reported_rows_ = state_.rows_trained();
  const StepReport report{state_.step(), step.day, state_.rows_trained(), step.losses, step.labelled, rate};
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnStep(report));
  return absl::OkStatus();
}

absl::Status Run::EndDay(const LogEvent& event) {
  StageTimer timer(Stage::kProgress);
  const Day& day = Days()[event.day];
  // A short pass says what it came to, too.
  if (event.day + 1 == static_cast<int>(Days().size())) TANDEM_RETURN_IF_ERROR(Report());
  if (stages_.has_value() && stages_->over_held_out()) {
    stages_->CountBatches(event.day_batches);
    return absl::OkStatus();
  }
  if (event.pass > 0) return account_->EndLaterPass(event, day);
  const DayReport report = account_->EndFirstPass(event, day);
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnDay(report));
  const bool newest = event.day + 1 == static_cast<int>(Days().size());
  if (report.rows == 0) {
    LOG(WARNING) << absl::StrJoin(day.files, ", ") << ": not one row to learn from"
                 << (newest && !day.date.empty() ? ", and " + day.date + " is the newest day" : "");
  }
  return newest ? account_->CheckRows() : absl::OkStatus();
}

// What a store can't drop is known before the first row is read: Begin asks once for nothing.
absl::Status Run::ExpireRows(const Day& day) {
  if (experiment_.embedding().expire_days() == 0) return absl::OkStatus();
  trainer_->set_day(DayNumber(day.date));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dropped, trainer_->EndDay());
  if (dropped > 0) {
    LOG(INFO) << day.date << ": " << FormatCount(dropped) << " ids that no batch read for "
              << experiment_.embedding().expire_days() << " days left the tables (embedding.expire_days)";
  }
  return absl::OkStatus();
}

absl::Status Run::Checkpoint() {
  StageTimer timer(Stage::kCheckpoint);
  // The log's lines first: a checkpoint never knows of a step that metrics.jsonl lacks.
  TANDEM_RETURN_IF_ERROR(log_->Sync());
  TANDEM_ASSIGN_OR_RETURN(const bool written,
                          checkpoints_.Write(*model_, trainer_->replay(), state_, account_->progress()));
  if (written) {
    const std::string path = checkpoints_.Path(state_);
    const CheckpointReport report{state_.step(), path};
    for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnCheckpoint(report));
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
  for (RunObserver* observer : observers_) TANDEM_RETURN_IF_ERROR(observer->OnValidation(report));
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

}  // namespace

absl::StatusOr<RunSummary> TrainRun(const proto::Experiment& experiment, const RunOptions& options) {
  if (NeedsKnots(experiment)) {
    proto::Experiment with_knots = experiment;
    TANDEM_RETURN_IF_ERROR(FindKnots(options, &with_knots));
    return Run(with_knots, options).Train();
  }
  return Run(experiment, options).Train();
}

}  // namespace tandem
