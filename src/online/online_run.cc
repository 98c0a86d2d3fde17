// A student that goes on learning from a stream (tandem/online.h): the loop that is the life of a row.
#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "src/online/admission.h"
#include "src/online/base_follower.h"
#include "src/online/label_queue.h"
#include "src/online/learner.h"
#include "src/online/micro_batch.h"
#include "src/online/online_report.h"
#include "src/online/online_student.h"
#include "src/online/resumable_stream.h"
#include "src/online/rollback_policy.h"
#include "src/online/stream_file.h"
#include "src/serve/publisher.h"
#include "src/train/checkpoint_state.h"
#include "src/train/run_config.h"
#include "src/train/run_directory.h"
#include "src/train/run_files.h"
#include "src/train/tower_kernels.h"
#include "src/train/training_memory.h"
#include "tandem/checkpoint.h"
#include "tandem/clock.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/online.h"
#include "tandem/poor_model.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// How long the stream is waited for before something else gets its turn.
constexpr double kWaitSeconds = 0.05;
constexpr char kStreamFile[] = "/stream.bin";
// What was learned first is served soon, whatever online.checkpoint_seconds is.
constexpr double kFirstCheckpointSeconds = 10;
// Rows that are read between two looks at the clock.
constexpr int kRowsBetweenLooks = 4096;

class OnlineRun {
 public:
  OnlineRun(const proto::Experiment& experiment, const OnlineOptions& options)
      : experiment_(experiment),
        config_(experiment.online()),
        options_(options),
        kernels_(KernelsOrBest(options.kernels)),
        fs_(*options.file_system),
        clock_(*options.clock),
        schema_(experiment),
        workers_(experiment.runtime().threads()),
        admission_(experiment, schema_, fs_, RunQuarantinePath(options.run_dir), options.input, &online_),
        stream_({options.input, options.follow, options.stop, &fs_, &clock_}, &admission_, &online_),
        micro_batch_(config_, static_cast<int>(schema_.fields().size()), clock_),
        learner_(experiment, &workers_, &state_, &online_),
        policy_(config_, &online_),
        follower_(fs_, clock_, options.init_from, /*replays=*/options.input != "-"),
        publisher_(fs_, options.run_dir, kernels_) {}

  absl::StatusOr<OnlineSummary> Learn();

 private:
  absl::Status CheckDirectory();
  absl::Status Begin();
  absl::Status StartFrom(const Base& base);
  absl::Status Resume(const std::string& checkpoint, const Base& base);
  absl::Status SwitchBase(const Base& base);
  absl::Status OpenStream();
  absl::StatusOr<int> Loop();
  absl::StatusOr<bool> ReadRow();
  absl::Status AddToMicroBatch(WaitingRow row);
  absl::Status TrainMicroBatch();
  absl::Status RollBack(const std::string& why);
  absl::Status BetweenMicroBatches();
  absl::Status Checkpoint(bool candidate);
  absl::Status Publish();
  bool Stopped() const { return options_.stop != nullptr && *options_.stop != 0; }

  const proto::Experiment& experiment_;
  const proto::Online& config_;
  const OnlineOptions& options_;
  const Kernels& kernels_;
  FileSystem& fs_;
  Clock& clock_;
  const Schema schema_;
  Workers workers_;
  // Where the run stands. Parts keep what is theirs of it up to date, or write it down for a checkpoint.
  proto::RunState state_;
  proto::OnlineState online_;

  std::optional<RunDirectory> directory_;
  Admission admission_;
  ResumableStream stream_;
  std::unique_ptr<LabelQueue> queue_;
  MicroBatch micro_batch_;
  Learner learner_;
  RollbackPolicy policy_;
  BaseFollower follower_;
  Publisher publisher_;
  std::unique_ptr<OnlineReport> report_;
  std::optional<StreamFile> restored_;  // a checkpoint's rows, until the stream is open
  double checkpoint_at_ = 0;
  int64_t checkpoint_step_ = -1;
  bool learned_checkpoint_ = false;  // one was written since the first micro-batch
  int rows_ = 0;                     // since the last look at the clock
};

absl::StatusOr<OnlineSummary> OnlineRun::Learn() {
  TANDEM_RETURN_IF_ERROR(stream_.Check());
  TANDEM_RETURN_IF_ERROR(CheckDirectory());
  TANDEM_RETURN_IF_ERROR(TrainingMemory::OfStream(experiment_, workers_.size()).CheckStart());
  TANDEM_RETURN_IF_ERROR(Begin());
  OnlineSummary summary;
  TANDEM_ASSIGN_OR_RETURN(summary.stopped_by, Loop());
  summary.steps = state_.step();
  summary.rows_trained = state_.rows_trained();
  summary.rows_waiting = queue_->size() + micro_batch_.rows();
  summary.rollbacks = online_.rollbacks();
  summary.window = learner_.window().Compute(!experiment_.data().group_column().empty());
  TANDEM_ASSIGN_OR_RETURN(summary.checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  LogRows(state_, online_, summary.rows_waiting);
  return summary;
}

absl::Status OnlineRun::CheckDirectory() {
  TANDEM_ASSIGN_OR_RETURN(directory_, RunDirectory::Open(fs_, options_.run_dir, options_.resume));
  if (directory_->fresh()) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment before, ReadRunConfig(fs_, options_.run_dir));
  // The stream is known by what is in it: its file may have been moved.
  before.mutable_data()->set_path(experiment_.data().path());
  // A burst of malformed rows that ended the run may be accepted.
  const bool other_fraction = before.data().max_bad_fraction() != experiment_.data().max_bad_fraction();
  before.mutable_data()->set_max_bad_fraction(experiment_.data().max_bad_fraction());
  TANDEM_RETURN_IF_ERROR(CheckSameConfig(options_.run_dir, before, experiment_));
  return other_fraction ? WriteRunConfig(fs_, options_.run_dir, experiment_) : absl::OkStatus();
}

// A new run begins at its base; a resumed one at its newest checkpoint, unless a new base was published
// meanwhile.
absl::Status OnlineRun::Begin() {
  TANDEM_ASSIGN_OR_RETURN(const Base base, FindBase(fs_, options_.init_from));
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  if (checkpoint.empty() && !base.verdict.empty() && !options_.accept_poor_model)
    return PoorModelError(base.checkpoint, base.verdict);
  TANDEM_RETURN_IF_ERROR(checkpoint.empty() ? StartFrom(base) : Resume(checkpoint, base));
  TANDEM_RETURN_IF_ERROR(directory_->Claim(fs_));
  if (!directory_->fresh()) {
    TANDEM_RETURN_IF_ERROR(RemoveInterruptedWrites(fs_, options_.run_dir, {"checkpoints", "bundles"}));
  } else {
    TANDEM_RETURN_IF_ERROR(WriteRunConfig(fs_, options_.run_dir, experiment_));
  }
  TANDEM_ASSIGN_OR_RETURN(report_, OnlineReport::Open(fs_, clock_, options_.observer, experiment_,
                                                      options_.run_dir, state_, online_));
  checkpoint_at_ = clock_.Now();
  if (state_.base_id() != base.id) return SwitchBase(base);
  // A run that was killed may not have come to it. The base's own student is served until there is a better
  // one.
  return checkpoint.empty() ? Checkpoint(/*candidate=*/false) : Publish();
}

// The student of the base, and nothing known of the stream but where its days begin.
absl::Status OnlineRun::StartFrom(const Base& base) {
  const bool has_cut = base.cut.has_value() && !config_.time_column().empty();
  if (base.published && base.cut.has_value() && !has_cut) {
    return ConfigError(
        "init_from: ", options_.init_from, " was trained on days up to ", base.days.back(),
        "; online.time_column must name the samples' time, so that they aren't trained on twice");
  }
  TANDEM_ASSIGN_OR_RETURN(BaseStudent student, LoadBaseStudent(fs_, base, experiment_, kernels_));
  StartOver(base, student, has_cut, &state_, &online_);
  queue_ = std::make_unique<LabelQueue>(config_.label_delay(), config_.label_queue_rows());
  micro_batch_.Clear();
  learner_.ForgetWindow();
  policy_.Begin(state_.step());
  follower_.Taken();
  LOG(INFO) << "the student of " << base.checkpoint << (student.keeps_optimizer ? "" : ", optimizer anew")
            << (has_cut ? absl::StrCat("; samples up to ", base.days.back(), " are its own") : "");
  if (experiment_.embedding().expire_days() > 0) {
    LOG(INFO)
        << "embedding.expire_days: a stream has no days of the log, and no row goes; online.max_rows is the "
           "bound, and the base's own rows go where it is trained";
  }
  learner_.Take(std::move(student.model));
  return absl::OkStatus();
}

absl::Status OnlineRun::Resume(const std::string& checkpoint, const Base& base) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, VerifyAndReadExperiment(fs_, checkpoint));
  TANDEM_RETURN_IF_ERROR(
      CheckCheckpointConfig(experiment_, RunConfigPath(options_.run_dir), before, checkpoint));
  TANDEM_ASSIGN_OR_RETURN(OwnStudent student, LoadOwnStudent(fs_, checkpoint, experiment_, kernels_));
  TANDEM_ASSIGN_OR_RETURN(StreamFile rows, ReadStreamFile(fs_, checkpoint + kStreamFile));
  state_ = std::move(student.run);
  online_ = std::move(rows.state);
  const std::string kernels = TowerKernels(student.model->experiment().train(), kernels_).name();
  if (state_.kernels() != kernels) {
    LOG(WARNING) << checkpoint << " was trained with the kernels '" << state_.kernels() << "', this is '"
                 << kernels << "': results may differ in the last bits";
    state_.set_kernels(kernels);
  }
  if (base.id != state_.base_id()) {
    if (!follower_.follows()) {
      return ConfigError("init_from: ", base.checkpoint, " is another model than this run began with (",
                         state_.base_id(), "); a resumed run keeps its base");
    }
    // Its queue and window belong to a student that goes.
    return absl::OkStatus();
  }
  follower_.Taken();
  TANDEM_RETURN_IF_ERROR(learner_.RestoreWindow());
  policy_.Resume();
  learner_.Take(std::move(student.model));
  queue_ = std::make_unique<LabelQueue>(config_.label_delay(), config_.label_queue_rows());
  restored_ = std::move(rows);
  LOG(INFO) << "resuming from " << checkpoint << ", byte " << online_.offset() << " of the stream";
  return absl::OkStatus();
}

absl::Status OnlineRun::SwitchBase(const Base& base) {
  const int64_t offset = online_.offset();
  const int64_t numbers = online_.numbers();
  state_.set_step(state_.step() + 1);
  TANDEM_RETURN_IF_ERROR(StartFrom(base));
  online_.set_offset(offset);
  online_.set_numbers(numbers);
  RewindTo(base, &online_);
  TANDEM_RETURN_IF_ERROR(report_->NewBase(base.checkpoint));
  if (stream_.opened()) TANDEM_RETURN_IF_ERROR(OpenStream());
  return Checkpoint(/*candidate=*/false);
}

// Up to where the stream was left, with the rows that had been read and not trained on.
absl::Status OnlineRun::OpenStream() {
  TANDEM_ASSIGN_OR_RETURN(const bool open, stream_.Open());
  if (!open) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(admission_.Resume());
  if (!restored_.has_value()) return absl::OkStatus();
  for (WaitingRow& row : restored_->at_hand) TANDEM_RETURN_IF_ERROR(AddToMicroBatch(std::move(row)));
  for (WaitingRow& row : restored_->waiting) admission_.Readmit(&row);
  queue_->Restore(std::move(restored_->waiting), online_);
  restored_.reset();
  return absl::OkStatus();
}

// The life of a row: it is read and admitted, waits for its label, joins the micro-batch, is scored, and is
// trained on. To the end of the stream (0), or to a signal (its number); both leave a checkpoint.
absl::StatusOr<int> OnlineRun::Loop() {
  TANDEM_RETURN_IF_ERROR(OpenStream());
  while (!Stopped()) {
    bool idle = false;
    if (queue_->Ready(/*drain=*/stream_.over())) {
      TANDEM_RETURN_IF_ERROR(AddToMicroBatch(queue_->Take()));
    } else if (!stream_.over()) {
      TANDEM_ASSIGN_OR_RETURN(idle, ReadRow());
    } else {
      if (micro_batch_.rows() > 0) TANDEM_RETURN_IF_ERROR(TrainMicroBatch());
      if (!report_->HasStep()) TANDEM_RETURN_IF_ERROR(report_->Step(learner_, nullptr, queue_->size()));
      TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/false));
      return 0;
    }
    const bool due = micro_batch_.full() || micro_batch_.late();
    if (due) TANDEM_RETURN_IF_ERROR(TrainMicroBatch());
    if (due || idle || ++rows_ >= kRowsBetweenLooks) {
      rows_ = 0;
      report_->Where(queue_->size() + micro_batch_.rows());
    }
    if (due || idle) TANDEM_RETURN_IF_ERROR(BetweenMicroBatches());
  }
  // With the stream not yet open, the checkpoint that is there holds all.
  if (!restored_.has_value()) TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/false));
  return *options_.stop;
}

// True if there is nothing to read at the moment.
absl::StatusOr<bool> OnlineRun::ReadRow() {
  StreamRow raw;
  const absl::StatusOr<StreamReader::Event> event = stream_.Next(kWaitSeconds, &raw);
  if (!event.ok()) {
    // What was read before may not be there to be read again.
    TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/false));
    return event.status();
  }
  if (*event == StreamReader::Event::kWait) return true;
  if (*event == StreamReader::Event::kEnd) {
    TANDEM_RETURN_IF_ERROR(admission_.Finish());
    return false;
  }
  TANDEM_ASSIGN_OR_RETURN(std::optional<WaitingRow> row, admission_.Admit(raw));
  if (!row.has_value()) return false;
  if (config_.label_delay() == 0) {
    TANDEM_RETURN_IF_ERROR(AddToMicroBatch(*std::move(row)));
    return false;
  }
  if (queue_->Offer(*std::move(row))) online_.set_clicks_joined(online_.clicks_joined() + 1);
  report_->WrongTimes(options_.input, *queue_);
  return false;
}

absl::Status OnlineRun::AddToMicroBatch(WaitingRow row) {
  TANDEM_ASSIGN_OR_RETURN(const Batch* const sample, admission_.Sample(row));
  micro_batch_.Add(std::move(row), *sample);
  return absl::OkStatus();
}

absl::Status OnlineRun::TrainMicroBatch() {
  const int64_t rows_before = state_.rows_trained();
  const absl::StatusOr<LossTerms> losses = learner_.Learn(micro_batch_.batch());
  micro_batch_.Clear();
  if (!losses.ok()) {
    const bool diverged = absl::IsInternal(losses.status());  // rather than rows that can't be read
    return policy_.on() && diverged ? RollBack(std::string(losses.status().message())) : losses.status();
  }
  const int64_t every = config_.checkpoint_rows();
  const bool due = every > 0 && state_.rows_trained() / every > rows_before / every;
  if (due || state_.step() % experiment_.runtime().log_every_steps() == 0)
    TANDEM_RETURN_IF_ERROR(report_->Step(learner_, &*losses, queue_->size()));
  const RollbackPolicy::Judgement judged = policy_.Judge(learner_.window(), state_.rows_trained());
  // A roll-back writes a checkpoint of its own.
  if (judged.verdict == DriftGuard::Verdict::kRollBack) return RollBack(judged.why);
  if (judged.verdict == DriftGuard::Verdict::kAccept)
    TANDEM_RETURN_IF_ERROR(report_->Accepted(judged.logloss, judged.why));
  return due ? Checkpoint(/*candidate=*/true) : absl::OkStatus();
}

// Back to the last good student, as a step of its own; the stream goes on.
absl::Status OnlineRun::RollBack(const std::string& why) {
  const std::string good = StepDirectory(options_.run_dir, policy_.good_step());
  LOG(WARNING) << "step " << state_.step() << ": " << why << "; rolling back to " << good;
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs_, good));
  TANDEM_ASSIGN_OR_RETURN(OwnStudent student, LoadOwnStudent(fs_, good, experiment_, kernels_));
  TANDEM_ASSIGN_OR_RETURN(const proto::OnlineState then, ReadStreamState(fs_, good + kStreamFile));
  state_.set_step(state_.step() + 1);
  state_.set_student_optimizer_steps(student.run.student_optimizer_steps());
  online_.set_model_step(then.model_step());
  policy_.RolledBack();
  learner_.ForgetWindow();
  TANDEM_RETURN_IF_ERROR(report_->RolledBack(policy_.good_step(), why));
  learner_.Take(std::move(student.model));
  return Checkpoint(/*candidate=*/false);
}

absl::Status OnlineRun::BetweenMicroBatches() {
  const double seconds = learned_checkpoint_
                             ? config_.checkpoint_seconds()
                             : std::min(config_.checkpoint_seconds(), kFirstCheckpointSeconds);
  if (seconds > 0 && state_.step() > checkpoint_step_ && clock_.Now() - checkpoint_at_ >= seconds) {
    TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/config_.checkpoint_rows() == 0));
  }
  const std::optional<Base> base = follower_.Look(state_.base_id());
  return base.has_value() ? SwitchBase(*base) : absl::OkStatus();
}

absl::Status OnlineRun::Checkpoint(bool candidate) {
  if (candidate) policy_.Nominate(state_.step(), state_.rows_trained());
  learner_.Save();
  queue_->Save(&online_);
  policy_.Save();
  stream_.Save();
  TANDEM_RETURN_IF_ERROR(report_->Sync());
  TANDEM_RETURN_IF_ERROR(admission_.Sync());
  const std::string path = StepDirectory(options_.run_dir, state_.step());
  // One of the same step leads to the same: rows taken since are read again.
  if (!fs_.Exists(path)) {
    TANDEM_RETURN_IF_ERROR(
        SaveCheckpoint(fs_, path, learner_.model(), state_, DayProgress(), [&](const std::string& aside) {
          return WriteStreamFile(fs_, aside + kStreamFile, online_, micro_batch_.as_read(), queue_->rows());
        }));
    if (options_.observer != nullptr)
      TANDEM_RETURN_IF_ERROR(options_.observer->OnCheckpoint({state_.step(), path}));
  }
  checkpoint_at_ = clock_.Now();
  learned_checkpoint_ = learned_checkpoint_ || (checkpoint_step_ >= 0 && state_.step() > checkpoint_step_);
  checkpoint_step_ = state_.step();
  TANDEM_RETURN_IF_ERROR(Publish());
  return RemoveOldCheckpoints(fs_, options_.run_dir, experiment_.runtime().keep_checkpoints(),
                              policy_.KeptSteps());
}

absl::Status OnlineRun::Publish() {
  const std::string checkpoint = StepDirectory(options_.run_dir, policy_.ServedStep(state_.step()));
  const std::string bundle = "bundles" + checkpoint.substr(checkpoint.rfind('/'));
  TANDEM_RETURN_IF_ERROR(publisher_.Export(checkpoint, bundle));
  TANDEM_RETURN_IF_ERROR(publisher_.Point(bundle));
  return publisher_.KeepNewest(bundle, config_.keep_bundles());
}

}  // namespace

absl::StatusOr<OnlineSummary> LearnOnline(const proto::Experiment& experiment, const OnlineOptions& options) {
  return OnlineRun(experiment, options).Learn();
}

}  // namespace tandem
