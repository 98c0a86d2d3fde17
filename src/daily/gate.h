// The gate between a new model and what is served.
//
//   const std::vector<std::string> reasons = GateReasons(experiment.daily().gate(), figures);
//   if (reasons.empty()) Publish();
//
// A figure that is undefined (one class only) keeps the model out where the gate asks for it. One that rests
// on few clicks must be beyond its limit by two standard errors: COPC by the Poisson interval of the clicks,
// the others by the errors given.
#ifndef TANDEM_SRC_DAILY_GATE_H_
#define TANDEM_SRC_DAILY_GATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tandem/experiment.pb.h"
#include "tandem/metrics.h"

namespace tandem {

// What is known of a model when it is judged.
struct GateFigures {
  Metrics candidate;                // its student on the day after its training
  std::optional<Metrics> in_place;  // the published student on the same rows; none: there is none yet
  int64_t newest_rows = 0;          // good rows of the newest day that it was trained on
  int64_t newest_bad = 0;           // and malformed ones
  double other_days_rows = 0;       // mean of the window's other days; 0 where it has none
  // One standard error of the AUC, and of the differences to the model in place; 0 where it isn't known.
  double auc_error = 0, auc_loss_error = 0, logloss_growth_error = 0;
  std::string verdict;  // why its run says that it should not be served; "": it doesn't
};

// Why the model must not be published, a sentence each with the figure and the option.
std::vector<std::string> GateReasons(const proto::Gate& gate, const GateFigures& figures);

}  // namespace tandem

#endif  // TANDEM_SRC_DAILY_GATE_H_
