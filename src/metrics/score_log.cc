// Scores, labels, weights and groups of rows, a column each, and their bytes in a checkpoint
// (tandem/metrics.h).
#include "tandem/score_log.h"

#include <glog/logging.h>

#include <cmath>
#include <cstring>

#include "tandem/status.h"

namespace tandem {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the serialised form is the memory's");

constexpr size_t kRowBytes = sizeof(uint64_t) + 3 * sizeof(float);

template <typename T>
void AppendColumn(const std::vector<T>& column, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(column.data()), column.size() * sizeof(T));
}

// Cuts the column off the front of `bytes`, which are known to hold it.
template <typename T>
void ReadColumn(size_t rows, absl::string_view* bytes, std::vector<T>* column) {
  column->resize(rows);
  if (rows > 0) std::memcpy(column->data(), bytes->data(), rows * sizeof(T));
  bytes->remove_prefix(rows * sizeof(T));
}

template <typename T>
void Append(const std::vector<T>& from, std::vector<T>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

}  // namespace

void ScoreLog::Add(float probability, float label, float weight, uint64_t group) {
  probabilities_.push_back(probability);
  labels_.push_back(label);
  weights_.push_back(weight);
  groups_.push_back(group);
}

void ScoreLog::Merge(const ScoreLog& other) {
  CHECK_NE(this, &other);
  Append(other.probabilities_, &probabilities_);
  Append(other.labels_, &labels_);
  Append(other.weights_, &weights_);
  Append(other.groups_, &groups_);
}

ScoreLog ScoreLog::Where(const std::vector<bool>& chosen, bool value) const {
  CHECK_EQ(chosen.size(), probabilities_.size());
  ScoreLog log;
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] == value) log.Add(probabilities_[i], labels_[i], weights_[i], groups_[i]);
  }
  return log;
}

void ScoreLog::Clear() {
  probabilities_.clear();
  labels_.clear();
  weights_.clear();
  groups_.clear();
}

std::string ScoreLog::Serialize() const {
  const uint64_t count = probabilities_.size();
  std::string bytes;
  bytes.reserve(sizeof(count) + count * kRowBytes);
  bytes.append(reinterpret_cast<const char*>(&count), sizeof(count));
  AppendColumn(groups_, &bytes);
  AppendColumn(probabilities_, &bytes);
  AppendColumn(labels_, &bytes);
  AppendColumn(weights_, &bytes);
  return bytes;
}

absl::StatusOr<ScoreLog> ScoreLog::Parse(absl::string_view bytes) {
  uint64_t count = 0;
  if (bytes.size() < sizeof(count))
    return ModelError("scores: ", bytes.size(), " bytes, too few for a count");
  std::memcpy(&count, bytes.data(), sizeof(count));
  bytes.remove_prefix(sizeof(count));
  if (bytes.size() % kRowBytes != 0 || bytes.size() / kRowBytes != count) {
    return ModelError("scores: ", bytes.size(), " bytes after a count of ", count, " rows of ", kRowBytes,
                      " bytes");
  }

  ScoreLog log;
  ReadColumn(count, &bytes, &log.groups_);
  ReadColumn(count, &bytes, &log.probabilities_);
  ReadColumn(count, &bytes, &log.labels_);
  ReadColumn(count, &bytes, &log.weights_);
  for (size_t i = 0; i < count; ++i) {
    const float label = log.labels_[i], weight = log.weights_[i];
    if (label != 0.0f && label != 1.0f) return ModelError("scores: row ", i, " has the label ", label);
    if (!std::isfinite(weight) || weight < 0.0f)
      return ModelError("scores: row ", i, " has the weight ", weight);
  }
  return log;
}

}  // namespace tandem
