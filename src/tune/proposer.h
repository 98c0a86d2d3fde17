// Draws the settings of the next trial.
//
//   const Proposer proposer(&space, /*seed=*/1, IsValid);
//   const std::optional<Proposal> next = proposer.Draw(/*trial=*/7, before, finished);
//
// The first trials change each setting with a chance of about four in all, to any of its choices (random
// search, Bergstra and Bengio 2012); later every third does. The others take one of the best finished
// trials and move one to three of its settings, those with an order by a step (local search). A draw is a
// function of the seed, the trial's number, the trials before it and those that were finished by then.
// Thread-safe.
#ifndef TANDEM_SRC_TUNE_PROPOSER_H_
#define TANDEM_SRC_TUNE_PROPOSER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "src/tune/search_space.h"

namespace tandem {

// A trial whose training came to its end.
struct FinishedTrial {
  int trial = 0;
  Settings settings;
  double logloss = 0;
};

struct Proposal {
  Settings settings;
  int parent = -1;  // the trial that was changed; -1: none, the configuration as it is
};

class Proposer {
 public:
  // `is_valid`: whether the settings together make a configuration. `space` outlives it.
  Proposer(const SearchSpace* space, uint64_t seed, std::function<bool(const Settings&)> is_valid)
      : space_(*space), seed_(seed), is_valid_(std::move(is_valid)) {}

  // Settings that no trial of `before` has; nullopt where a few hundred draws find none.
  std::optional<Proposal> Draw(int trial, const std::vector<Settings>& before,
                               std::vector<FinishedTrial> finished) const;

 private:
  const SearchSpace& space_;
  const uint64_t seed_;
  const std::function<bool(const Settings&)> is_valid_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_PROPOSER_H_
