#include "src/online/label_queue.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace tandem {

bool LabelQueue::Offer(WaitingRow row) {
  clock_ = std::max(clock_, row.time);
  if (row.positive) {
    const auto waiting = unclicked_.find(row.key);
    if (waiting != unclicked_.end()) {
      rows_[waiting->second.back() - first_].positive = true;
      waiting->second.pop_back();
      if (waiting->second.empty()) unclicked_.erase(waiting);
      return true;
    }
  }
  Push(std::move(row));
  return false;
}

void LabelQueue::Push(WaitingRow row) {
  if (!row.positive) unclicked_[row.key].push_back(first_ + size());
  rows_.push_back(std::move(row));
}

bool LabelQueue::Ready(bool drain) const { return Due() || size() > max_rows_ || (drain && size() > 0); }

WaitingRow LabelQueue::Take() {
  CHECK(!rows_.empty());
  if (!Due() && size() > max_rows_) ++released_early_;
  WaitingRow row = std::move(rows_.front());
  rows_.pop_front();
  if (!row.positive) {
    const auto waiting = unclicked_.find(row.key);
    CHECK(waiting != unclicked_.end() && waiting->second.front() == first_);
    waiting->second.erase(waiting->second.begin());
    if (waiting->second.empty()) unclicked_.erase(waiting);
  }
  ++first_;
  return row;
}

void LabelQueue::Restore(std::vector<WaitingRow> rows, double clock, int64_t released_early) {
  CHECK(rows_.empty());
  for (WaitingRow& row : rows) Push(std::move(row));
  clock_ = clock;
  released_early_ = released_early;
}

}  // namespace tandem
