#include "src/tune/halving.h"

#include <algorithm>

namespace tandem {
namespace {

// Fewer figures than these say little of where the half is.
constexpr size_t kFewestFigures = 4;

}  // namespace

bool Halving::GoesOn(int trial, int rung, double figure) {
  std::map<int, double>& at_rung = figures_[rung];
  at_rung[trial] = figure;
  if (at_rung.size() < kFewestFigures) return true;
  const auto better =
      std::count_if(at_rung.begin(), at_rung.end(), [&](const auto& other) { return other.second < figure; });
  return static_cast<size_t>(better) < (at_rung.size() + 1) / 2;
}

}  // namespace tandem
