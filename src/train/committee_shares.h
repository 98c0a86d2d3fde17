// What each kind of a committee's members counts in the mean logit: learned on rows that the members have not
// learned from.
//
//   KindScores scores(kinds);
//   ... scores.Add(logits, label, weight) for every held-out row ...
//   const std::vector<double> shares = LearnShares(scores, committee.first_shares());
//
// The shares minimise the rows' log loss with the logit sum_k share_k * logit_k, over shares that are not
// negative and sum to 1, by exponentiated gradient (Kivinen and Warmuth 1997); the problem is convex. They are
// held to the first ones by a prior worth `kPriorNats` of log loss: few rows can't say much, and what they
// don't say stays as it was. The same rows in the same order give the same bits.
#ifndef TANDEM_SRC_TRAIN_COMMITTEE_SHARES_H_
#define TANDEM_SRC_TRAIN_COMMITTEE_SHARES_H_

#include <cstdint>
#include <vector>

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

 private:
  std::vector<std::vector<float>> logits_;
  std::vector<float> labels_, weights_;
};

constexpr double kPriorNats = 10;

// `first` are positive and sum to 1. At most 65,536 of the rows are read, evenly. `first` where the rows have no
// weight.
std::vector<double> LearnShares(const KindScores& scores, const std::vector<double>& first);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_COMMITTEE_SHARES_H_
