// The rows of a score log in the order of their scores: what AUC, GAUC and calibration bins walk through.
#ifndef TANDEM_SRC_METRICS_RANK_H_
#define TANDEM_SRC_METRICS_RANK_H_

#include <cstdint>
#include <vector>

#include "tandem/score_log.h"

namespace tandem {

// A row as it is sorted: by group, then score, then place, so that the order is one and the same everywhere.
struct Ranked {
  uint64_t group;
  uint64_t score_and_row;

  uint32_t score() const { return static_cast<uint32_t>(score_and_row >> 32); }
  uint32_t row() const { return static_cast<uint32_t>(score_and_row); }
  bool operator<(const Ranked& other) const {
    return group != other.group ? group < other.group : score_and_row < other.score_and_row;
  }
};

// Whether metrics are defined at all.
bool AllAreProbabilities(const ScoreLog& log);

// All rows, which must be probabilities, sorted; `by_group`: the rows of a group together.
std::vector<Ranked> Rank(const ScoreLog& log, bool by_group);

}  // namespace tandem

#endif  // TANDEM_SRC_METRICS_RANK_H_
