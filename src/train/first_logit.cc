#include "src/train/first_logit.h"

#include <cmath>

namespace tandem {

double BaseRateLogit(const LabelSums& labels) {
  if (labels.rows == 0 || labels.weight <= 0) return 0;
  const double half = 0.5 * labels.weight / static_cast<double>(labels.rows);
  return std::log((labels.positives + half) / (labels.weight - labels.positives + half));
}

}  // namespace tandem
