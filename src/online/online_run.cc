#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "config/experiment.pb.h"
#include "src/data/id_hash.h"
#include "src/online/drift_guard.h"
#include "src/online/label_queue.h"
#include "src/online/score_window.h"
#include "src/online/stream_quarantine.h"
#include "src/online/stream_reader.h"
#include "src/train/run_directory.h"
#include "src/train/run_log.h"
#include "src/util/links.h"
#include "src/util/progress.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.h"
#include "tandem/export.h"
#include "tandem/feature_change.h"
#include "tandem/online.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/trainer.h"
#include "train/state.pb.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// How long the stream is waited for before something else gets a turn.
constexpr double kWaitSeconds = 0.05;
// Between two looks at whether a new base was published.
constexpr double kWatchSeconds = 1;
// Rows that are scored at a time.
constexpr int kTileRows = 128;
// Rows a record of stream.bin.
constexpr int kRowsPerRecord = 4096;
constexpr double kSecondsADay = 86400;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds since 1970 that no sample has: such a time is in milliseconds.
constexpr double kLatestTime = 1e11;
// Lines about times that were wrong.
constexpr int kTimeWarnings = 10;

// The cell of a line that the parser has taken.
absl::string_view Cell(absl::string_view line, char delimiter, int column) {
  for (; column > 0; --column) line.remove_prefix(line.find(delimiter) + 1);
  return line.substr(0, line.find(delimiter));
}

absl::Status WriteStream(FileSystem& fs, const std::string& path, const proto::OnlineState& state,
                         const std::vector<WaitingRow>& at_hand, const std::deque<WaitingRow>& waiting) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  TANDEM_RETURN_IF_ERROR(writer->Append(state.SerializeAsString()));
  proto::StreamRows rows;
  const auto flush = [&]() -> absl::Status {
    if (rows.row_size() == 0) return absl::OkStatus();
    absl::Status written = writer->Append(rows.SerializeAsString());
    rows.Clear();
    return written;
  };
  const auto add = [&](const WaitingRow& row) -> absl::Status {
    proto::StreamRows::Row& added = *rows.add_row();
    added.set_line(row.line);
    added.set_time(row.time);
    added.set_positive(row.positive);
    return rows.row_size() < kRowsPerRecord ? absl::OkStatus() : flush();
  };
  for (const WaitingRow& row : at_hand) TANDEM_RETURN_IF_ERROR(add(row));
  for (const WaitingRow& row : waiting) TANDEM_RETURN_IF_ERROR(add(row));
  TANDEM_RETURN_IF_ERROR(flush());
  return writer->Close();
}

// `rows` (may be null) gets those at hand, then those that wait.
absl::Status ReadStream(FileSystem& fs, const std::string& path, proto::OnlineState* state,
                        std::vector<WaitingRow>* rows) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  const auto bad = [&] {
    return ModelError(path, ": a stream's state of another version, or damaged. Nothing was loaded.");
  };
  if (!state->ParseFromArray(record.data(), static_cast<int>(record.size()))) return bad();
  if (rows == nullptr) return absl::OkStatus();
  const int64_t wanted = state->batch_rows() + state->waiting_rows();
  while (static_cast<int64_t>(rows->size()) < wanted) {
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    proto::StreamRows some;
    if (!some.ParseFromArray(record.data(), static_cast<int>(record.size()))) return bad();
    for (const proto::StreamRows::Row& row : some.row())
      rows->push_back({row.line(), row.time(), row.positive(), 0});
  }
  return reader->ExpectEnd();
}

class OnlineRun {
 public:
  OnlineRun(const proto::Experiment& experiment, const OnlineOptions& options)
      : experiment_(experiment),
        config_(experiment.online()),
        options_(options),
        schema_(experiment),
        workers_(experiment.runtime().threads()),
        quarantine_(fs_, options.run_dir + "/quarantine", options.input,
                    experiment.data().max_bad_fraction()),
        queue_(std::make_unique<LabelQueue>(config_.label_delay(), config_.label_queue_rows())),
        window_(config_.window_rows()),
        guard_(config_.guard_limit(), config_.guard_patience()),
        fields_(static_cast<int>(schema_.fields().size())),
        batch_(fields_),
        parsed_(fields_) {}

  absl::StatusOr<OnlineSummary> Learn();

 private:
  // A directory and what is in it.
  absl::Status CheckDirectory();
  absl::Status Begin();
  absl::Status StartFrom(const Base& base);
  absl::Status Resume(const std::string& checkpoint, const Base& base);
  absl::Status TakeModel(std::unique_ptr<DualModel> model);
  absl::Status SwitchBase(const Base& base);
  absl::Status WatchBase();

  // The stream.
  absl::Status CheckColumns();
  absl::Status OpenStream();
  absl::Status FindColumns(const std::vector<std::string>& columns);
  void WarnOfWrongTimes();
  absl::Status Consume(const StreamLine& line);
  void NoteDay(double time, const StreamLine& line);
  absl::Status AddRow(WaitingRow row);
  uint64_t KeyOf(absl::string_view line) const;

  // Learning.
  absl::Status Loop();
  absl::Status TrainBatch();
  void ScoreBatch();
  absl::Status Guard();
  absl::Status RollBack(const std::string& why);
  absl::Status Checkpoint(bool candidate);
  absl::Status Publish();
  absl::Status Report(const LossTerms* losses);

  bool Stopped() const { return options_.stop != nullptr && *options_.stop != 0; }
  bool IsLink() const { return !LinkTarget(options_.init_from).empty(); }
  bool Guarded() const { return config_.guard_limit() > 0; }
  std::string LogPath() const { return options_.run_dir + "/metrics.jsonl"; }

  const proto::Experiment& experiment_;
  const proto::Online& config_;
  const OnlineOptions& options_;
  FileSystem& fs_ = FileSystem::Default();
  std::optional<RunDirectory> directory_;
  const Schema schema_;
  Workers workers_;
  std::unique_ptr<DualModel> model_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<StreamReader> reader_;
  std::optional<RowParser> parser_;
  int time_column_ = -1;
  std::vector<int> key_columns_;
  StreamQuarantine quarantine_;
  std::unique_ptr<LabelQueue> queue_;
  ScoreWindow window_;
  DriftGuard guard_;
  proto::RunState state_;
  proto::OnlineState online_;
  const int fields_;
  Batch batch_;                      // the micro-batch at hand...
  std::vector<WaitingRow> at_hand_;  // ...and its rows as they were read
  Batch parsed_;                     // one row
  std::string detail_;
  std::vector<WaitingRow> restored_;  // of a checkpoint, until the stream is open: at hand, then waiting
  bool over_ = false;                 // the stream has ended

  // Of the model at hand: ids that others before it refused.
  int64_t refused_before_ = 0;
  std::string base_path_;       // where init_from led when the base was taken; "" where it is no link
  std::string announced_path_;  // that standard input can't follow
  double watched_at_ = 0, batch_began_ = 0, checkpoint_at_ = 0, reported_at_ = 0;
  int64_t wrong_times_ = 0;
  int64_t reported_rows_ = 0, checkpoint_step_ = -1, logged_step_ = -1;

  struct Scorer {
    AlignedFloats x;
    std::vector<float> linear;
    TowerWorkspace tower;
  };
  BatchRows rows_;
  std::vector<std::unique_ptr<Scorer>> scorers_;
  std::vector<float> logits_;
  OnlineSummary summary_;
};

absl::Status OnlineRun::CheckDirectory() {
  TANDEM_ASSIGN_OR_RETURN(directory_, RunDirectory::Open(fs_, options_.run_dir, options_.resume));
  if (directory_->fresh()) return absl::OkStatus();
  const std::string config_path = options_.run_dir + "/config.pbtxt";
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(config_path));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment before, ParseExperiment(text, config_path));
  // The stream is known by what is in it: its file may have been moved.
  before.mutable_data()->set_path(experiment_.data().path());
  // A burst of malformed rows that ended the run may be accepted.
  const bool other_fraction = before.data().max_bad_fraction() != experiment_.data().max_bad_fraction();
  before.mutable_data()->set_max_bad_fraction(experiment_.data().max_bad_fraction());
  const std::string difference = FirstDifference(before, experiment_, config_path, "the command line");
  if (!difference.empty()) return ConfigError("--resume: ", difference, "; a resumed run keeps its config");
  if (other_fraction)
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs_, config_path, ExperimentText(experiment_)));
  return absl::OkStatus();
}

absl::Status OnlineRun::TakeModel(std::unique_ptr<DualModel> model) {
  model_ = std::move(model);
  model_->embedding().set_max_rows(config_.max_rows());
  refused_before_ = online_.ids_refused();
  const TrainedParts parts = config_.train_embedding() ? TrainedParts::kAll : TrainedParts::kStudent;
  const TrainerClock clock{online_.model_step(), online_.model_step(), 0, state_.student_optimizer_steps()};
  trainer_ = std::make_unique<Trainer>(model_.get(), parts, clock, &workers_);
  scorers_.clear();
  for (int worker = 0; worker < workers_.size(); ++worker) {
    auto scorer = std::make_unique<Scorer>();
    scorer->x.resize(static_cast<size_t>(kTileRows) * fields_ * model_->embedding().dim());
    scorer->tower = model_->student().MakeWorkspace(kTileRows);
    if (model_->student().linear()) scorer->linear.resize(kTileRows);
    scorers_.push_back(std::move(scorer));
  }
  return absl::OkStatus();
}

// The student of the base, and nothing known of the stream but where its days begin.
absl::Status OnlineRun::StartFrom(const Base& base) {
  const bool has_cut = base.cut.has_value() && !config_.time_column().empty();
  if (base.published && base.cut.has_value() && !has_cut) {
    return ConfigError(
        "--init_from: ", options_.init_from, " was trained on days up to ", base.days.back(),
        "; online.time_column must name the samples' time, so that they aren't trained on twice");
  }
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, VerifyAndReadExperiment(fs_, base.checkpoint));
  if (before.model().method() == proto::TEACHER_ALONE)
    return ConfigError("--init_from: ", base.checkpoint,
                       " has a teacher only; a student is what learns online");
  const bool keeps_slots =
      !config_.reset_optimizer() &&
      before.train().optimizer().kind_case() == experiment_.train().optimizer().kind_case() &&
      before.embedding().optimizer().kind_case() == experiment_.embedding().optimizer().kind_case();
  auto model = std::make_unique<DualModel>(experiment_, *options_.kernels, /*trained=*/true);
  {
    const DualModel student(OnlineExperiment(before), *options_.kernels, /*trained=*/false);
    TANDEM_RETURN_IF_ERROR(CheckCanContinue(student, *model, keeps_slots));
    if (!SameOrder(student.schema(), model->schema())) {
      return ConfigError("the features differ from those of ", base.checkpoint,
                         "; an online student keeps its base's features");
    }
  }
  proto::RunState of_base;
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs_, base.checkpoint,
                                        keeps_slots ? EmbeddingLoad::kContinueServed : EmbeddingLoad::kServed,
                                        model.get(), &of_base, nullptr));
  const int64_t step = state_.step();
  state_.Clear();
  state_.set_step(step);
  state_.set_joint_steps(step);
  state_.set_student_optimizer_steps(keeps_slots ? of_base.student_optimizer_steps() : 0);
  state_.set_rows_trained(0);
  state_.set_kernels(options_.kernels->name());
  state_.set_base_id(base.id);
  for (const std::string& day : base.days) state_.add_day(day);
  proto::OnlineState fresh;
  fresh.mutable_day_start()->Swap(online_.mutable_day_start());
  if (has_cut) fresh.set_cut(*base.cut);
  fresh.set_good_step(step);
  online_ = std::move(fresh);
  window_.Clear();
  guard_.Reset();
  queue_ = std::make_unique<LabelQueue>(config_.label_delay(), config_.label_queue_rows());
  wrong_times_ = 0;
  batch_.Clear();
  at_hand_.clear();
  base_path_ = IsLink() ? FollowLink(options_.init_from) : "";
  LOG(INFO) << "the student of " << base.checkpoint << (keeps_slots ? "" : ", optimizer anew")
            << (has_cut ? absl::StrCat("; samples up to ", base.days.back(), " are its own") : "");
  return TakeModel(std::move(model));
}

absl::Status OnlineRun::Resume(const std::string& checkpoint, const Base& base) {
  TANDEM_RETURN_IF_ERROR(VerifyCheckpoint(fs_, checkpoint));
  auto model = std::make_unique<DualModel>(experiment_, *options_.kernels, /*trained=*/true);
  TANDEM_RETURN_IF_ERROR(
      LoadCheckpoint(fs_, checkpoint, EmbeddingLoad::kResume, model.get(), &state_, nullptr));
  std::vector<WaitingRow> rows;
  TANDEM_RETURN_IF_ERROR(ReadStream(fs_, checkpoint + "/stream.bin", &online_, &rows));
  if (state_.kernels() != options_.kernels->name()) {
    LOG(WARNING) << checkpoint << " was trained with the kernels '" << state_.kernels() << "', this is '"
                 << options_.kernels->name() << "': results may differ in the last bits";
    state_.set_kernels(options_.kernels->name());
  }
  if (base.id != state_.base_id()) {
    if (!IsLink()) {
      return ConfigError("--init_from: ", base.checkpoint, " is another model than this run began with (",
                         state_.base_id(), "); a resumed run keeps its base");
    }
    // Its queue and window belong to a student that goes.
    return absl::OkStatus();
  }
  base_path_ = IsLink() ? FollowLink(options_.init_from) : "";
  TANDEM_ASSIGN_OR_RETURN(const ScoreLog window, ScoreLog::Parse(online_.window()));
  for (int64_t row = 0; row < window.rows(); ++row) {
    window_.Add(window.probabilities()[row], window.labels()[row], window.weights()[row],
                window.groups()[row]);
  }
  guard_.Restore(
      online_.has_guard_reference() ? std::optional<double>(online_.guard_reference()) : std::nullopt,
      online_.rollbacks_in_a_row());
  TANDEM_RETURN_IF_ERROR(TakeModel(std::move(model)));
  restored_ = std::move(rows);
  LOG(INFO) << "resuming from " << checkpoint << ", byte " << online_.offset() << " of the stream";
  return absl::OkStatus();
}

// A new run begins at its base; a resumed one at its newest checkpoint, unless a new base was published
// meanwhile.
absl::Status OnlineRun::Begin() {
  TANDEM_ASSIGN_OR_RETURN(const Base base, FindBase(fs_, options_.init_from));
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  if (!checkpoint.empty()) {
    TANDEM_RETURN_IF_ERROR(Resume(checkpoint, base));
  } else {
    TANDEM_RETURN_IF_ERROR(StartFrom(base));
  }
  TANDEM_RETURN_IF_ERROR(directory_->Claim(fs_));
  if (!directory_->fresh()) {
    TANDEM_RETURN_IF_ERROR(RemoveInterruptedWrites(fs_, options_.run_dir, {"checkpoints", "bundles"}));
  } else {
    TANDEM_RETURN_IF_ERROR(
        WriteFileAtomically(fs_, options_.run_dir + "/config.pbtxt", ExperimentText(experiment_)));
  }
  TANDEM_ASSIGN_OR_RETURN(log_, RunLog::Open(fs_, LogPath(), state_.step(), std::numeric_limits<int>::max()));
  TANDEM_ASSIGN_OR_RETURN(const std::string log, fs_.ReadFile(LogPath()));
  const size_t last_line = log.rfind("\n{\"step\":", log.size());
  const absl::string_view last =
      absl::string_view(log).substr(last_line == std::string::npos ? 0 : last_line + 1);
  if (absl::StrContains(last, "\"window\":") &&
      absl::StartsWith(last, absl::StrCat("{\"step\":", state_.step(), ",")))
    logged_step_ = state_.step();
  checkpoint_at_ = reported_at_ = Now();
  if (state_.base_id() != base.id) return SwitchBase(base);
  reported_rows_ = state_.rows_trained();
  // A run that was killed may not have come to it. The base's own student is served until there is a better
  // one.
  return checkpoint.empty() ? Checkpoint(/*candidate=*/false) : Publish();
}

absl::Status OnlineRun::SwitchBase(const Base& base) {
  const int64_t offset = online_.offset();
  const int64_t lines = online_.lines();
  state_.set_step(state_.step() + 1);
  TANDEM_RETURN_IF_ERROR(StartFrom(base));
  online_.set_offset(offset);
  online_.set_lines(lines);
  restored_.clear();
  if (base.cut.has_value()) {
    // The first row that isn't the base's lies where a day after the cut was first met, or further on.
    for (const proto::OnlineState::DayStart& day : online_.day_start()) {
      if (day.time() < *base.cut) continue;
      online_.set_offset(day.offset());
      online_.set_lines(day.lines());
      break;
    }
  }
  Json line;
  line["step"] = state_.step();
  line["event"] = "base";
  line["base"] = base.id;
  line["offset"] = online_.offset();
  TANDEM_RETURN_IF_ERROR(log_->LogLine(line.dump()));
  LOG(INFO) << "a new base, " << base.checkpoint << ": starting over from it at byte " << online_.offset()
            << " of the stream";
  reported_rows_ = 0;
  over_ = false;
  if (reader_ != nullptr) TANDEM_RETURN_IF_ERROR(OpenStream());
  return Checkpoint(/*candidate=*/false);
}

// Between micro-batches: whether init_from leads elsewhere than it did.
absl::Status OnlineRun::WatchBase() {
  if (base_path_.empty() || Now() - watched_at_ < kWatchSeconds) return absl::OkStatus();
  watched_at_ = Now();
  const std::string path = FollowLink(options_.init_from);
  if (path == base_path_ || path == announced_path_) return absl::OkStatus();
  if (options_.input == "-") {
    announced_path_ = path;
    LOG(WARNING)
        << options_.init_from << " leads to " << path
        << " now; standard input can't be read again from its cut: --resume, fed the whole stream, takes it";
    return absl::OkStatus();
  }
  const absl::StatusOr<Base> base = FindBase(fs_, options_.init_from);
  if (!base.ok()) {
    LOG(WARNING) << "the new base can't be read, trying again: " << base.status().message();
    return absl::OkStatus();
  }
  if (base->id != state_.base_id()) return SwitchBase(*base);
  base_path_ = path;
  return absl::OkStatus();
}

absl::Status OnlineRun::FindColumns(const std::vector<std::string>& columns) {
  TANDEM_ASSIGN_OR_RETURN(parser_, RowParser::Create(schema_, columns, RowUse::kTrain, options_.input));
  const auto find = [&](const std::string& column, const char* why) -> absl::StatusOr<int> {
    const auto found = std::find(columns.begin(), columns.end(), column);
    if (found == columns.end())
      return DataError(options_.input, ": no column '", column, "' (", why, ")", DidYouMean(column, columns));
    return static_cast<int>(found - columns.begin());
  };
  if (!config_.time_column().empty()) {
    TANDEM_ASSIGN_OR_RETURN(time_column_, find(config_.time_column(), "online.time_column"));
  }
  key_columns_.clear();
  for (const std::string& key : schema_.key_columns) {
    if (config_.label_delay() == 0) break;
    TANDEM_ASSIGN_OR_RETURN(const int column, find(key, "data.key_columns"));
    key_columns_.push_back(column);
  }
  return absl::OkStatus();
}

// Before anything is written: a file that lacks a column can be told at once.
absl::Status OnlineRun::CheckColumns() {
  if (!schema_.header) return FindColumns(schema_.columns);
  if (options_.input == "-") return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(
      const std::unique_ptr<StreamReader> reader,
      StreamReader::Open(options_.input, options_.follow, schema_.max_line_bytes, options_.stop));
  StreamLine line;
  TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader->Next(/*wait_seconds=*/0, &line));
  if (event != StreamReader::Event::kLine) return absl::OkStatus();
  return FindColumns(absl::StrSplit(line.text, schema_.delimiter));
}

// Reads the header, and up to where the stream was left.
absl::Status OnlineRun::OpenStream() {
  parser_.reset();
  TANDEM_ASSIGN_OR_RETURN(
      reader_, StreamReader::Open(options_.input, options_.follow, schema_.max_line_bytes, options_.stop));
  std::string header;
  std::vector<std::string> columns = schema_.columns;
  if (schema_.header) {
    StreamLine line;
    for (;;) {
      TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader_->Next(kWaitSeconds, &line));
      if (event == StreamReader::Event::kLine) break;
      if (event == StreamReader::Event::kEnd) over_ = true;
      if (over_ || Stopped()) return absl::OkStatus();
    }
    header = std::string(line.text);
    columns = absl::StrSplit(header, schema_.delimiter);
  }
  TANDEM_RETURN_IF_ERROR(FindColumns(columns));
  if (online_.offset() > reader_->offset()) {
    const std::optional<uint64_t> hash =
        online_.has_stream_hash() ? std::optional<uint64_t>(online_.stream_hash()) : std::nullopt;
    TANDEM_RETURN_IF_ERROR(reader_->SkipTo(online_.offset(), online_.lines(), hash));
  }
  TANDEM_RETURN_IF_ERROR(quarantine_.Resume(header, &online_));
  const auto waiting =
      restored_.begin() + static_cast<int64_t>(std::min<size_t>(restored_.size(), online_.batch_rows()));
  for (auto row = restored_.begin(); row != waiting; ++row) TANDEM_RETURN_IF_ERROR(AddRow(std::move(*row)));
  std::vector<WaitingRow> rows(std::make_move_iterator(waiting), std::make_move_iterator(restored_.end()));
  for (WaitingRow& row : rows) row.key = KeyOf(row.line);
  if (!rows.empty() || online_.has_watermark() || online_.has_doubted_time()) {
    queue_->Restore(
        std::move(rows), online_.has_watermark() ? online_.watermark() : LabelQueue::kNoTime,
        online_.released_early(),
        online_.has_doubted_time() ? std::optional<double>(online_.doubted_time()) : std::nullopt);
  }
  restored_.clear();
  return absl::OkStatus();
}

uint64_t OnlineRun::KeyOf(absl::string_view line) const {
  std::string key;
  for (const int column : key_columns_) {
    absl::StrAppend(&key, Cell(line, schema_.delimiter, column));
    key += schema_.delimiter;
  }
  return IdHash(0, key);
}

// The first row of a day later than all before it.
void OnlineRun::NoteDay(double time, const StreamLine& line) {
  const double day = std::floor(time / kSecondsADay) * kSecondsADay;
  if (online_.day_start_size() > 0 && day <= online_.day_start().rbegin()->time()) return;
  proto::OnlineState::DayStart& start = *online_.add_day_start();
  start.set_time(day);
  start.set_offset(line.begin);
  start.set_lines(line.number - 1);
}

// A time far ahead of the rows before and after it was none.
void OnlineRun::WarnOfWrongTimes() {
  for (; wrong_times_ < queue_->times_wrong(); ++wrong_times_) {
    if (wrong_times_ >= kTimeWarnings) continue;
    LOG(WARNING) << options_.input << ": a time, " << absl::StrFormat("%.0f", queue_->last_wrong())
                 << ", far ahead of the rows before and after it; its row waits as one of theirs"
                 << (wrong_times_ + 1 == kTimeWarnings ? " (not said again)" : "");
  }
}

absl::Status OnlineRun::Consume(const StreamLine& line) {
  online_.set_offset(line.end);
  online_.set_lines(line.number);
  if (line.too_long) {
    return quarantine_.BadRow(line.number, RowFault::kLineTooLong, "longer than data.max_line_bytes",
                              line.text);
  }
  parsed_.Clear();
  const RowFault fault = parser_->Parse(line.text, &parsed_, &detail_);
  if (fault != RowFault::kNone) return quarantine_.BadRow(line.number, fault, detail_, line.text);
  WaitingRow row;
  if (time_column_ >= 0) {
    const absl::string_view cell = Cell(line.text, schema_.delimiter, time_column_);
    const std::from_chars_result read = std::from_chars(cell.data(), cell.data() + cell.size(), row.time);
    if (read.ec != std::errc() || read.ptr != cell.data() + cell.size() || !std::isfinite(row.time)) {
      return quarantine_.BadRow(line.number, RowFault::kNumber,
                                absl::StrCat("the time in '", config_.time_column(), "' is not a number"),
                                line.text);
    }
    if (row.time > kLatestTime) {
      return quarantine_.BadRow(line.number, RowFault::kNumber,
                                absl::StrCat("the time in '", config_.time_column(),
                                             "' is not in seconds since 1970 (milliseconds?)"),
                                line.text);
    }
    NoteDay(row.time, line);
    if (online_.has_cut() && row.time < online_.cut()) {
      online_.set_rows_before_cut(online_.rows_before_cut() + 1);
      return absl::OkStatus();
    }
  }
  if (!parsed_.labelled()) {
    online_.set_rows_unlabelled(online_.rows_unlabelled() + 1);
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(quarantine_.GoodRow());
  row.line = std::string(line.text);
  row.positive = parsed_.labels[0] > 0;
  if (config_.label_delay() == 0) return AddRow(std::move(row));
  row.key = KeyOf(line.text);
  if (queue_->Offer(std::move(row))) online_.set_clicks_joined(online_.clicks_joined() + 1);
  WarnOfWrongTimes();
  return absl::OkStatus();
}

// To the micro-batch.
absl::Status OnlineRun::AddRow(WaitingRow row) {
  parsed_.Clear();
  const RowFault fault = parser_->Parse(row.line, &parsed_, &detail_);
  if (fault != RowFault::kNone)
    return ModelError("a row of the checkpoint's stream can't be read: ", detail_);
  parsed_.labels[0] = row.positive ? 1 : 0;
  if (batch_.rows() == 0) batch_began_ = Now();
  batch_.AppendRow(parsed_, 0);
  at_hand_.push_back(std::move(row));
  return absl::OkStatus();
}

absl::StatusOr<OnlineSummary> OnlineRun::Learn() {
  TANDEM_RETURN_IF_ERROR(
      StreamReader::Open(options_.input, options_.follow, schema_.max_line_bytes, options_.stop).status());
  TANDEM_RETURN_IF_ERROR(CheckDirectory());
  TANDEM_RETURN_IF_ERROR(CheckColumns());
  TANDEM_RETURN_IF_ERROR(Begin());
  TANDEM_RETURN_IF_ERROR(Loop());
  summary_.steps = state_.step();
  summary_.rows_trained = state_.rows_trained();
  summary_.rows_waiting = queue_->size() + batch_.rows();
  summary_.rollbacks = online_.rollbacks();
  summary_.window = window_.Compute(!experiment_.data().group_column().empty());
  TANDEM_ASSIGN_OR_RETURN(summary_.checkpoint, NewestCheckpoint(fs_, options_.run_dir));
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  for (int fault = 0; fault < online_.rows_bad_size(); ++fault)
    bad += by_fault[fault] = online_.rows_bad(fault);
  LOG(INFO) << FormatCount(online_.rows_before_cut() + online_.rows_good() + online_.rows_unlabelled() + bad)
            << " rows read = " << FormatCount(state_.rows_trained()) << " trained + "
            << FormatCount(summary_.rows_waiting) << " waiting + " << FormatCount(online_.clicks_joined())
            << " clicks joined + " << FormatCount(online_.rows_before_cut()) << " known to the base + "
            << (online_.rows_unlabelled() > 0
                    ? absl::StrCat(FormatCount(online_.rows_unlabelled()), " without a label + ")
                    : "")
            << FormatCount(bad) << " quarantined"
            << (bad > 0 ? absl::StrCat(" (", FaultCounts(by_fault), ")") : "");
  if (online_.released_early() > 0)
    LOG(WARNING) << FormatCount(online_.released_early())
                 << " rows went before their label's time (online.label_queue_rows)";
  if (online_.ids_refused() > 0)
    LOG(WARNING) << FormatCount(online_.ids_refused())
                 << " occurrences of new ids were served by default rows (online.max_rows)";
  return summary_;
}

absl::Status OnlineRun::Loop() {
  TANDEM_RETURN_IF_ERROR(OpenStream());
  for (;;) {
    if (Stopped()) {
      summary_.stopped_by = *options_.stop;
      // With the stream not yet open, the checkpoint that is there holds all.
      return restored_.empty() ? Checkpoint(/*candidate=*/false) : absl::OkStatus();
    }
    bool idle = false;
    if (queue_->Ready(over_)) {
      TANDEM_RETURN_IF_ERROR(AddRow(queue_->Take()));
    } else if (over_) {
      if (batch_.rows() > 0) TANDEM_RETURN_IF_ERROR(TrainBatch());
      break;
    } else {
      StreamLine line;
      const absl::StatusOr<StreamReader::Event> event = reader_->Next(kWaitSeconds, &line);
      if (!event.ok()) {
        // What was read before may not be there to be read again.
        TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/false));
        return event.status();
      }
      if (*event == StreamReader::Event::kLine) TANDEM_RETURN_IF_ERROR(Consume(line));
      if (*event == StreamReader::Event::kEnd) {
        over_ = true;
        TANDEM_RETURN_IF_ERROR(quarantine_.Judge());
      }
      idle = *event == StreamReader::Event::kWait;
    }
    const bool full = batch_.rows() >= config_.batch_rows();
    const bool late = batch_.rows() > 0 && config_.max_delay_seconds() > 0 &&
                      Now() - batch_began_ >= config_.max_delay_seconds();
    if (full || late) TANDEM_RETURN_IF_ERROR(TrainBatch());
    if (!full && !late && !idle) continue;
    if (config_.checkpoint_seconds() > 0 && state_.step() > checkpoint_step_ &&
        Now() - checkpoint_at_ >= config_.checkpoint_seconds()) {
      TANDEM_RETURN_IF_ERROR(Checkpoint(/*candidate=*/config_.checkpoint_rows() == 0));
    }
    TANDEM_RETURN_IF_ERROR(WatchBase());
  }
  if (logged_step_ != state_.step()) TANDEM_RETURN_IF_ERROR(Report(nullptr));
  return Checkpoint(/*candidate=*/false);
}

// What a server with the student as it is would answer.
void OnlineRun::ScoreBatch() {
  const int rows = batch_.rows();
  const int row_floats = fields_ * model_->embedding().dim();
  model_->embedding().Lookup(batch_, &rows_);
  logits_.resize(rows);
  workers_.ForEach((rows + kTileRows - 1) / kTileRows, [&](int tile, int worker) {
    Scorer& scorer = *scorers_[worker];
    const int first = tile * kTileRows;
    const Matrix x{scorer.x.data(), std::min(kTileRows, rows - first), row_floats, row_floats};
    LinearSums linear;
    if (!scorer.linear.empty()) linear.student = scorer.linear.data();
    model_->embedding().Gather(batch_, rows_, first, x, linear);
    model_->student().Forward(x, linear.student, nullptr, &scorer.tower, logits_.data() + first);
  });
  for (int row = 0; row < rows; ++row) {
    window_.Add(static_cast<float>(Sigmoid(logits_[row])), batch_.labels[row], batch_.weights[row],
                batch_.groups[row]);
  }
}

absl::Status OnlineRun::TrainBatch() {
  ScoreBatch();
  const absl::StatusOr<const StepResult*> result = trainer_->Step(batch_);
  const int64_t rows_before = state_.rows_trained();
  state_.set_rows_trained(rows_before + batch_.rows());
  state_.set_step(state_.step() + 1);
  batch_.Clear();
  at_hand_.clear();
  if (!result.ok()) return Guarded() ? RollBack(std::string(result.status().message())) : result.status();
  state_.set_joint_steps(state_.step());
  state_.set_student_optimizer_steps(trainer_->clock().student_updates);
  online_.set_model_step(trainer_->clock().step);
  online_.set_ids_refused(refused_before_ + model_->embedding().ids_refused());
  const bool due = config_.checkpoint_rows() > 0 && state_.rows_trained() / config_.checkpoint_rows() >
                                                        rows_before / config_.checkpoint_rows();
  if (due || state_.step() % experiment_.runtime().log_every_steps() == 0)
    TANDEM_RETURN_IF_ERROR(Report(&(*result)->terms));
  const int64_t step = state_.step();
  if (Guarded() && window_.full()) TANDEM_RETURN_IF_ERROR(Guard());
  // A roll-back writes a checkpoint of its own.
  return due && step == state_.step() ? Checkpoint(/*candidate=*/true) : absl::OkStatus();
}

absl::Status OnlineRun::Guard() {
  const double logloss = window_.LogLoss();
  const double unlearned = window_.LabelEntropy();
  const double reference = guard_.reference().value_or(unlearned);
  switch (guard_.Check(logloss, unlearned)) {
    case DriftGuard::Verdict::kRollBack:
      return RollBack(absl::StrFormat(
          "log loss %.5f over the window, %.5f %s", logloss, reference,
          guard_.reference().has_value() ? "in the last good one" : "of the click rate alone"));
    case DriftGuard::Verdict::kAccept: {
      LOG(WARNING) << absl::StrFormat(
          "log loss %.5f over the window after %d roll-backs in a row: accepted as the new level", logloss,
          config_.guard_patience());
      Json line;
      line["step"] = state_.step();
      line["event"] = "accepted";
      line["logloss"] = logloss;
      return log_->LogLine(line.dump());
    }
    case DriftGuard::Verdict::kGood:
      if (online_.has_candidate_step() &&
          state_.rows_trained() - online_.candidate_rows() >= config_.window_rows()) {
        online_.set_good_step(online_.candidate_step());
        online_.clear_candidate_step();
        online_.clear_candidate_rows();
        guard_.Confirm(logloss);
      }
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status OnlineRun::RollBack(const std::string& why) {
  const std::string good = StepDirectory(options_.run_dir, online_.good_step());
  LOG(WARNING) << "step " << state_.step() << ": " << why << "; rolling back to " << good;
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs_, good));
  auto model = std::make_unique<DualModel>(experiment_, *options_.kernels, /*trained=*/true);
  proto::RunState then;
  proto::OnlineState online_then;
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs_, good, EmbeddingLoad::kResume, model.get(), &then, nullptr));
  TANDEM_RETURN_IF_ERROR(ReadStream(fs_, good + "/stream.bin", &online_then, nullptr));
  state_.set_step(state_.step() + 1);
  state_.set_student_optimizer_steps(then.student_optimizer_steps());
  online_.set_model_step(online_then.model_step());
  online_.clear_candidate_step();
  online_.clear_candidate_rows();
  online_.set_rollbacks(online_.rollbacks() + 1);
  window_.Clear();
  Json line;
  line["step"] = state_.step();
  line["event"] = "rollback";
  line["to"] = online_.good_step();
  line["why"] = why;
  TANDEM_RETURN_IF_ERROR(log_->LogLine(line.dump()));
  TANDEM_RETURN_IF_ERROR(TakeModel(std::move(model)));
  return Checkpoint(/*candidate=*/false);
}

// {"step":..,"rows":..,"offset":..,"window":{..},...}; `losses` of the last micro-batch, null where there was
// none since.
absl::Status OnlineRun::Report(const LossTerms* losses) {
  const double now = Now();
  const double rate =
      static_cast<double>(state_.rows_trained() - reported_rows_) / std::max(1e-9, now - reported_at_);
  reported_at_ = now;
  reported_rows_ = state_.rows_trained();
  logged_step_ = state_.step();
  const bool with_groups = !experiment_.data().group_column().empty();
  const Metrics metrics = window_.Compute(with_groups);
  Json line;
  line["step"] = state_.step();
  line["rows"] = state_.rows_trained();
  line["offset"] = online_.offset();
  if (losses != nullptr) line["loss"] = losses->student_label;
  line["window"] = Json::parse(MetricsToJson(metrics));
  line["window"]["rows"] = window_.rows();
  line["waiting"] = queue_->size();
  line["embedding_rows"] = model_->embedding().rows();
  line["ids_refused"] = online_.ids_refused();
  line["rollbacks"] = online_.rollbacks();
  line["rows_per_second"] = rate;
  const auto text = [](const std::optional<double>& value) {
    return value.has_value() ? absl::StrFormat("%.4f", *value) : std::string("undefined");
  };
  LOG(INFO) << "step " << state_.step() << ": " << FormatCount(state_.rows_trained()) << " rows; last "
            << FormatCount(window_.rows()) << ": AUC " << text(metrics.auc) << ", log loss "
            << text(metrics.logloss) << ", COPC " << text(metrics.copc);
  return log_->LogLine(line.dump());
}

absl::Status OnlineRun::Checkpoint(bool candidate) {
  if (candidate && Guarded() && !online_.has_candidate_step()) {
    online_.set_candidate_step(state_.step());
    online_.set_candidate_rows(state_.rows_trained());
  }
  online_.set_window(window_.Log().Serialize());
  online_.set_batch_rows(static_cast<int64_t>(at_hand_.size()));
  online_.set_waiting_rows(queue_->size());
  if (queue_->clock() > LabelQueue::kNoTime) online_.set_watermark(queue_->clock());
  online_.clear_doubted_time();
  if (queue_->doubted().has_value()) online_.set_doubted_time(*queue_->doubted());
  online_.set_released_early(queue_->released_early());
  if (guard_.reference().has_value()) {
    online_.set_guard_reference(*guard_.reference());
  } else {
    online_.clear_guard_reference();
  }
  online_.set_rollbacks_in_a_row(guard_.rollbacks_in_a_row());
  online_.clear_stream_hash();
  if (reader_ != nullptr && reader_->offset() == online_.offset() && reader_->Hash().has_value())
    online_.set_stream_hash(*reader_->Hash());
  TANDEM_RETURN_IF_ERROR(log_->Sync());
  TANDEM_RETURN_IF_ERROR(quarantine_.Sync());
  const std::string path = StepDirectory(options_.run_dir, state_.step());
  // One of the same step leads to the same: rows taken since are read again.
  if (!fs_.Exists(path)) {
    TANDEM_RETURN_IF_ERROR(
        SaveCheckpoint(fs_, path, *model_, state_, DayProgress(), [&](const std::string& aside) {
          return WriteStream(fs_, aside + "/stream.bin", online_, at_hand_, queue_->rows());
        }));
  }
  checkpoint_at_ = Now();
  checkpoint_step_ = state_.step();
  TANDEM_RETURN_IF_ERROR(Publish());
  std::vector<int64_t> kept;
  if (Guarded()) kept.push_back(online_.good_step());
  if (online_.has_candidate_step()) kept.push_back(online_.candidate_step());
  return RemoveOldCheckpoints(fs_, options_.run_dir, experiment_.runtime().keep_checkpoints(), kept);
}

// Exports the newest checkpoint, points `published` at the bundle, and removes old ones. While the guard
// rolls back, the last good one instead: what has been learned since has yet to prove good.
absl::Status OnlineRun::Publish() {
  const int64_t step = guard_.rollbacks_in_a_row() > 0 ? online_.good_step() : state_.step();
  const std::string checkpoint = StepDirectory(options_.run_dir, step);
  const std::string name = checkpoint.substr(checkpoint.rfind('/') + 1);
  const std::string bundles = options_.run_dir + "/bundles";
  TANDEM_RETURN_IF_ERROR(fs_.CreateDirectories(bundles));
  const std::string bundle = absl::StrCat(bundles, "/", name);
  if (!fs_.Exists(bundle)) {
    ExportOptions options;
    options.kernels = options_.kernels;
    TANDEM_RETURN_IF_ERROR(ExportBundle(fs_, checkpoint, bundle, options).status());
  }
  const std::string link = options_.run_dir + "/published";
  const std::string target = absl::StrCat("bundles/", name);
  if (LinkTarget(link) != target) TANDEM_RETURN_IF_ERROR(PointLink(link, target));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(bundles));
  std::vector<std::pair<int64_t, std::string>> others;
  for (const std::string& other : names) {
    absl::string_view number = other;
    int64_t of_other = 0;
    if (other != name && absl::ConsumePrefix(&number, "step-") && absl::SimpleAtoi(number, &of_other))
      others.emplace_back(of_other, other);
  }
  std::sort(others.begin(), others.end());
  for (int old = 0; old + config_.keep_bundles() - 1 < static_cast<int>(others.size()); ++old) {
    TANDEM_RETURN_IF_ERROR(RemoveDirectory(fs_, absl::StrCat(bundles, "/", others[old].second)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OnlineSummary> LearnOnline(const proto::Experiment& experiment, const OnlineOptions& options) {
  OnlineOptions resolved = options;
  resolved.kernels = &KernelsOrBest(options.kernels);
  return OnlineRun(experiment, resolved).Learn();
}

}  // namespace tandem
