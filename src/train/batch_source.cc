#include "tandem/batch_source.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "config/experiment.pb.h"
#include "src/data/packed_rows.h"
#include "src/util/profile.h"
#include "tandem/random.h"
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
  const int threads = experiment.runtime().threads() > 0
                          ? experiment.runtime().threads()
                          : static_cast<int>(std::thread::hardware_concurrency());
  return 1 + threads / kTrainingThreadsAParser;
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
  Reader(const proto::Experiment& experiment, const Schema& schema, std::vector<Day> days,
         const std::string& quarantine_directory, const LogPosition& start)
      : train_(experiment.train()),
        schema_(schema),
        days_(std::move(days)),
        block_rows_(BlockRows(train_)),
        quarantine_directory_(quarantine_directory),
        max_bad_fraction_(experiment.data().max_bad_fraction()),
        start_(start),
        workers_(Parsers(experiment)),
        block_(static_cast<int>(schema.fields().size())),
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
      const int first_day = pass == start_.pass ? start_.day : 0;
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

  absl::Status ReadDay(int pass, int day) {
    Quarantine quarantine(quarantine_directory_, max_bad_fraction_);
    DayReader reader(schema_, RowUse::kTrain, days_[day].files, pass == 0 ? &quarantine : nullptr, &workers_);
    const bool resumed = pass == start_.pass && day == start_.day;
    for (int block = 0;; ++block) {
      TANDEM_RETURN_IF_ERROR(ReadBlock(&reader));
      if (block_.rows() == 0) break;
      if (resumed && block < start_.block) continue;
      const int first_batch = resumed && block == start_.block ? start_.batch : 0;
      if (!EmitBlock(pass, day, block, first_batch)) return absl::CancelledError("the reader was stopped");
    }
    std::unique_ptr<LogEvent> event = Take(LogEvent::kDayEnd, pass, day);
    event->batch.Clear();
    event->next = day + 1 < static_cast<int>(days_.size()) ? LogPosition{pass, day + 1, 0, 0}
                                                           : LogPosition{pass + 1, 0, 0, 0};
    event->day_rows.good = quarantine.rows_read() - quarantine.rows_bad();
    event->day_rows.bad = quarantine.by_fault();
    return Emit(std::move(event)) ? absl::OkStatus() : absl::CancelledError("the reader was stopped");
  }

  // Replaces block_ by the next block of the day; an empty one at its end.
  absl::Status ReadBlock(DayReader* reader) {
    block_.Clear();
    while (block_.rows() < block_rows_) {
      const int rows = std::min(block_rows_ - block_.rows(), DayReader::kPieceRows);
      TANDEM_ASSIGN_OR_RETURN(const bool more, reader->ReadBlock(rows, &rows_));
      if (!more) break;
      StageTimer timer(Stage::kAssemble);
      block_.Append(rows_);
    }
    return absl::OkStatus();
  }

  bool EmitBlock(int pass, int day, int block, int first_batch) {
    const int rows = block_.rows();
    order_.resize(rows);
    std::iota(order_.begin(), order_.end(), 0);
    if (train_.shuffle_rows() > 0) {
      const auto u = [](int value) { return static_cast<uint64_t>(value); };
      Permute(Random(train_.seed(), RandomPurpose::kShuffle, {u(pass), u(day), u(block)}), &order_);
    }
    const int batches = RoundedUp(rows, train_.batch_size()) / train_.batch_size();
    for (int b = first_batch; b < batches; ++b) {
      std::unique_ptr<LogEvent> event = Take(LogEvent::kBatch, pass, day);
      const int begin = b * train_.batch_size();
      const int size = std::min(rows - begin, train_.batch_size());
      {
        StageTimer timer(Stage::kAssemble, size);
        block_.Gather(order_.data() + begin, size, &event->batch);
      }
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

  const proto::Train& train_;
  const Schema& schema_;
  const std::vector<Day> days_;
  const int block_rows_;
  const std::string quarantine_directory_;
  const double max_bad_fraction_;
  const LogPosition start_;
  // The reading thread's own: the block at hand, the order of its rows, and those that come next.
  Workers workers_;
  PackedRows block_;
  std::vector<int> order_;
  Batch rows_;

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

BatchSource::BatchSource(const proto::Experiment& experiment, const Schema& schema, std::vector<Day> days,
                         const std::string& quarantine_directory, const LogPosition& start)
    : reader_(std::make_unique<Reader>(experiment, schema, std::move(days), quarantine_directory, start)) {}

BatchSource::~BatchSource() = default;

int BatchSource::BlockRows(const proto::Train& train) {
  return RoundedUp(train.shuffle_rows() > 0 ? train.shuffle_rows() : kUnshuffledRows, train.batch_size());
}

absl::StatusOr<const LogEvent*> BatchSource::Next() { return reader_->Next(); }

}  // namespace tandem
