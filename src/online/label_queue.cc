#include "src/online/label_queue.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tandem/state.pb.h"

namespace tandem {

LabelQueue::LabelQueue(double delay, int64_t max_rows) : delay_(delay), max_rows_(max_rows) {}

std::optional<double> LabelQueue::doubted() const {
  return doubt_.has_value() ? std::optional<double>(doubt_->time) : std::nullopt;
}

// The doubted time is wrong: its row, where it waits, takes another.
void LabelQueue::Dismiss(double time) {
  if (doubt_->row >= first_) rows_[doubt_->row - first_].time = time;
  last_wrong_ = doubt_->time;
  ++times_wrong_;
  doubt_.reset();
}

bool LabelQueue::Advance(double time) {
  if (clock_ != kNoTime && time <= clock_ + delay_) {
    if (doubt_.has_value()) Dismiss(clock_);
    clock_ = std::max(clock_, time);
    return false;
  }
  if (doubt_.has_value()) {
    // Two in a row are ahead: it is at least as late as the earlier of them says.
    const double other = doubt_->time;
    clock_ = std::min(time, other);
    if (other > clock_ + delay_) {
      Dismiss(clock_);
    } else {
      if (time <= clock_ + delay_) clock_ = std::max(time, other);
      doubt_.reset();
    }
    if (time <= clock_ + delay_) return false;
  }
  doubt_ = Doubt{time, -1};
  return true;
}

// What has gone is thrown away once it is half: each number is moved once, on average.
void LabelQueue::Unclicked::PopFront() {
  ++begin;
  if (2 * begin < numbers.size()) return;
  numbers.erase(numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(begin));
  begin = 0;
}

bool LabelQueue::Offer(WaitingRow row) {
  const bool doubted = Advance(row.time);
  if (row.positive) {
    const auto waiting = unclicked_.find(row.key);
    if (waiting != unclicked_.end()) {
      rows_[waiting->second.numbers.back() - first_].positive = true;
      waiting->second.numbers.pop_back();
      if (waiting->second.empty()) unclicked_.erase(waiting);
      return true;
    }
  }
  if (doubted) doubt_->row = first_ + size();
  Push(std::move(row));
  return false;
}

void LabelQueue::Push(WaitingRow row) {
  if (!row.positive) unclicked_[row.key].numbers.push_back(first_ + size());
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
    CHECK(waiting != unclicked_.end() && waiting->second.numbers[waiting->second.begin] == first_);
    waiting->second.PopFront();
    if (waiting->second.empty()) unclicked_.erase(waiting);
  }
  ++first_;
  return row;
}

void LabelQueue::Restore(std::vector<WaitingRow> rows, double clock, int64_t released_early,
                         std::optional<double> doubted) {
  CHECK(rows_.empty());
  for (WaitingRow& row : rows) Push(std::move(row));
  if (doubted.has_value()) {
    const bool waits = !rows_.empty() && rows_.back().time == *doubted;
    doubt_ = Doubt{*doubted, waits ? first_ + size() - 1 : -1};
  }
  clock_ = clock;
  released_early_ = released_early;
}

void LabelQueue::Save(proto::OnlineState* state) const {
  if (clock_ > kNoTime) state->set_watermark(clock_);
  state->clear_doubted_time();
  if (doubt_.has_value()) state->set_doubted_time(doubt_->time);
  state->set_released_early(released_early_);
}

void LabelQueue::Restore(std::vector<WaitingRow> rows, const proto::OnlineState& state) {
  Restore(std::move(rows), state.has_watermark() ? state.watermark() : kNoTime, state.released_early(),
          state.has_doubted_time() ? std::optional<double>(state.doubted_time()) : std::nullopt);
}

}  // namespace tandem
