// What each kind of a committee's members counts in its mean logit: learned on rows that the members have not
// learned from.
//
//   KindScores scores(committee.weighed_kinds());
//   ... scores.Add(kind, logit) and scores.AddLabel(label, weight) for every held-out row ...
//   const CommitteeMean mean = LearnMean(scores, committee.first_mean());
//
// offset + sum_k weight_k * logit_k has the least log loss on the rows, over weights that are not negative:
// so the kinds are stacked (Wolpert 1992; Breiman 1996), and the whole gets the spread (Platt 1999), for
// members whose mean is too sure of itself, or not enough. The offset isn't free: it keeps the rows' mean
// logit where it was, for members know the level from many more rows, and days, than these. The problem is
// convex and is descended by exponentiated gradients (Kivinen and Warmuth 1997). A prior worth some rows
// holds all to the first values: few rows can't say much, and what they don't say stays as it was. The same
// rows in the same order give the same bits.
#ifndef TANDEM_SRC_TRAIN_COMMITTEE_MEAN_H_
#define TANDEM_SRC_TRAIN_COMMITTEE_MEAN_H_

#include <cstdint>
#include <vector>

#include "tandem/committee.h"

namespace tandem {

// Rows, with a logit of each kind. 4 bytes a logit, and 8 a row.
class KindScores {
 public:
  explicit KindScores(int kinds) : logits_(kinds) {}

  void Add(int kind, float logit) { logits_[kind].push_back(logit); }
  void AddLabel(float label, float weight) {
    labels_.push_back(label);
    weights_.push_back(weight);
  }

  int kinds() const { return static_cast<int>(logits_.size()); }
  int64_t rows() const { return static_cast<int64_t>(labels_.size()); }
  float logit(int kind, int64_t row) const { return logits_[kind][row]; }
  float label(int64_t row) const { return labels_[row]; }
  float weight(int64_t row) const { return weights_[row]; }
  double Mean(const CommitteeMean& mean, int64_t row) const {
    double logit = mean.offset;
    for (int kind = 0; kind < kinds(); ++kind) logit += mean.weights[kind] * logits_[kind][row];
    return logit;
  }

 private:
  std::vector<std::vector<float>> logits_;
  std::vector<float> labels_, weights_;
};

// Added to the rows' log loss, in nats: kPrior * sum_k (weight_k - first_k - first_k log(weight_k /
// first_k)).
constexpr double kPrior = 50;

// The first weights are positive, and the first offset 0. At most 65,536 of the rows are read, evenly.
// `first` where the rows have no weight.
CommitteeMean LearnMean(const KindScores& scores, const CommitteeMean& first);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_COMMITTEE_MEAN_H_
