#include "src/online/micro_batch.h"

#include <utility>

#include "tandem/experiment.pb.h"

namespace tandem {

MicroBatch::MicroBatch(const proto::Online& config, int fields, Clock& clock)
    : full_rows_(config.batch_rows()),
      max_delay_(config.max_delay_seconds()),
      clock_(clock),
      batch_(fields) {}

void MicroBatch::Add(WaitingRow row, const Batch& sample) {
  if (rows() == 0 && max_delay_ > 0) began_ = clock_.Now();
  batch_.AppendRow(sample, 0);
  as_read_.push_back(std::move(row));
}

void MicroBatch::Clear() {
  batch_.Clear();
  as_read_.clear();
}

bool MicroBatch::late() const { return rows() > 0 && max_delay_ > 0 && clock_.Now() - began_ >= max_delay_; }

}  // namespace tandem
