// What the label term is made of, and sums of loss terms (tandem/loss.h).
#include <algorithm>
#include <cmath>

#include "tandem/loss.h"

namespace tandem {

double Sigmoid(double logit) {
  const double small = std::exp(-std::abs(logit));
  return (logit >= 0 ? 1 : small) / (1 + small);
}

double BinaryCrossEntropy(double logit, double label) {
  return std::max(logit, 0.0) - logit * label + std::log1p(std::exp(-std::abs(logit)));
}

void LossTerms::Add(const LossTerms& other) {
  teacher_label += other.teacher_label;
  student_label += other.student_label;
  logit += other.logit;
  hint += other.hint;
  total += other.total;
}

void LossTerms::Divide(double rows) {
  teacher_label /= rows;
  student_label /= rows;
  logit /= rows;
  hint /= rows;
  total /= rows;
}

}  // namespace tandem
