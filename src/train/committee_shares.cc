#include "src/train/committee_shares.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int64_t kMostRows = 65536;
constexpr int kMostSteps = 200;
// Nats of all rows together; a step that gains less is the last one.
constexpr double kEnough = 1e-6;
constexpr double kLeastRate = 1e-9;

// log(1 + exp(-margin)) without overflow.
double LossOf(double margin) {
  return margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
}

class Objective {
 public:
  Objective(const KindScores& scores, const std::vector<double>& first)
      : scores_(scores), first_(first), stride_(1 + (scores.rows() - 1) / kMostRows) {
    for (int64_t row = 0; row < scores_.rows(); row += stride_) weight_ += scores_.weight(row);
  }

  double weight() const { return weight_; }

  // In nats, with the gradient over the shares.
  double At(const std::vector<double>& shares, std::vector<double>* gradient) const {
    double loss = 0;
    for (size_t k = 0; k < shares.size(); ++k) {
      loss -= kPriorNats * first_[k] * std::log(shares[k]);
      (*gradient)[k] = -kPriorNats * first_[k] / shares[k];
    }
    for (int64_t row = 0; row < scores_.rows(); row += stride_) {
      double logit = 0;
      for (int k = 0; k < scores_.kinds(); ++k) logit += shares[k] * scores_.logit(k, row);
      const double sign = scores_.label(row) > 0 ? 1 : -1;
      loss += scores_.weight(row) * LossOf(sign * logit);
      const double slope = -sign * scores_.weight(row) / (1 + std::exp(sign * logit));
      for (int k = 0; k < scores_.kinds(); ++k) (*gradient)[k] += slope * scores_.logit(k, row);
    }
    return loss;
  }

 private:
  const KindScores& scores_;
  const std::vector<double>& first_;
  const int64_t stride_;
  double weight_ = 0;
};

// Along the gradient in the logarithms, back onto the simplex; no share leaves (0, 1).
std::vector<double> Moved(const std::vector<double>& shares, const std::vector<double>& gradient,
                          double rate) {
  constexpr double kLeastShare = 1e-6;
  double mean = 0, sum = 0;
  for (size_t k = 0; k < shares.size(); ++k) mean += shares[k] * gradient[k];
  std::vector<double> moved(shares.size());
  for (size_t k = 0; k < shares.size(); ++k) {
    const double exponent = std::clamp(-rate * (gradient[k] - mean), -30.0, 30.0);
    moved[k] = std::max(kLeastShare, shares[k] * std::exp(exponent));
    sum += moved[k];
  }
  for (double& share : moved) share /= sum;
  return moved;
}

}  // namespace

std::vector<double> LearnShares(const KindScores& scores, const std::vector<double>& first) {
  if (scores.rows() == 0) return first;
  const Objective objective(scores, first);
  if (!(objective.weight() > 0)) return first;
  std::vector<double> shares = first, gradient(first.size()), next_gradient(first.size());
  double loss = objective.At(shares, &gradient);
  // A rate that fits the gradient's size, which grows with the rows.
  double rate = 1 / (kPriorNats + objective.weight());
  for (int step = 0; step < kMostSteps && rate > kLeastRate; ++step) {
    const std::vector<double> next = Moved(shares, gradient, rate);
    const double next_loss = objective.At(next, &next_gradient);
    // A logit that isn't finite teaches nothing.
    if (!(next_loss < loss)) {
      rate /= 4;
      continue;
    }
    const bool enough = loss - next_loss < kEnough;
    shares = next;
    gradient.swap(next_gradient);
    loss = next_loss;
    rate *= 2;
    if (enough) break;
  }
  return shares;
}

}  // namespace tandem
