#include "src/tune/budget.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr double kSearchShare = 2.0 / 3;
// What a training may take beyond what it took before.
constexpr double kReserve = 1.2;
constexpr double kTooSlow = 4, kLargeShare = 1.0 / 6;
constexpr size_t kMostContenders = 3;
constexpr int kWantedRounds = 2;
constexpr int kMostRounds = 5;

}  // namespace

std::vector<const Trial*> Ranked(const std::vector<Trial>& trials) {
  std::vector<const Trial*> ranked;
  for (const Trial& trial : trials)
    if (trial.state == Trial::kDone) ranked.push_back(&trial);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Trial* a, const Trial* b) { return *a->logloss < *b->logloss; });
  return ranked;
}

double SearchEnd(const std::vector<Trial>& trials, const Budget& budget) {
  const double end = kSearchShare * budget.seconds;
  if (trials.empty() || trials[0].state != Trial::kDone) return end;
  double best = 0;
  for (const Trial* trial : Ranked(trials))
    if (trial->id != 0 && best == 0) best = trial->seconds;
  const double base = trials[0].seconds;
  const double again = budget.jobs > 1 ? std::max(base, best) : base + best;
  return std::min(end, budget.seconds - kReserve * again);
}

std::vector<int> Contenders(const std::vector<Trial>& trials, const Budget& budget, double elapsed) {
  std::vector<int> best;
  for (const Trial* trial : Ranked(trials))
    if (trial->id != 0 && best.size() < kMostContenders) best.push_back(trial->id);
  if (best.empty()) return {};
  const double left = (budget.seconds - elapsed) * budget.jobs / kReserve;
  const auto cost = [&](size_t contenders) {
    double seconds = trials[0].seconds;
    for (size_t i = 0; i < contenders; ++i) seconds += trials[best[i]].seconds;
    return seconds;
  };
  size_t contenders = 1;
  for (const int rounds : {kWantedRounds, 1}) {
    for (size_t more = best.size(); more > 1 && contenders == 1; --more)
      if (rounds * cost(more) <= left) contenders = more;
  }
  best.resize(contenders);
  best.insert(best.begin(), 0);
  return best;
}

int MostRounds(int parts) { return parts > 1 ? std::min(kMostRounds, parts - 1) : kMostRounds; }

bool IsTooSlow(const std::vector<Trial>& trials, const Budget& budget, double seconds) {
  return trials[0].state == Trial::kDone && seconds > kTooSlow * trials[0].seconds &&
         seconds > kLargeShare * budget.seconds;
}

}  // namespace tandem
