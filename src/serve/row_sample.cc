#include "src/serve/row_sample.h"

#include <algorithm>
#include <utility>

namespace tandem {

void RowSample::Add(const Batch& block) {
  for (int row = 0; row < block.rows(); ++row) {
    const uint64_t number = random_.Bits(seen_++);
    if (number > highest_) continue;
    rows_.AppendRow(block, row);
    numbers_.push_back(number);
    if (rows_.rows() >= 2 * int64_t{limit_}) Shrink();
  }
}

void RowSample::Shrink() {
  if (rows_.rows() <= limit_) return;
  std::vector<uint64_t> sorted = numbers_;
  std::nth_element(sorted.begin(), sorted.begin() + limit_ - 1, sorted.end());
  highest_ = sorted[limit_ - 1];
  Batch kept(static_cast<int>(rows_.fields.size()));
  std::vector<uint64_t> numbers;
  for (int row = 0; row < rows_.rows(); ++row) {
    if (numbers_[row] > highest_) continue;
    kept.AppendRow(rows_, row);
    numbers.push_back(numbers_[row]);
  }
  rows_ = std::move(kept);
  numbers_ = std::move(numbers);
}

Batch RowSample::Take() {
  Shrink();
  return std::move(rows_);
}

}  // namespace tandem
