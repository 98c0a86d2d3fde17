// Which share of a feature's ids a model doesn't know: the table's OOV row serves them. Ids that are
// written otherwise than in training ("7.0" for "7", quotes, blanks) are all unknown, and nothing else would
// say so.
//
//   UnknownIds ids(predictor->schema());
//   std::vector<int64_t> unknown;
//   TANDEM_RETURN_IF_ERROR(predictor->Score(batch, &scores, &unknown));
//   ids.Add(batch, unknown);
//   for (const FeatureIds& feature : ids.Features()) std::cout << feature.name << feature.unknown_share();
//
// Counted are occurrences in sparse features; those of a sequence's places together. Features with a serving
// value have no ids of the rows. Not thread-safe: a thread each, then Merge.
#ifndef TANDEM_UNKNOWN_IDS_H_
#define TANDEM_UNKNOWN_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/batch.h"

namespace tandem {

class Predictor;
class Schema;

struct FeatureIds {
  std::string name;
  int64_t ids = 0;
  int64_t unknown = 0;  // of them

  double unknown_share() const {
    return ids > 0 ? static_cast<double>(unknown) / static_cast<double>(ids) : 0;
  }
};

class UnknownIds {
 public:
  explicit UnknownIds(const Schema& schema);
  // `unknown`: a field each, of this batch (Predictor::Score).
  void Add(const Batch& batch, const std::vector<int64_t>& unknown);
  void Merge(const UnknownIds& other);
  // In the order of the configuration.
  const std::vector<FeatureIds>& Features() const { return features_; }

 private:
  std::vector<int> feature_of_field_;  // -1: none
  std::vector<FeatureIds> features_;
};

// "user 12.5 %, item 0 %"; "" without such features.
std::string UnknownIdsText(const std::vector<FeatureIds>& features);

// A sentence for each feature of whose ids, twenty or more, nine tenths or more are unknown, though the model
// holds ids of it.
std::vector<std::string> UnknownIdWarnings(const Predictor& predictor,
                                           const std::vector<FeatureIds>& features);

}  // namespace tandem

#endif  // TANDEM_UNKNOWN_IDS_H_
