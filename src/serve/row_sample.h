// A sample of the rows that go by, in memory for no more than twice its size.
//
//   RowSample sample(fields, 100000, Random(seed, RandomPurpose::kShuffle, {0}));
//   while (more) sample.Add(block);
//   const Batch rows = sample.Take();
//
// Each row has a random number of its own, and the rows with the lowest ones stay, in their order. So which
// rows are held depends on their number and the seed alone. Not thread-safe.
#ifndef TANDEM_SRC_SERVE_ROW_SAMPLE_H_
#define TANDEM_SRC_SERVE_ROW_SAMPLE_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "tandem/batch.h"
#include "tandem/random.h"

namespace tandem {

class RowSample {
 public:
  // `limit` >= 1.
  RowSample(int fields, int limit, const Random& random) : limit_(limit), random_(random), rows_(fields) {}

  void Add(const Batch& block);
  // All rows, if they were no more than `limit`, else `limit` of them. Ends the sample.
  Batch Take();
  int64_t seen() const { return seen_; }

 private:
  void Shrink();

  const int limit_;
  const Random random_;
  Batch rows_;
  std::vector<uint64_t> numbers_;  // a row of `rows_` each
  uint64_t highest_ = std::numeric_limits<uint64_t>::max();
  int64_t seen_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_ROW_SAMPLE_H_
