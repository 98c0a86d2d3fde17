// Impressions that wait for their click.
//
//   LabelQueue queue(/*delay=*/600, /*max_rows=*/1000000);
//   if (queue.Offer({raw, time, positive, key})) ...     // a click: it turned a waiting row positive, and is used up
//   while (queue.Ready(/*drain=*/false)) Train(queue.Take());
//
// The clock is the samples' own: the largest time offered so far. A time more than `delay` seconds ahead of
// it (and the first of all) is doubted until the next row: where that is ahead, too, the clock goes to the
// earlier of the two; else the doubted row waits as if it had come at the clock's time, so that one bad time
// holds up nothing. Rows leave in the order in which they came; the oldest one is ready once the clock has
// gone `delay` seconds past its time, or when there are more than max_rows. A row with label 1 turns the
// latest waiting row of its key that isn't positive yet, and isn't a sample itself; where none waits (the
// click came too late, or there was no impression), it waits as a sample. All of that is a function of the
// rows offered: no wall clock.
//
// Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_LABEL_QUEUE_H_
#define TANDEM_SRC_ONLINE_LABEL_QUEUE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace tandem {

namespace proto {
class OnlineState;
}  // namespace proto

struct WaitingRow {
  std::string raw;  // as it was read
  double time = 0;
  bool positive = false;
  uint64_t key = 0;  // a hash of its key columns
};

class LabelQueue {
 public:
  LabelQueue(double delay, int64_t max_rows);

  // True if the row turned another positive; else it waits.
  bool Offer(WaitingRow row);
  // Whether the oldest row may go; with `drain` any may, as the stream is over.
  bool Ready(bool drain) const;
  // The oldest row. There is one.
  WaitingRow Take();

  // Of clock(), before there is one.
  static constexpr double kNoTime = -1e300;

  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  double clock() const { return clock_; }
  // Rows that went before their time.
  int64_t released_early() const { return released_early_; }
  const std::deque<WaitingRow>& rows() const { return rows_; }
  // The time of the last row offered, where it is doubted.
  std::optional<double> doubted() const;
  // Times that turned out wrong since Restore, and the last of them.
  int64_t times_wrong() const { return times_wrong_; }
  double last_wrong() const { return last_wrong_; }
  // Puts back what rows(), clock(), released_early() and doubted() gave. The queue is empty.
  void Restore(std::vector<WaitingRow> rows, double clock, int64_t released_early,
               std::optional<double> doubted);

  // To and from a run's state: watermark, released_early, doubted_time. The rows are kept elsewhere.
  void Save(proto::OnlineState* state) const;
  void Restore(std::vector<WaitingRow> rows, const proto::OnlineState& state);

 private:
  struct Doubt {
    double time;
    int64_t row;  // its number; -1: it doesn't wait
  };

  // Whether the time is doubted.
  bool Advance(double time);
  void Dismiss(double time);
  bool Due() const { return !rows_.empty() && rows_.front().time + delay_ <= clock_; }
  void Push(WaitingRow row);

  const double delay_;
  const int64_t max_rows_;
  std::optional<Doubt> doubt_;
  int64_t times_wrong_ = 0;
  double last_wrong_ = 0;
  double clock_ = kNoTime;
  int64_t released_early_ = 0;
  std::deque<WaitingRow> rows_;
  int64_t first_ = 0;  // number of rows_.front(), counted from the first row ever
  // Numbers of the waiting rows of a key that aren't positive, ascending; those before `begin` have gone. A
  // row costs the same whether it shares its key with none or with all of them.
  struct Unclicked {
    std::vector<int64_t> numbers;
    size_t begin = 0;

    bool empty() const { return begin == numbers.size(); }
    void PopFront();
  };
  absl::flat_hash_map<uint64_t, Unclicked> unclicked_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_LABEL_QUEUE_H_
