// Gradients by central differences, in double, and their comparison with what a float32 layer computed.
//
//   const auto loss = [&](const std::vector<double>& p) { return reference::...; };
//   ExpectSameGradient(layout, NumericGradient(loss, parameters), gradients.data());
//
// The differences are taken of a plain double-precision forward (tests/support/reference.h), not of the
// float32 layer, whose rounding would drown them: so a tolerance of 1e-4 means something. Inputs should stay
// clear of the kinks of the ReLU; the reference reports how near they come.
#ifndef TANDEM_TESTS_SUPPORT_GRADIENT_CHECKER_H_
#define TANDEM_TESTS_SUPPORT_GRADIENT_CHECKER_H_

#include <functional>
#include <string>
#include <vector>

#include "tandem/parameters.h"

namespace tandem {

inline constexpr double kDifferenceStep = 1e-5;

// (f(x + h) - f(x - h)) / 2h, one component after another.
std::vector<double> NumericGradient(const std::function<double(const std::vector<double>&)>& f,
                                    std::vector<double> x, double step = kDifferenceStep);

// Fails at the first component that differs by more than 1e-4 of itself plus 1e-5 of the largest one plus
// 1e-6.
void ExpectSameValues(const std::string& what, const std::vector<double>& expected, const float* actual);
// The same, block by block, of the trained blocks of a flat vector. `numeric` and `actual` are laid out by
// `layout`.
void ExpectSameGradient(const ParameterLayout& layout, const std::vector<double>& numeric,
                        const float* actual);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_GRADIENT_CHECKER_H_
