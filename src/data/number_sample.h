// A sample of a column's numbers within bounded memory, and the knots that it gives
// (feature.dense.piecewise).
//
//   NumberSample sample(/*most=*/1 << 18);
//   for (row ...) sample.Add(row, number);
//   const std::vector<double> knots = ChooseKnots(sample.Sorted(), /*most=*/24);
//
// A row is in the sample by a hash of its place in the log, so that the sample is a function of the log
// alone. Not thread-safe.
#ifndef TANDEM_SRC_DATA_NUMBER_SAMPLE_H_
#define TANDEM_SRC_DATA_NUMBER_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tandem {

class NumberSample {
 public:
  explicit NumberSample(size_t most) : most_(most) {}

  // `row` counts the rows of the log; a finite number.
  void Add(uint64_t row, double number);
  // Ascending.
  std::vector<double> Sorted() const;

 private:
  const size_t most_;
  uint64_t limit_ = ~uint64_t{0};  // hashes above it are left out
  std::vector<std::pair<uint64_t, double>> kept_;
};

// Where a number takes few values, all of them. Else `most` (at least 2) of them: one that is more
// frequent than a knot's share is a knot, and the others are quantiles of the rest, from the 0.5th
// hundredth to the 99.5th, so that a few absurd values don't spread the last piece over nothing. Rising,
// within what a float holds; empty where there is no number.
std::vector<double> ChooseKnots(const std::vector<double>& sorted, int most);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_NUMBER_SAMPLE_H_
