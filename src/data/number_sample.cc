#include "src/data/number_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/data/id_hash.h"

namespace tandem {
namespace {

// Of the quantiles: what is beyond them at either end.
constexpr double kTail = 0.005;
constexpr uint64_t kSampleSeed = 0x73616d706c65u;

struct Value {
  double number;
  int64_t count;
};

std::vector<Value> Distinct(const std::vector<double>& sorted) {
  constexpr double kWidest = std::numeric_limits<float>::max();
  std::vector<Value> values;
  for (const double number : sorted) {
    const double held = std::clamp(number, -kWidest, kWidest) + 0.0;  // of both zeros the same
    if (values.empty() || values.back().number != held) values.push_back({held, 0});
    ++values.back().count;
  }
  return values;
}

// The `knots` quantiles of values, in which counts are weights.
void AddQuantiles(const std::vector<Value>& values, int knots, std::vector<double>* to) {
  int64_t total = 0;
  for (const Value& value : values) total += value.count;
  int64_t below = 0;
  auto value = values.begin();
  for (int k = 0; k < knots; ++k) {
    const double share = knots == 1 ? 0.5 : kTail + (1 - 2 * kTail) * k / (knots - 1);
    const auto rank = static_cast<int64_t>(std::llround(share * static_cast<double>(total - 1)));
    while (below + value->count <= rank) below += (value++)->count;
    to->push_back(value->number);
  }
}

}  // namespace

void NumberSample::Add(uint64_t row, double number) {
  const uint64_t hash =
      IdHash(kSampleSeed, absl::string_view(reinterpret_cast<const char*>(&row), sizeof(row)));
  if (hash > limit_) return;
  kept_.emplace_back(hash, number);
  if (kept_.size() <= 2 * most_) return;
  // The rows of the smallest hashes stay.
  std::nth_element(kept_.begin(), kept_.begin() + most_, kept_.end());
  kept_.resize(most_);
  limit_ = std::max_element(kept_.begin(), kept_.end())->first;
}

std::vector<double> NumberSample::Sorted() const {
  std::vector<std::pair<uint64_t, double>> kept = kept_;
  if (kept.size() > most_) {
    std::nth_element(kept.begin(), kept.begin() + most_, kept.end());
    kept.resize(most_);
  }
  std::vector<double> sorted;
  sorted.reserve(kept.size());
  for (const auto& [hash, number] : kept) sorted.push_back(number);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::vector<double> ChooseKnots(const std::vector<double>& sorted, int most) {
  std::vector<Value> rest = Distinct(sorted);
  std::vector<double> knots;
  if (static_cast<int>(rest.size()) <= most) {
    for (const Value& value : rest) knots.push_back(value.number);
    return knots;
  }
  int64_t total = static_cast<int64_t>(sorted.size());
  // Whatever is as frequent as a knot's share of the rest is a knot, until nothing is.
  for (bool found = true; found;) {
    found = false;
    std::vector<Value> less;
    const int left = most - static_cast<int>(knots.size());
    const int64_t total_now = total;
    for (const Value& value : rest) {
      const bool frequent = value.count * left >= total_now && static_cast<int>(knots.size()) < most;
      if (frequent) {
        knots.push_back(value.number);
        total -= value.count;
        found = true;
      } else {
        less.push_back(value);
      }
    }
    rest = std::move(less);
  }
  const int left = most - static_cast<int>(knots.size());
  if (left > 0 && !rest.empty()) AddQuantiles(rest, left, &knots);
  std::sort(knots.begin(), knots.end());
  knots.erase(std::unique(knots.begin(), knots.end()), knots.end());
  return knots;
}

}  // namespace tandem
