// The rows that are to be trained on next, as samples and as they were read: a checkpoint keeps the latter.
//
//   MicroBatch micro_batch(experiment.online(), fields, clock);
//   micro_batch.Add(std::move(row), sample);
//   if (micro_batch.full() || micro_batch.late()) { Learn(micro_batch.batch()); micro_batch.Clear(); }
//
// Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_MICRO_BATCH_H_
#define TANDEM_SRC_ONLINE_MICRO_BATCH_H_

#include <vector>

#include "src/online/label_queue.h"
#include "tandem/batch.h"
#include "tandem/clock.h"

namespace tandem {

namespace proto {
class Online;
}  // namespace proto

class MicroBatch {
 public:
  // `fields`: of a sample. `clock` outlives it.
  MicroBatch(const proto::Online& config, int fields, Clock& clock);

  // `sample` is the row, decoded: a batch of one.
  void Add(WaitingRow row, const Batch& sample);
  void Clear();

  int rows() const { return batch_.rows(); }
  // It holds online.batch_rows.
  bool full() const { return rows() >= full_rows_; }
  // Its first row has waited for online.max_delay_seconds.
  bool late() const;
  const Batch& batch() const { return batch_; }
  const std::vector<WaitingRow>& as_read() const { return as_read_; }

 private:
  const int full_rows_;
  const double max_delay_;
  Clock& clock_;
  Batch batch_;
  std::vector<WaitingRow> as_read_;
  double began_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_MICRO_BATCH_H_
