#include "src/init/knots.h"

#include <algorithm>
#include <set>

namespace tandem {
namespace {

// Fewer rows than these beside the heavy values don't bear a curve.
constexpr size_t kFewestRest = 50;

// `count` quantiles of sorted values, from the least to the greatest.
void AddQuantiles(const std::vector<double>& sorted, size_t count, std::set<double>* knots) {
  for (size_t i = 0; i < count; ++i) {
    const double at =
        static_cast<double>(sorted.size() - 1) * static_cast<double>(i) / static_cast<double>(count - 1);
    knots->insert(sorted[static_cast<size_t>(at + 0.5)]);
  }
}

}  // namespace

std::vector<double> Knots(std::vector<double> values, int most) {
  std::sort(values.begin(), values.end());
  std::set<double> knots;
  std::vector<double> rest;
  size_t distinct = 0;
  size_t distinct_rest = 0;
  for (auto begin = values.begin(); begin != values.end();) {
    const auto end = std::upper_bound(begin, values.end(), *begin);
    ++distinct;
    if (static_cast<size_t>(end - begin) * most >= values.size()) {
      knots.insert(*begin);
    } else {
      rest.insert(rest.end(), begin, end);
      ++distinct_rest;
    }
    begin = end;
  }
  if (distinct <= static_cast<size_t>(most)) {
    knots.insert(values.begin(), values.end());
  } else if (!rest.empty()) {
    const size_t half = std::min<size_t>(most / 2 + 1, distinct_rest);
    const size_t left = static_cast<size_t>(most) - std::min(knots.size(), static_cast<size_t>(most));
    AddQuantiles(rest, rest.size() < kFewestRest ? 2 : std::max<size_t>({left, half, 2}), &knots);
  }
  return {knots.begin(), knots.end()};
}

}  // namespace tandem
