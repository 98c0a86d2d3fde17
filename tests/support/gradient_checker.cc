#include "tests/support/gradient_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {

std::vector<double> NumericGradient(const std::function<double(const std::vector<double>&)>& f,
                                    std::vector<double> x, double step) {
  std::vector<double> gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double value = x[i];
    x[i] = value + step;
    const double above = f(x);
    x[i] = value - step;
    const double below = f(x);
    x[i] = value;
    gradient[i] = (above - below) / (2 * step);
  }
  return gradient;
}

void ExpectSameValues(const std::string& what, const std::vector<double>& expected, const float* actual) {
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double tolerance = 1e-4 * std::abs(expected[i]) + 1e-5 * largest + 1e-6;
    // Negated, so that NaN fails.
    if (!(std::abs(actual[i] - expected[i]) <= tolerance)) {
      ADD_FAILURE() << what << "[" << i << "] of " << expected.size() << " is " << actual[i] << ", expected "
                    << expected[i] << " +- " << tolerance;
      return;
    }
  }
}

void ExpectSameGradient(const ParameterLayout& layout, const std::vector<double>& numeric,
                        const float* actual) {
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.kind == ParameterKind::kStatistic) continue;
    const auto begin = numeric.begin() + block.offset;
    ExpectSameValues("gradient of " + block.name, {begin, begin + block.size}, actual + block.offset);
  }
}

}  // namespace tandem
