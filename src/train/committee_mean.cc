#include "src/train/committee_mean.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int64_t kMostRows = 65536;
constexpr int kMostSteps = 300;
// Nats of all rows together; a step that gains less is the last one.
constexpr double kEnough = 1e-6;
constexpr double kLeastRate = 1e-12;
constexpr double kLeastWeight = 1e-6;

// log(1 + exp(-margin)) without overflow.
double LossOf(double margin) {
  return margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
}

// Over weights and level; `offset` of a CommitteeMean is the level here.
class Objective {
 public:
  Objective(const KindScores& scores, const CommitteeMean& first)
      : scores_(scores),
        first_(first),
        stride_(1 + (scores.rows() - 1) / kMostRows),
        centres_(scores.kinds()) {
    for (int64_t row = 0; row < scores_.rows(); row += stride_) {
      weight_ += scores_.weight(row);
      for (int k = 0; k < scores_.kinds(); ++k)
        centres_[k] += static_cast<double>(scores_.weight(row)) * scores_.logit(k, row);
    }
    for (double& centre : centres_) centre /= weight_;
  }

  double weight() const { return weight_; }

  // With the level made an offset.
  CommitteeMean Resolved(CommitteeMean mean) const {
    for (size_t k = 0; k < centres_.size(); ++k)
      mean.offset += (first_.weights[k] - mean.weights[k]) * centres_[k];
    return mean;
  }

  double At(const CommitteeMean& mean, CommitteeMean* gradient) const {
    double loss = kLevelPrior * mean.offset * mean.offset / 2;
    gradient->offset = kLevelPrior * mean.offset;
    for (size_t k = 0; k < mean.weights.size(); ++k) {
      const double weight = mean.weights[k], first = first_.weights[k];
      loss += kPrior * (weight - first - first * std::log(weight / first));
      gradient->weights[k] = kPrior * (1 - first / weight);
    }
    const CommitteeMean resolved = Resolved(mean);
    for (int64_t row = 0; row < scores_.rows(); row += stride_) {
      const double sign = scores_.label(row) > 0 ? 1 : -1;
      const double margin = sign * scores_.Mean(resolved, row);
      loss += scores_.weight(row) * LossOf(margin);
      const double slope = -sign * scores_.weight(row) / (1 + std::exp(margin));
      gradient->offset += slope;
      for (int k = 0; k < scores_.kinds(); ++k)
        gradient->weights[k] += slope * (scores_.logit(k, row) - centres_[k]);
    }
    return loss;
  }

 private:
  const KindScores& scores_;
  const CommitteeMean& first_;
  const int64_t stride_;
  double weight_ = 0;
  std::vector<double> centres_;  // the kinds' mean logits
};

// Weights along their logarithms' gradient, the level along its own.
CommitteeMean Moved(const CommitteeMean& mean, const CommitteeMean& gradient, double rate) {
  CommitteeMean moved = mean;
  moved.offset -= rate * gradient.offset;
  for (size_t k = 0; k < mean.weights.size(); ++k) {
    const double exponent = std::clamp(-rate * gradient.weights[k], -3.0, 3.0);
    moved.weights[k] = std::max(kLeastWeight, mean.weights[k] * std::exp(exponent));
  }
  return moved;
}

}  // namespace

CommitteeMean LearnMean(const KindScores& scores, const CommitteeMean& first) {
  if (scores.rows() == 0) return first;
  const Objective objective(scores, first);
  if (!(objective.weight() > 0)) return first;
  CommitteeMean mean = first, gradient = first, next_gradient = first;
  double loss = objective.At(mean, &gradient);
  // The gradient grows with the rows.
  double rate = 1 / (kLevelPrior + objective.weight());
  for (int step = 0; step < kMostSteps && rate > kLeastRate; ++step) {
    const CommitteeMean next = Moved(mean, gradient, rate);
    const double next_loss = objective.At(next, &next_gradient);
    // A logit that isn't finite teaches nothing.
    if (!(next_loss < loss)) {
      rate /= 4;
      continue;
    }
    const bool enough = loss - next_loss < kEnough;
    mean = next;
    std::swap(gradient, next_gradient);
    loss = next_loss;
    rate *= 2;
    if (enough) break;
  }
  return mean.weights == first.weights ? first : objective.Resolved(mean);
}

}  // namespace tandem
