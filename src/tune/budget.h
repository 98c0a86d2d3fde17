// What of a tuning's budget is for what: how long it searches, who is trained again, who takes too long.
// Decisions alone; functions of the trials so far.
#ifndef TANDEM_SRC_TUNE_BUDGET_H_
#define TANDEM_SRC_TUNE_BUDGET_H_

#include <vector>

#include "src/tune/ledger.h"

namespace tandem {

struct Budget {
  double seconds = 0;  // of all calls together
  int jobs = 1;        // trainings at a time
};

// Trials that are done, the best first; an id breaks ties.
std::vector<const Trial*> Ranked(const std::vector<Trial>& trials);

// Seconds of the budget at which the search ends: two thirds of it, or earlier, so that trial 0 and the
// best one can be trained once more. May lie in the past.
double SearchEnd(const std::vector<Trial>& trials, const Budget& budget);

// Trial 0 and the best of the others, three at most: as many as the rest of the budget trains twice, or else
// once, and one in any case. That trial 0 was ahead in the search is no reason against them: it may have been
// lucky. Empty where no other is done. Trial 0 is done.
std::vector<int> Contenders(const std::vector<Trial>& trials, const Budget& budget, double elapsed);
// How often they are trained again at most, with so many disjoint shares of the rows: each holds out one, the
// first of which has chosen.
int MostRounds(int parts);

// A trial that takes four times as long as trial 0 took, where that is done, and more than a sixth of the
// budget: on a machine that others use times tell little.
bool IsTooSlow(const std::vector<Trial>& trials, const Budget& budget, double seconds);

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_BUDGET_H_
