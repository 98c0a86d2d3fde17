// The last so many scores of a stream, for metrics over a sliding window.
//
//   ScoreWindow window(10000);
//   window.Add(probability, label, weight, group);
//   if (window.full()) Metrics m = window.Compute(/*with_groups=*/true);
//
// 20 bytes a row. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_SCORE_WINDOW_H_
#define TANDEM_SRC_ONLINE_SCORE_WINDOW_H_

#include <cstdint>
#include <deque>

#include "tandem/metrics.h"

namespace tandem {

class ScoreWindow {
 public:
  explicit ScoreWindow(int64_t rows) : capacity_(rows) {}

  void Add(float probability, float label, float weight, uint64_t group);
  void Clear() { scores_.clear(); }

  int64_t rows() const { return static_cast<int64_t>(scores_.size()); }
  bool full() const { return rows() == capacity_; }
  // Of the rows in it, oldest first.
  ScoreLog Log() const;
  Metrics Compute(bool with_groups) const { return ComputeMetrics(Log(), with_groups); }
  // As ComputeMetrics has it, by itself: cheap enough for every micro-batch. There is a row.
  double LogLoss() const;
  // The log loss of whoever says the window's click rate of every row. There is a row.
  double LabelEntropy() const;
  // One standard error of the difference of the two. There is a row.
  double ExcessError() const;

 private:
  struct Score {
    uint64_t group;
    float probability, label, weight;
  };
  const int64_t capacity_;
  std::deque<Score> scores_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_SCORE_WINDOW_H_
