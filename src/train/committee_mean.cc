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

// Over the weights.
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

  // With the offset that keeps the rows' mean logit.
  CommitteeMean MeanOf(const std::vector<double>& weights) const {
    CommitteeMean mean = {weights, first_.offset};
    for (size_t k = 0; k < centres_.size(); ++k)
      mean.offset += (first_.weights[k] - weights[k]) * centres_[k];
    return mean;
  }

  double At(const std::vector<double>& weights, std::vector<double>* gradient) const {
    double loss = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      const double weight = weights[k], first = first_.weights[k];
      loss += kPrior * (weight - first - first * std::log(weight / first));
      (*gradient)[k] = kPrior * (1 - first / weight);
    }
    const CommitteeMean mean = MeanOf(weights);
    for (int64_t row = 0; row < scores_.rows(); row += stride_) {
      const double sign = scores_.label(row) > 0 ? 1 : -1;
      const double margin = sign * scores_.Mean(mean, row);
      loss += scores_.weight(row) * LossOf(margin);
      const double slope = -sign * scores_.weight(row) / (1 + std::exp(margin));
      for (int k = 0; k < scores_.kinds(); ++k)
        (*gradient)[k] += slope * (scores_.logit(k, row) - centres_[k]);
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

// Along the logarithms' gradient.
std::vector<double> Moved(const std::vector<double>& weights, const std::vector<double>& gradient,
                          double rate) {
  std::vector<double> moved = weights;
  for (size_t k = 0; k < weights.size(); ++k) {
    const double exponent = std::clamp(-rate * gradient[k], -3.0, 3.0);
    moved[k] = std::max(kLeastWeight, weights[k] * std::exp(exponent));
  }
  return moved;
}

}  // namespace

CommitteeMean LearnMean(const KindScores& scores, const CommitteeMean& first) {
  if (scores.rows() == 0) return first;
  const Objective objective(scores, first);
  if (!(objective.weight() > 0)) return first;
  std::vector<double> weights = first.weights, gradient = weights, next_gradient = weights;
  double loss = objective.At(weights, &gradient);
  // The gradient grows with the rows.
  double rate = 1 / (kPrior + objective.weight());
  for (int step = 0; step < kMostSteps && rate > kLeastRate; ++step) {
    const std::vector<double> next = Moved(weights, gradient, rate);
    const double next_loss = objective.At(next, &next_gradient);
    // A logit that isn't finite teaches nothing.
    if (!(next_loss < loss)) {
      rate /= 4;
      continue;
    }
    const bool enough = loss - next_loss < kEnough;
    weights = next;
    gradient.swap(next_gradient);
    loss = next_loss;
    rate *= 2;
    if (enough) break;
  }
  return weights == first.weights ? first : objective.MeanOf(weights);
}

}  // namespace tandem
