// Scores with their labels, as metrics are computed of them.
//
//   ScoreLog log;
//   log.Add(probability, label, weight, group);
//   TANDEM_ASSIGN_OR_RETURN(const ScoreLog again, ScoreLog::Parse(log.Serialize()));
#ifndef TANDEM_SCORE_LOG_H_
#define TANDEM_SCORE_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem {

// Scores of one tower with their labels; 20 bytes a row. Not thread-safe.
class ScoreLog {
 public:
  static constexpr uint64_t kNoGroup = 0;
  // The label is 0 or 1, the weight finite and not negative. `group` is a hash of the group's text; a row
  // without a group passes kNoGroup.
  void Add(float probability, float label, float weight, uint64_t group);
  // Appends the rows of another log.
  void Merge(const ScoreLog& other);
  // The rows whose place in `chosen` (of all rows) is `value`, in their order.
  ScoreLog Where(const std::vector<bool>& chosen, bool value) const;
  void Clear();

  // All rows as bytes, for a checkpoint in the middle of a day: the count as 8 bytes, then column by column
  // (groups, probabilities, labels, weights), little-endian.
  std::string Serialize() const;
  // The log that was serialised, or a ModelError: a size that doesn't fit the count, a label that isn't 0 or
  // 1, a weight that is negative or not finite.
  static absl::StatusOr<ScoreLog> Parse(absl::string_view bytes);

  int64_t rows() const { return static_cast<int64_t>(probabilities_.size()); }

  const std::vector<float>& probabilities() const { return probabilities_; }
  const std::vector<float>& labels() const { return labels_; }
  const std::vector<float>& weights() const { return weights_; }
  const std::vector<uint64_t>& groups() const { return groups_; }

 private:
  std::vector<float> probabilities_, labels_, weights_;
  std::vector<uint64_t> groups_;
};

}  // namespace tandem

#endif  // TANDEM_SCORE_LOG_H_
