#include "tandem/batch_source.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "absl/strings/str_join.h"
#include "src/data/packed_rows.h"
#include "src/util/profile.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/quarantine.h"
#include "tandem/random.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// Events that wait for the trainer at most.
constexpr size_t kReadAhead = 16;
// Rows that are read at a time where nothing is shuffled.
constexpr int kUnshuffledRows = 65536;

int RoundedUp(int rows, int batch) { return (rows + batch - 1) / batch * batch; }

// A thread parses some million rows a second, as many as dozens train on.
constexpr int kTrainingThreadsAParser = 16;

int Parsers(const proto::Experiment& experiment) {
  return 1 + ThreadsOf(experiment.runtime().threads()) / kTrainingThreadsAParser;
}

// Fisher-Yates (Durstenfeld 1964), a draw a place.
void Permute(const Random& random, std::vector<int>* order) {
  for (int i = static_cast<int>(order->size()) - 1; i > 0; --i) {
    std::swap((*order)[i], (*order)[static_cast<int>(random.UniformDouble(i) * (i + 1))]);
  }
}

}  // namespace

class BatchSource::Reader {
 public:
  Reader(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema, std::vector<Day> days,
         const std::string& quarantine_directory, const LogPosition& start, const RowChoice& choice,
         DayWatch* watch)
      : fs_(fs),
        format_(MakeSampleFormat(experiment.data())),
        train_(experiment.train()),
        schema_(schema),
        days_(std::move(days)),
        block_rows_(RoundedUp(train_.shuffle_rows() > 0 ? train_.shuffle_rows() : kUnshuffledRows,
                              train_.batch_size())),
        quarantine_directory_(quarantine_directory),
        max_bad_fraction_(experiment.data().max_bad_fraction()),
        start_(start),
        choice_(choice),
        watch_(watch),
        workers_(Parsers(experiment)),
        labelled_(static_cast<int>(schema.fields().size())),
        unlabelled_(static_cast<int>(schema.fields().size())),
        rows_without_label_(static_cast<int>(schema.fields().size())),
        carry_(static_cast<int>(schema.fields().size())),
        thread_([this] { Run(); }) {}

  ~Reader() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  absl::StatusOr<const LogEvent*> Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (current_ != nullptr) free_.push_back(std::move(current_));
    changed_.wait(lock, [&] { return taken_ < emitted_ || !status_.ok() || finished_; });
    if (taken_ < emitted_) {
      current_ = std::move(ready_[taken_++ % kReadAhead]);
      changed_.notify_all();
      return current_.get();
    }
    if (!status_.ok()) return status_;
    current_ = std::make_unique<LogEvent>();
    return current_.get();
  }

 private:
  void Run() {
    absl::Status status;
    for (int pass = start_.pass; status.ok() && pass < train_.epochs(); ++pass) {
      // What is left of a day goes on in the next: the days before are read again for it.
      const int first_day = pass == start_.pass && !crosses_days() ? start_.day : 0;
      carry_.Clear();
      for (int day = first_day; status.ok() && day < static_cast<int>(days_.size()); ++day)
        status = ReadDay(pass, day);
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      status_ = status;
      finished_ = true;
    }
    changed_.notify_all();
  }

  // Rows of a day, all with a label or all without, from which blocks are made.
  struct Kind {
    explicit Kind(int fields) : rows(fields) {}
    PackedRows rows;
    std::vector<int> order;
    int block = 0;          // of the day, of this kind
    bool complete = false;  // the rows belong to the block at hand
  };

  absl::Status ReadDay(int pass, int day) {
    if (watch_ != nullptr) TANDEM_RETURN_IF_ERROR(watch_->Begin(days_[day]));
    Quarantine quarantine(fs_, quarantine_directory_, max_bad_fraction_);
    DayReader reader(fs_, *format_, schema_, RowUse::kTrain, days_[day].files,
                     pass == 0 && !(pass == start_.pass && day < start_.day) ? &quarantine : nullptr,
                     &workers_, choice_);
    const bool resumed = pass == start_.pass && day == start_.day;
    const bool passed_over = pass == start_.pass && day < start_.day;
    BeginDay(day);
    int64_t batches = 0;
    int skipped = resumed ? start_.batch : 0;
    int block = 0;
    for (;; ++block) {
      TANDEM_RETURN_IF_ERROR(ReadBlock(&reader));
      const int batches_of_block = Batches(labelled_) + Batches(unlabelled_);
      if (batches_of_block == 0) break;
      batches += batches_of_block;
      if (passed_over || (resumed && block < start_.block)) {
        KeepRest(pass, day);
        continue;
      }
      if (skipped < batches_of_block && !EmitBlock(pass, day, block, skipped))
        return absl::CancelledError("the reader was stopped");
      KeepRest(pass, day);
      skipped = std::max(0, skipped - batches_of_block);
    }
    KeepRest(pass, day);
    if (resumed && (block < start_.block || skipped > 0)) {
      return DataError(absl::StrJoin(days_[day].files, ", "),
                       ": ends before the place that the run had come to; a "
                       "resumed run needs the log it began with");
    }
    if (watch_ != nullptr) TANDEM_RETURN_IF_ERROR(watch_->End(days_[day]));
    if (passed_over) return absl::OkStatus();
    std::unique_ptr<LogEvent> event = Take(LogEvent::kDayEnd, pass, day);
    event->batch.Clear();
    event->next = day + 1 < static_cast<int>(days_.size()) ? LogPosition{pass, day + 1, 0, 0}
                                                           : LogPosition{pass + 1, 0, 0, 0};
    event->day_rows.good = quarantine.rows_read() - quarantine.rows_bad();
    event->day_rows.unlabelled = unlabelled_rows_;
    event->day_rows.held_out = reader.held_out();
    event->day_rows.bad = quarantine.by_fault();
    event->day_batches = batches;
    return Emit(std::move(event)) ? absl::OkStatus() : absl::CancelledError("the reader was stopped");
  }

  bool crosses_days() const { return train_.batches_cross_days(); }

  void BeginDay(int day) {
    for (Kind* kind : {&labelled_, &unlabelled_}) {
      kind->rows.Clear();
      kind->block = 0;
      kind->complete = false;
    }
    block_labels_ = LabelSums();
    unlabelled_rows_ = 0;
    day_over_ = false;
    keeps_rest_ = crosses_days() && day + 1 < static_cast<int>(days_.size());
    if (carry_.rows() == 0) return;
    labelled_.rows.Append(carry_);
    AddLabels(carry_);
    carry_.Clear();
  }

  void AddLabels(const Batch& rows) {
    for (int row = 0; row < rows.rows(); ++row) {
      block_labels_.weight += rows.weights[row];
      block_labels_.positives += rows.weights[row] * rows.labels[row];
    }
    block_labels_.rows += rows.rows();
  }

  // At the end of a day whose last rows make no batch: they begin the next one's, in the order in which their
  // block was permuted.
  void KeepRest(int pass, int day) {
    if (!keeps_rest_ || !day_over_ || labelled_.rows.rows() == 0) return;
    const int whole = Batches(labelled_) * train_.batch_size();
    Shuffle(pass, day, &labelled_);
    labelled_.rows.Gather(labelled_.order.data() + whole, labelled_.rows.rows() - whole, &carry_);
    labelled_.rows.Clear();
  }

  // Makes the next block of the day: rows with a label, a whole block unless the day ends, and the rows
  // without one that were read meanwhile; or, where there is a block of these first, these. An empty one at
  // the day's end.
  absl::Status ReadBlock(DayReader* reader) {
    for (Kind* kind : {&labelled_, &unlabelled_}) {
      if (!kind->complete) continue;
      kind->rows.Clear();
      ++kind->block;
      if (kind == &labelled_) block_labels_ = LabelSums();
    }
    bool over = false;
    while (!over && labelled_.rows.rows() < block_rows_ && unlabelled_.rows.rows() < block_rows_) {
      const int rows = std::min(block_rows_ - labelled_.rows.rows(), DayReader::kPieceRows);
      TANDEM_ASSIGN_OR_RETURN(const bool more, reader->ReadBlock(rows, &rows_));
      over = !more;
      StageTimer timer(Stage::kAssemble);
      rows_without_label_.Clear();
      unlabelled_rows_ +=
          rows_.TakeUnlabelled(schema_.unlabelled == Unlabelled::kDistilled ? &rows_without_label_ : nullptr);
      labelled_.rows.Append(rows_);
      AddLabels(rows_);
      unlabelled_.rows.Append(rows_without_label_);
    }
    day_over_ = over;
    labelled_.complete = over || labelled_.rows.rows() == block_rows_;
    unlabelled_.complete = true;
    return absl::OkStatus();
  }

  // Of the block at hand.
  int Batches(const Kind& kind) const {
    if (!kind.complete) return 0;
    if (keeps_rest_ && &kind == &labelled_) return kind.rows.rows() / train_.batch_size();
    return RoundedUp(kind.rows.rows(), train_.batch_size()) / train_.batch_size();
  }

  void Shuffle(int pass, int day, Kind* kind) const {
    kind->order.resize(kind->rows.rows());
    std::iota(kind->order.begin(), kind->order.end(), 0);
    if (train_.shuffle_rows() == 0) return;
    const auto u = [](int value) { return static_cast<uint64_t>(value); };
    const uint64_t seed = train_.seed();
    Permute(kind == &labelled_
                ? Random(seed, RandomPurpose::kShuffle, {u(pass), u(day), u(kind->block)})
                : Random(seed, RandomPurpose::kShuffle, {u(pass), u(day), u(kind->block), /*unlabelled*/ 1}),
            &kind->order);
  }

  bool EmitBlock(int pass, int day, int block, int first_batch) {
    Shuffle(pass, day, &labelled_);
    Shuffle(pass, day, &unlabelled_);
    const int64_t unlabelled = Batches(unlabelled_), batches = Batches(labelled_) + unlabelled;
    int next_labelled = 0, next_unlabelled = 0;
    for (int b = 0; b < batches; ++b) {
      const bool has_label = (b + 1) * unlabelled / batches == b * unlabelled / batches;
      const Kind& kind = has_label ? labelled_ : unlabelled_;
      const int begin = (has_label ? next_labelled++ : next_unlabelled++) * train_.batch_size();
      if (b < first_batch) continue;
      std::unique_ptr<LogEvent> event = Take(LogEvent::kBatch, pass, day);
      const int size = std::min(kind.rows.rows() - begin, train_.batch_size());
      {
        StageTimer timer(Stage::kAssemble, size);
        kind.rows.Gather(kind.order.data() + begin, size, &event->batch);
      }
      if (labelled_.complete) event->block_labels = block_labels_;
      event->next =
          b + 1 < batches ? LogPosition{pass, day, block, b + 1} : LogPosition{pass, day, block + 1, 0};
      if (!Emit(std::move(event))) return false;
    }
    return true;
  }

  // An event to fill: one that was used before, so that its memory is used again.
  std::unique_ptr<LogEvent> Take(LogEvent::Kind kind, int pass, int day) {
    std::unique_ptr<LogEvent> event;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!free_.empty()) {
        event = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (event == nullptr) event = std::make_unique<LogEvent>();
    event->kind = kind;
    event->pass = pass;
    event->day = day;
    event->day_rows = RowCounts();
    event->day_batches = 0;
    event->block_labels = LabelSums();
    return event;
  }

  bool Emit(std::unique_ptr<LogEvent> event) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || emitted_ - taken_ < kReadAhead; });
    if (stop_) return false;
    ready_[emitted_++ % kReadAhead] = std::move(event);
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  FileSystem& fs_;
  const std::unique_ptr<const SampleFormat> format_;
  const proto::Train& train_;
  const Schema& schema_;
  const std::vector<Day> days_;
  const int block_rows_;
  const std::string quarantine_directory_;
  const double max_bad_fraction_;
  const LogPosition start_;
  const RowChoice choice_;
  DayWatch* const watch_;
  // The reading thread's own: the block at hand, and the rows that come next.
  Workers workers_;
  Kind labelled_, unlabelled_;
  Batch rows_, rows_without_label_;
  Batch carry_;                  // of the day before, to the next one
  bool day_over_ = false;        // the block at hand is the day's last
  bool keeps_rest_ = false;      // what makes no batch at the end of the day
  LabelSums block_labels_;       // of labelled_
  int64_t unlabelled_rows_ = 0;  // of the day

  std::mutex mutex_;
  std::condition_variable changed_;
  // Events emitted_ and taken_ of the stream are at these places, modulo their number.
  std::array<std::unique_ptr<LogEvent>, kReadAhead> ready_;
  size_t emitted_ = 0;
  size_t taken_ = 0;
  std::vector<std::unique_ptr<LogEvent>> free_;
  std::unique_ptr<LogEvent> current_;
  absl::Status status_;
  bool finished_ = false;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

BatchSource::BatchSource(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema,
                         std::vector<Day> days, const std::string& quarantine_directory,
                         const LogPosition& start, const RowChoice& choice, DayWatch* watch)
    : reader_(std::make_unique<Reader>(fs, experiment, schema, std::move(days), quarantine_directory, start,
                                       choice, watch)) {}

BatchSource::~BatchSource() = default;

absl::StatusOr<const LogEvent*> BatchSource::Next() { return reader_->Next(); }

}  // namespace tandem
