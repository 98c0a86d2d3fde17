// Which of a number's buckets, or between which knots.
//
//   Bucket({18, 25}, 18);                      // 1: a boundary begins the bucket above it
#ifndef TANDEM_SRC_DATA_BUCKET_H_
#define TANDEM_SRC_DATA_BUCKET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem {

// The number of boundaries, which rise, that `number` isn't below: what std::upper_bound finds, without its
// branches. Those would be guessed wrong every second time, since a log's numbers are anywhere. The last few
// boundaries are counted, four side by side: no step waits for the one before.
inline size_t Bucket(const std::vector<double>& boundaries, double number) {
  constexpr size_t kCounted = 32;
  constexpr size_t kLanes = 4;
  const double* first = boundaries.data();
  size_t left = boundaries.size();
  while (left > kCounted) {
    const size_t half = (left + 1) / 2;
    first += number < first[half - 1] ? 0 : half;
    left -= half;
  }
  int64_t lanes[kLanes] = {first - boundaries.data()};
  size_t i = 0;
  for (; i + kLanes <= left; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += number < first[i + lane] ? 0 : 1;
  }
  for (; i < left; ++i) lanes[0] += number < first[i] ? 0 : 1;
  return static_cast<size_t>(lanes[0] + lanes[1] + lanes[2] + lanes[3]);
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_BUCKET_H_
