#include "tandem/run.h"

#include <glog/logging.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "src/config/methods.h"
#include "src/train/divergence.h"
#include "src/train/model_costs.h"
#include "src/train/replay.h"
#include "src/train/run_directory.h"
#include "src/train/run_log.h"
#include "src/util/profile.h"
#include "src/util/progress.h"
#include "tandem/batch_source.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.h"
#include "tandem/feature_change.h"
#include "tandem/status.h"
#include "train/state.pb.h"

namespace tandem {
namespace {

constexpr char kReplayFile[] = "/replay.bin";
// In the student phase a day's end is no reason for a checkpoint when the last one is younger: it would write
// a table that stands still, for seconds of the student's work.
constexpr double kSecondsInPhase = 30;
// Rows of the last batch that a checkpoint must be able to score.
constexpr int kProofRows = 64;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double BytesOf(const Day& day) {
  double bytes = 0;
  for (const std::string& file : day.files) {
    struct stat info;
    if (stat(file.c_str(), &info) == 0) bytes += static_cast<double>(info.st_size);
  }
  return bytes;
}

std::string OfThemUnlabelled(int64_t rows) {
  return rows > 0 ? absl::StrCat(", ", FormatCount(rows), " of them without a label") : "";
}

// One run from its first step, or from where it was interrupted, to its end.
class Run {
 public:
  Run(const proto::Experiment& experiment, const RunOptions& options)
      : experiment_(experiment),
        options_(options),
        plan_(PlanOf(experiment)),
        fs_(*options.file_system),
        workers_(experiment.runtime().threads()),
        progress_(options.terminal, stderr) {}

  absl::StatusOr<RunSummary> Train();

 private:
  absl::Status CheckDirectory();
  absl::Status ClaimDirectory();
  void LeaveDirectory();
  absl::Status Begin();
  absl::Status Resume(const std::string& checkpoint);
  absl::Status InitializeFrom(const std::string& checkpoint);
  absl::Status Loop();
  absl::Status TrainFrom(BatchSource* source);
  int64_t PhaseBatches() const;
  LogPosition PhaseStart() const;
  bool InPhase() const { return state_.step() > state_.joint_steps() + state_.distilled_steps(); }
  bool HasPhase() const { return options_.parts == TrainedParts::kAll && plan_.phase_passes > 0; }
  absl::StatusOr<const LogEvent*> NextEvent(BatchSource* source);
  absl::Status TrainBatch(const LogEvent& event);
  absl::Status EndDay(const LogEvent& event);
  absl::Status Checkpoint();
  absl::Status Report(const std::string& day, const LossTerms& losses, bool labelled);
  std::string TimeLeft(double rows_per_second) const;
  // There once the run has trained on all of its window; holds its last step.
  std::string CompletePath() const { return options_.run_dir + "/complete"; }
  // Whether rows without a label are trained on.
  bool DistillsUnlabelled() const {
    return plan_.student && experiment_.data().unlabelled() == proto::Data::USE_TEACHER;
  }
  absl::StatusOr<bool> IsComplete();
  absl::Status CheckRows() const;
  void WarnOfUnusedLevers() const;
  bool Stopped() const { return options_.stop != nullptr && *options_.stop != 0; }
  LogPosition Position() const { return {state_.pass(), state_.day_index(), state_.block(), state_.batch()}; }

  const proto::Experiment& experiment_;
  const RunOptions& options_;
  const MethodPlan plan_;
  FileSystem& fs_;
  Workers workers_;
  Progress progress_;
  std::unique_ptr<DualModel> model_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<RunLog> log_;
  proto::RunState state_;
  DayProgress day_;
  std::unique_ptr<DivergenceWatch> divergence_;
  Batch last_rows_;  // some of the last batch's, on which a checkpoint is proved
  RunSummary summary_;

  std::optional<RunDirectory> directory_;
  double reported_at_ = 0;
  double checkpointed_at_ = 0;
  int64_t reported_rows_ = 0;
  int64_t pass_rows_ = 0;  // good rows of the days of the first pass that are done
  double pass_bytes_ = 0;  // and the bytes of their files
  double total_bytes_ = 0;
};

// A new run wants a fresh directory, a resumed one a directory that holds the same configuration.
absl::Status Run::CheckDirectory() {
  TANDEM_ASSIGN_OR_RETURN(directory_, RunDirectory::Open(fs_, options_.run_dir, options_.resume));
  if (directory_->fresh()) return absl::OkStatus();
  const std::string config_path = options_.run_dir + "/config.pbtxt";
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(config_path));
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, ParseExperiment(text, config_path));
  const std::string difference = FirstDifference(before, experiment_, config_path, "the command line");
  if (!difference.empty()) return ConfigError("--resume: ", difference, "; a resumed run keeps its config");
  return absl::OkStatus();
}

// Only once all is loaded: what can't begin leaves no directory.
absl::Status Run::ClaimDirectory() {
  TANDEM_RETURN_IF_ERROR(directory_->Claim(fs_));
  if (!directory_->fresh()) return RemoveInterruptedWrites(fs_, options_.run_dir, {"checkpoints"});
  return WriteFileAtomically(fs_, options_.run_dir + "/config.pbtxt", ExperimentText(experiment_));
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

absl::Status Run::Begin() {
  model_ = std::make_unique<DualModel>(experiment_, *options_.kernels, /*trained=*/true);
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  for (const Day& day : options_.days) state_.add_day(day.date);
  state_.set_kernels(options_.kernels->name());
  if (!checkpoint.empty()) {
    TANDEM_RETURN_IF_ERROR(Resume(checkpoint));
  } else if (!options_.init_from.empty()) {
    TANDEM_RETURN_IF_ERROR(InitializeFrom(options_.init_from));
  } else {
    if (options_.resume) LOG(INFO) << options_.run_dir << " has no checkpoint: starting at the beginning";
    model_->Initialize();
  }
  LOG(INFO) << model_->schema().fields().size() << " fields of " << model_->embedding().dim() << " floats"
            << (model_->has_teacher()
                    ? absl::StrCat(", teacher ", FormatCount(model_->teacher().layout().trained()))
                    : "")
            << (model_->has_student()
                    ? absl::StrCat(", student ", FormatCount(model_->student().layout().trained()))
                    : "")
            << " dense parameters";
  if (!experiment_.data().teacher_column().empty() && !ReadsStoredLogits(experiment_)) {
    LOG(WARNING) << "data.teacher_column '" << experiment_.data().teacher_column()
                 << "' isn't read: the method has no student, or its loss no logit term";
  }
  WarnOfUnusedLevers();
  if (Profile::Current() != nullptr) SetModelCosts(*model_, options_.parts, Profile::Current());
  state_.mutable_rows_bad()->Resize(kRowFaults, 0);
  const TrainerClock clock{state_.step(), state_.joint_steps(), state_.optimizer_steps(),
                           state_.student_optimizer_steps(), state_.distilled_steps()};
  divergence_ = std::make_unique<DivergenceWatch>(model_->schema());
  last_rows_.fields.resize(model_->schema().fields().size());
  trainer_ = std::make_unique<Trainer>(model_.get(), options_.parts, clock, &workers_);
  if (HasPhase() && InPhase()) trainer_->BeginStudentPhase(PhaseBatches());
  if (!checkpoint.empty() && trainer_->replay() != nullptr)
    TANDEM_RETURN_IF_ERROR(
        trainer_->replay()->Load(fs_, checkpoint + kReplayFile, model_->student_embedding()));
  TANDEM_RETURN_IF_ERROR(ClaimDirectory());
  const int days_done = state_.pass() > 0 ? state_.day_size() : state_.day_index();
  TANDEM_ASSIGN_OR_RETURN(log_,
                          RunLog::Open(fs_, options_.run_dir + "/metrics.jsonl", state_.step(), days_done));
  return absl::OkStatus();
}

absl::Status Run::Resume(const std::string& checkpoint) {
  TANDEM_RETURN_IF_ERROR(VerifyCheckpoint(fs_, checkpoint));
  const proto::RunState wanted = state_;
  TANDEM_RETURN_IF_ERROR(
      LoadCheckpoint(fs_, checkpoint, EmbeddingLoad::kResume, model_.get(), &state_, &day_));
  if (!std::equal(wanted.day().begin(), wanted.day().end(), state_.day().begin(), state_.day().end())) {
    return ConfigError("--resume: the window has the days ", absl::StrJoin(wanted.day(), " "), ", but ",
                       checkpoint, " was trained on ", absl::StrJoin(state_.day(), " "),
                       "; a resumed run needs the log it began with");
  }
  if (state_.kernels() != wanted.kernels()) {
    LOG(WARNING) << checkpoint << " was trained with the kernels '" << state_.kernels() << "', this is '"
                 << wanted.kernels()
                 << "': results may differ in the last bits; --kernels=" << state_.kernels() << " keeps them";
    state_.set_kernels(wanted.kernels());
  }
  LOG(INFO) << "resuming from " << checkpoint;
  return absl::OkStatus();
}

absl::Status Run::InitializeFrom(const std::string& checkpoint) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before_experiment,
                          VerifyAndReadExperiment(fs_, checkpoint));
  const EmbeddingLoad how = options_.reset_optimizer ? EmbeddingLoad::kReset : EmbeddingLoad::kContinue;
  proto::RunState before_state;
  const bool keeps_slots = !options_.reset_optimizer;
  DualModel before(before_experiment, *options_.kernels, keeps_slots);
  TANDEM_RETURN_IF_ERROR(CheckCanContinue(before, *model_, keeps_slots));
  const FeatureChange change = CompareFeatures(before.schema(), model_->schema());
  if (SameOrder(before.schema(), model_->schema())) {
    TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs_, checkpoint, how, model_.get(), &before_state, nullptr));
  } else {
    if (!change.empty() && !options_.allow_feature_change) {
      return ConfigError("the features differ from those of ", checkpoint, " (", change.Text(),
                         "); --allow_feature_change accepts that");
    }
    LOG(WARNING) << "the features differ from those of " << checkpoint << " ("
                 << (change.empty() ? "another order" : change.Text())
                 << "): what they share goes on, what is new starts anew";
    TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs_, checkpoint, how, &before, &before_state, nullptr));
    model_->Initialize();
    TANDEM_RETURN_IF_ERROR(LoadCheckpointEmbedding(fs_, checkpoint, how, model_.get()));
    TANDEM_RETURN_IF_ERROR(CopySharedParameters(before, model_.get()));
  }
  if (keeps_slots) {
    state_.set_optimizer_steps(before_state.optimizer_steps());
    state_.set_student_optimizer_steps(before_state.student_optimizer_steps());
  }
  LOG(INFO) << "starting from " << checkpoint << (keeps_slots ? "" : ", optimizer anew");
  return absl::OkStatus();
}

absl::StatusOr<RunSummary> Run::Train() {
  TANDEM_RETURN_IF_ERROR(CheckDirectory());
  TANDEM_RETURN_IF_ERROR(Begin());
  TANDEM_ASSIGN_OR_RETURN(summary_.already_complete, IsComplete());
  if (!summary_.already_complete) {
    const absl::Status status = Loop();
    progress_.Finish();
    const bool of_input = absl::IsInvalidArgument(status) || absl::IsOutOfRange(status);
    if (directory_->fresh() && of_input) {
      TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs_, options_.run_dir));
      if (checkpoint.empty()) LeaveDirectory();
    }
    TANDEM_RETURN_IF_ERROR(status);
  }
  summary_.steps = state_.step();
  summary_.rows_trained = state_.rows_trained();
  TANDEM_ASSIGN_OR_RETURN(summary_.checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  return summary_;
}

// Not where the last checkpoint is gone: what came after the one before it is trained again.
absl::StatusOr<bool> Run::IsComplete() {
  if (!fs_.Exists(CompletePath())) return false;
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(CompletePath()));
  if (text == absl::StrCat("step ", state_.step(), "\n")) return true;
  LOG(WARNING) << options_.run_dir << " was complete at " << absl::StripAsciiWhitespace(text)
               << ", but its newest checkpoint is that of step " << state_.step()
               << ": training on from there";
  TANDEM_RETURN_IF_ERROR(fs_.RemoveAll(CompletePath()));
  return false;
}

absl::Status Run::Loop() {
  const double passes = experiment_.train().epochs() + (HasPhase() ? plan_.phase_passes : 0);
  for (const Day& day : options_.days) total_bytes_ += BytesOf(day) * passes;
  reported_at_ = checkpointed_at_ = Now();
  reported_rows_ = state_.rows_trained();
  const std::string quarantine = options_.run_dir + "/quarantine";
  if (state_.pass() < experiment_.train().epochs()) {
    BatchSource source(experiment_, model_->schema(), options_.days, quarantine, Position());
    TANDEM_RETURN_IF_ERROR(TrainFrom(&source));
    if (summary_.stopped_by != 0) return absl::OkStatus();
  }
  if (HasPhase()) {
    const bool begins = !InPhase();
    if (begins) {
      // From here on the teacher stands still: what is lost after this is the student's alone.
      TANDEM_RETURN_IF_ERROR(Checkpoint());
      trainer_->BeginStudentPhase(PhaseBatches());
      const int steps = plan_.phase_steps + plan_.recombined_batches;
      LOG(INFO) << "the student alone from here on: " << FormatCount(PhaseBatches()) << " batches, " << steps
                << " student step" << (steps == 1 ? "" : "s") << " each";
    }
    proto::Experiment phase = experiment_;
    phase.mutable_train()->set_epochs(experiment_.train().epochs() +
                                      static_cast<int>(std::ceil(plan_.phase_passes)));
    BatchSource source(phase, model_->schema(), options_.days, quarantine,
                       begins ? PhaseStart() : Position());
    TANDEM_RETURN_IF_ERROR(TrainFrom(&source));
    if (summary_.stopped_by != 0) return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(Checkpoint());
  TANDEM_RETURN_IF_ERROR(
      WriteFileAtomically(fs_, CompletePath(), absl::StrCat("step ", state_.step(), "\n")));
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  for (int fault = 0; fault < kRowFaults; ++fault) bad += by_fault[fault] = state_.rows_bad(fault);
  const int64_t unlabelled = state_.rows_unlabelled(), left_out = DistillsUnlabelled() ? 0 : unlabelled;
  LOG(INFO) << FormatCount(state_.rows_good() + bad)
            << " rows read = " << FormatCount(state_.rows_good() - left_out) << " trained"
            << OfThemUnlabelled(unlabelled - left_out)
            << (left_out > 0 ? absl::StrCat(" + ", FormatCount(left_out), " without a label, left out") : "")
            << " + " << FormatCount(bad) << " quarantined"
            << (bad > 0 ? absl::StrCat(" (", FaultCounts(by_fault), ")") : "");
  return absl::OkStatus();
}

// All that is left of a phase's passes.
absl::Status Run::TrainFrom(BatchSource* source) {
  const int every = experiment_.runtime().checkpoint_every_steps();
  // A checkpoint waits for the next batch, so that the end of a day belongs to the checkpoint of its last
  // step: the bytes don't depend on why one was due.
  bool due = false;
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const LogEvent* event, NextEvent(source));
    if (event->kind == LogEvent::kEnd) break;
    if (event->kind == LogEvent::kBatch) {
      if (due) TANDEM_RETURN_IF_ERROR(Checkpoint());
      due = false;
      if (summary_.stopped_by != 0) return absl::OkStatus();
      // What is passed over is no step: a checkpoint could not tell it from the step before.
      if (trainer_->LearnsFrom(event->batch)) {
        TANDEM_RETURN_IF_ERROR(TrainBatch(*event));
        if (Stopped()) summary_.stopped_by = *options_.stop;
        due = summary_.stopped_by != 0 || (every > 0 && state_.step() % every == 0);
      }
    } else {
      TANDEM_RETURN_IF_ERROR(EndDay(*event));
      const double least = InPhase() ? std::max(options_.seconds_between_checkpoints, kSecondsInPhase)
                                     : options_.seconds_between_checkpoints;
      due = due || Now() - checkpointed_at_ >= least;
    }
    state_.set_pass(event->next.pass);
    state_.set_day_index(event->next.day);
    state_.set_block(event->next.block);
    state_.set_batch(event->next.batch);
  }
  // A signal at the end of the last phase cut nothing short; before another one it did.
  if (summary_.stopped_by == 0) return absl::OkStatus();
  if (HasPhase() && !InPhase()) return Checkpoint();
  summary_.stopped_by = 0;
  return absl::OkStatus();
}

// What the method leaves no place for. Not an error: a comparison gives all its methods the same settings.
void Run::WarnOfUnusedLevers() const {
  const proto::Train& train = experiment_.train();
  const std::string method = proto::Method_Name(experiment_.model().method());
  proto::Switches switches = experiment_.model().switches();
  if (plan_.student && !experiment_.data().teacher_column().empty()) switches.clear_logit();
  if ((!plan_.teacher || !plan_.student) && switches.ByteSizeLong() > 0) {
    LOG(WARNING) << "model.switches has no effect: " << method << " has one tower only ("
                 << switches.ShortDebugString() << ")";
  }
  if (train.student_steps() > 1 && std::max(plan_.joint_steps, plan_.phase_steps) == 1) {
    LOG(WARNING) << "train.student_steps: " << train.student_steps() << " has no effect: with " << method
                 << " the student takes no steps of its own";
  }
  if (plan_.phase_passes > 0) {
    if (train.has_student_phase() && !HasPhase()) {
      LOG(WARNING) << "train.student_phase has no effect: this run trains nothing but the student anyway";
      return;
    }
    if (train.student_phase().recombined_batches() > plan_.recombined_batches) {
      LOG(WARNING)
          << "train.student_phase.recombined_batches has no effect: they are for a student that reads "
             "the frozen table and learns logits or hints, unlike this of "
          << method;
    }
    if (train.student_phase().steps_per_row() > plan_.phase_steps && plan_.trains_embedding) {
      LOG(WARNING) << "train.student_phase.steps_per_row has no effect: with " << method
                   << " the student's embedding moves, once a batch";
    }
    return;
  }
  if (train.has_student_phase()) {
    const bool off = switches.has_student_phase() && !switches.student_phase();
    LOG(WARNING) << "train.student_phase has no effect: "
                 << (off ? "model.switches.student_phase is false"
                         : absl::StrCat(method, " has no such phase"));
  } else if (plan_.student && experiment_.model().switches().student_phase()) {
    LOG(WARNING) << "model.switches.student_phase has no effect without train.student_phase";
  }
}

// After the first pass: whether there was something to learn from.
absl::Status Run::CheckRows() const {
  if (state_.rows_good() == 0) {
    return DataError("data.path: ", experiment_.data().path(),
                     ": not one row to train on; is the log empty, or was all of it quarantined?");
  }
  const bool none = state_.rows_unlabelled() > 0 && state_.rows_unlabelled() == state_.rows_good();
  if (!none || (DistillsUnlabelled() && !plan_.teacher)) return absl::OkStatus();
  return DataError("data.path: none of the ", state_.rows_good(),
                   " rows of the window has a label, in column '", experiment_.data().label(), "'; ",
                   plan_.teacher ? "a teacher needs some" : "with data.unlabelled: DROP nothing is left");
}

int64_t Run::PhaseBatches() const {
  int64_t window = 0;
  for (const int64_t batches : state_.day_batches()) window += batches;
  return std::max<int64_t>(1, std::llround(plan_.phase_passes * static_cast<double>(window)));
}

// The phase's passes follow the others; the first of them begins where whole passes are left after it.
LogPosition Run::PhaseStart() const {
  int64_t window = 0;
  for (const int64_t batches : state_.day_batches()) window += batches;
  const auto passes = static_cast<int64_t>(std::ceil(plan_.phase_passes));
  int64_t skipped = passes * window - PhaseBatches();
  LogPosition start;
  start.pass = experiment_.train().epochs();
  while (start.day < state_.day_batches_size() && skipped >= state_.day_batches(start.day))
    skipped -= state_.day_batches(start.day++);
  if (start.day == state_.day_batches_size()) return {start.pass + 1, 0, 0, 0};
  start.batch = static_cast<int>(skipped);
  return start;
}

absl::StatusOr<const LogEvent*> Run::NextEvent(BatchSource* source) {
  StageTimer timer(Stage::kWaitForInput);
  return source->Next();
}

absl::Status Run::TrainBatch(const LogEvent& event) {
  const std::string& date = options_.days[event.day].date;
  const absl::StatusOr<const StepResult*> stepped = trainer_->Step(event.batch);
  if (!stepped.ok()) {
    const std::string widest = WidestNumber(model_->schema(), event.batch);
    return absl::Status(stepped.status().code(),
                        absl::StrCat(date.empty() ? "" : absl::StrCat(date, ", "), stepped.status().message(),
                                     widest.empty() ? "" : absl::StrCat("; ", widest)));
  }
  const StepResult* const result = *stepped;
  StageTimer timer(Stage::kProgress);
  last_rows_.Clear();
  last_rows_.AppendRows(event.batch, 0, std::min(event.batch.rows(), kProofRows));
  const TrainerClock clock = trainer_->clock();
  state_.set_step(clock.step);
  state_.set_joint_steps(clock.joint_steps);
  state_.set_distilled_steps(clock.distilled_steps);
  state_.set_optimizer_steps(clock.teacher_updates);
  state_.set_student_optimizer_steps(clock.student_updates);
  state_.set_rows_trained(state_.rows_trained() + event.batch.rows());
  if (event.pass == 0 && event.batch.labelled()) {
    const auto add = [&](const std::vector<float>& logits, ScoreLog* log) {
      for (size_t row = 0; row < logits.size(); ++row) {
        log->Add(static_cast<float>(Sigmoid(logits[row])), event.batch.labels[row], event.batch.weights[row],
                 event.batch.groups[row]);
      }
    };
    add(result->teacher_logits, &day_.teacher);
    add(result->student_logits, &day_.student);
  }
  const std::optional<std::string> alarm = divergence_->Note(date, state_.step(), event.batch, *result);
  if (alarm.has_value()) {
    progress_.Finish();
    LOG(WARNING) << *alarm;
  }
  if (state_.step() % experiment_.runtime().log_every_steps() != 0) return absl::OkStatus();
  return Report(date, result->terms, event.batch.labelled());
}

absl::Status Run::Report(const std::string& day, const LossTerms& losses, bool labelled) {
  const double now = Now();
  const double rate =
      static_cast<double>(state_.rows_trained() - reported_rows_) / std::max(1e-9, now - reported_at_);
  reported_at_ = now;
  reported_rows_ = state_.rows_trained();
  std::string line = absl::StrFormat("%s step %d: %s rows/s, loss %.4f (", day.empty() ? "data" : day,
                                     state_.step(), FormatCount(static_cast<int64_t>(rate)), losses.total);
  if (model_->has_teacher() && labelled) absl::StrAppendFormat(&line, "teacher %.4f ", losses.teacher_label);
  if (model_->has_student() && labelled) absl::StrAppendFormat(&line, "student %.4f ", losses.student_label);
  if (model_->has_teacher() && model_->has_student()) {
    absl::StrAppendFormat(&line, "logit %.4f hint %.4f ", losses.logit, losses.hint);
  } else if (ReadsStoredLogits(experiment_)) {
    absl::StrAppendFormat(&line, "logit %.4f ", losses.logit);
  }
  line.back() = ')';
  absl::StrAppend(&line, TimeLeft(rate));
  if (!options_.quiet) progress_.Update(line);
  return log_->LogStep(state_.step(), day, state_.rows_trained(), losses, labelled, rate);
}

// From the rows a byte of the days that are done; nothing in the first day.
std::string Run::TimeLeft(double rows_per_second) const {
  if (pass_bytes_ == 0 || rows_per_second == 0) return "";
  const double rows = static_cast<double>(pass_rows_) / pass_bytes_ * total_bytes_;
  return absl::StrCat(", ", FormatDuration(std::max(0.0, (rows - state_.rows_trained()) / rows_per_second)),
                      " left");
}

absl::Status Run::EndDay(const LogEvent& event) {
  StageTimer timer(Stage::kProgress);
  if (event.pass > 0 && event.day_batches != state_.day_batches(event.day)) {
    return DataError(absl::StrJoin(options_.days[event.day].files, ", "),
                     ": has changed since it was first read (", state_.day_batches(event.day),
                     " batches then, ", event.day_batches, " now); a run needs the log it began with");
  }
  if (event.pass == 0) {
    const std::string& date = options_.days[event.day].date;
    state_.set_rows_good(state_.rows_good() + event.day_rows.good);
    state_.set_rows_unlabelled(state_.rows_unlabelled() + event.day_rows.unlabelled);
    state_.add_day_batches(event.day_batches);
    for (int fault = 0; fault < kRowFaults; ++fault) {
      state_.set_rows_bad(fault, state_.rows_bad(fault) + event.day_rows.bad[fault]);
    }
    pass_rows_ += event.day_rows.good;
    pass_bytes_ += BytesOf(options_.days[event.day]);
    TANDEM_RETURN_IF_ERROR(
        log_->LogDay(state_.step(), date, day_, !experiment_.data().group_column().empty()));
    const auto auc = [](const ScoreLog& log) {
      const Metrics metrics = ComputeMetrics(log, /*with_groups=*/false);
      return metrics.auc.has_value() ? absl::StrFormat("%.4f", *metrics.auc) : std::string("undefined");
    };
    std::string line =
        absl::StrCat(date.empty() ? "data" : date, " done: ", FormatCount(event.day_rows.good), " rows",
                     OfThemUnlabelled(event.day_rows.unlabelled), ", progressive AUC");
    if (model_->has_teacher()) absl::StrAppend(&line, " teacher ", auc(day_.teacher));
    if (model_->has_student()) absl::StrAppend(&line, " student ", auc(day_.student));
    progress_.Finish();
    LOG(INFO) << line;
    day_ = DayProgress();
    if (event.day + 1 == static_cast<int>(options_.days.size())) return CheckRows();
  }
  return absl::OkStatus();
}

absl::Status Run::Checkpoint() {
  StageTimer timer(Stage::kCheckpoint);
  // The log's lines first: a checkpoint never knows of a step that metrics.jsonl lacks.
  TANDEM_RETURN_IF_ERROR(log_->Sync());
  checkpointed_at_ = Now();
  const std::string path = StepDirectory(options_.run_dir, state_.step());
  // One of the same step holds the same: a run that was resumed and has nothing left to do.
  const auto save_replay = [&](const std::string& aside) {
    return trainer_->replay() == nullptr ? absl::OkStatus()
                                         : trainer_->replay()->Save(fs_, aside + kReplayFile);
  };
  if (!fs_.Exists(path)) {
    absl::Status saved = ProveByScoring(*model_, last_rows_);
    if (saved.ok()) saved = SaveCheckpoint(fs_, path, *model_, state_, day_, save_replay);
    if (!saved.ok()) {
      const std::string widest = WidestNumber(model_->schema(), last_rows_);
      return absl::Status(saved.code(), absl::StrCat("step ", state_.step(), ": ", saved.message(),
                                                     widest.empty() ? "" : absl::StrCat("; ", widest)));
    }
  }
  return RemoveOldCheckpoints(fs_, options_.run_dir, experiment_.runtime().keep_checkpoints());
}

}  // namespace

absl::StatusOr<RunSummary> TrainRun(const proto::Experiment& experiment, const RunOptions& options) {
  RunOptions resolved = options;
  resolved.kernels = &KernelsOrBest(options.kernels);
  return Run(experiment, resolved).Train();
}

}  // namespace tandem
