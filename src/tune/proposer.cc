#include "src/tune/proposer.h"

#include <algorithm>

#include "tandem/random.h"

namespace tandem {
namespace {

constexpr int kRandomStart = 6;
// From then on every so many-th is drawn at random, too.
constexpr int kRandomEvery = 3;
constexpr double kSettingsAtRandom = 4;
constexpr int kMostMoves = 3;
// The share of the finished trials that are good ones, and how many of them at least and at most.
constexpr size_t kGoodShare = 4, kFewestGood = 2, kMostGood = 6;
constexpr int kAttempts = 300;

// Numbers of one attempt, one after another.
class Draws {
 public:
  Draws(uint64_t seed, int trial, int attempt)
      : random_(seed, RandomPurpose::kTuning,
                {static_cast<uint64_t>(trial), static_cast<uint64_t>(attempt)}) {}
  double Share() { return random_.UniformDouble(next_++); }
  int Below(size_t n) { return static_cast<int>(Share() * static_cast<double>(n)); }

 private:
  const Random random_;
  uint64_t next_ = 0;
};

// Any of the dimension's choices but `now`.
int OtherChoice(const Dimension& dimension, int now, Draws* draws) {
  const int other = draws->Below(dimension.values.size() - 1);
  return other < now ? other : other + 1;
}

int NextChoice(const Dimension& dimension, int now, Draws* draws) {
  if (!dimension.ordered) return OtherChoice(dimension, now, draws);
  const int last = static_cast<int>(dimension.values.size()) - 1;
  const bool up = now == 0 || (now < last && draws->Share() < 0.5);
  return up ? now + 1 : now - 1;
}

void DrawAtRandom(const std::vector<Dimension>& dimensions, Draws* draws, std::vector<int>* choices) {
  const double chance = std::min(1.0, kSettingsAtRandom / static_cast<double>(dimensions.size()));
  for (size_t i = 0; i < dimensions.size(); ++i)
    if (draws->Share() < chance) (*choices)[i] = OtherChoice(dimensions[i], dimensions[i].base, draws);
}

void Move(const std::vector<Dimension>& dimensions, Draws* draws, std::vector<int>* choices) {
  std::vector<size_t> left(dimensions.size());
  for (size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (int moves = 1 + draws->Below(kMostMoves); moves > 0 && !left.empty(); --moves) {
    const int drawn = draws->Below(left.size());
    const size_t i = left[drawn];
    left.erase(left.begin() + drawn);
    (*choices)[i] = NextChoice(dimensions[i], (*choices)[i], draws);
  }
}

}  // namespace

std::optional<Proposal> Proposer::Draw(int trial, const std::vector<Settings>& before,
                                       std::vector<FinishedTrial> finished) const {
  const std::vector<Dimension>& dimensions = space_.dimensions();
  if (dimensions.empty()) return std::nullopt;
  std::sort(finished.begin(), finished.end(), [](const FinishedTrial& a, const FinishedTrial& b) {
    return a.logloss != b.logloss ? a.logloss < b.logloss : a.trial < b.trial;
  });
  const size_t good =
      std::min(finished.size(), std::clamp(finished.size() / kGoodShare, kFewestGood, kMostGood));
  const bool local = good > 0 && trial > kRandomStart && trial % kRandomEvery != 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Draws draws(seed_, trial, attempt);
    Proposal proposal;
    std::vector<int> choices = space_.ChoicesOf({});
    if (local) {
      const FinishedTrial& parent = finished[draws.Below(good)];
      proposal.parent = parent.trial;
      choices = space_.ChoicesOf(parent.settings);
      Move(dimensions, &draws, &choices);
    } else {
      DrawAtRandom(dimensions, &draws, &choices);
    }
    proposal.settings = space_.SettingsOf(choices);
    if (std::find(before.begin(), before.end(), proposal.settings) != before.end()) continue;
    if (is_valid_(proposal.settings)) return proposal;
  }
  return std::nullopt;
}

}  // namespace tandem
