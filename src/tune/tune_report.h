// What a tuning says at its end: the decision, the table, the configuration.
#ifndef TANDEM_SRC_TUNE_TUNE_REPORT_H_
#define TANDEM_SRC_TUNE_TUNE_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "src/tune/ledger.h"
#include "src/tune/row_losses.h"
#include "src/tune/search_space.h"
#include "tandem/experiment.pb.h"

namespace tandem {

// What the tuning comes to.
struct TuneVerdict {
  enum Kind {
    kBetter,        // than the configuration as it is, by more than the error
    kNotBetter,     // trained again, none was
    kNothingAhead,  // none was ahead in the search, nor trained again
    kNotConfirmed,  // some were ahead, but the budget or a signal left nothing to confirm them
  };
  Kind kind = kNothingAhead;
  int trial = 0;             // the best one: of those trained again, else of the search
  std::optional<Gain> gain;  // over trial 0, of kBetter and kNotBetter
};

// `confirmed`: losses by trial and round. The best of those that share rounds with trial 0 is better when
// its lead is larger than the error, or, with a single round, than twice that.
TuneVerdict Judge(const std::vector<Trial>& trials, const ConfirmedLosses& confirmed, bool same_rows);

// One sentence or two.
std::string VerdictText(const TuneVerdict& verdict, const std::vector<Trial>& trials);

// The best trials with their figures, trial 0 among them, and how many others there are.
std::string TrialsTable(const std::vector<Trial>& trials, const std::vector<Confirmation>& confirmations);

// `tuned` as text, with comments that name its settings of before and now. `facts` are sentences.
std::string TunedConfiguration(const proto::Experiment& tuned, const SearchSpace& space,
                               const Settings& settings, const std::vector<std::string>& facts,
                               const std::string& command);

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_TUNE_REPORT_H_
