// Who is a loser, and stops early: successive halving, asynchronously.
//
//   Halving halving;
//   if (!halving.GoesOn(/*trial=*/4, /*rung=*/2, /*figure=*/0.2781)) ...      // stop it
//
// At a rung, a number of passes, a trial goes on when its figure is among the better half of those that have
// been there so far, its own included (successive halving: Jamieson and Talwalkar 2016, algorithm 1; that
// nobody waits for the others: ASHA, Li et al. 2020, which Hyperband, Li et al. 2018, became; here with a
// factor of 2). A tie goes on; the first ones do in any case. Lower is better. Not thread-safe.
#ifndef TANDEM_SRC_TUNE_HALVING_H_
#define TANDEM_SRC_TUNE_HALVING_H_

#include <map>

namespace tandem {

class Halving {
 public:
  // The end of the passes, before a student phase that may be as dear as they were.
  static constexpr int kEndOfPasses = 0;
  // Passes after which trials are compared: 2, 4, 8, ...
  static bool IsRung(int passes) { return passes >= 2 && (passes & (passes - 1)) == 0; }

  // Keeps the figure; a trial that comes again, after a break, replaces its own.
  bool GoesOn(int trial, int rung, double figure);

 private:
  std::map<int, std::map<int, double>> figures_;  // by rung and trial
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_HALVING_H_
