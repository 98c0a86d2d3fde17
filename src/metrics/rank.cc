#include "src/metrics/rank.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace tandem {

bool AllAreProbabilities(const ScoreLog& log) {
  return std::all_of(log.probabilities().begin(), log.probabilities().end(),
                     [](float p) { return p >= 0.0f && p <= 1.0f; });
}

std::vector<Ranked> Rank(const ScoreLog& log, bool by_group) {
  CHECK_LE(log.rows(), std::numeric_limits<uint32_t>::max());
  std::vector<Ranked> ranked(log.rows());
  for (size_t row = 0; row < ranked.size(); ++row) {
    // Floats that aren't negative are ordered as their bits are; adding 0 makes -0 one of them.
    const float probability = log.probabilities()[row] + 0.0f;
    uint32_t score;
    std::memcpy(&score, &probability, sizeof(score));
    ranked[row] = {by_group ? log.groups()[row] : 0, static_cast<uint64_t>(score) << 32 | row};
  }
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

}  // namespace tandem
