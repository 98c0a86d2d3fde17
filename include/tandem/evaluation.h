// What `evaluate` says of a tower: its metrics, those of users that training had seen and of others, and
// its calibration.
//
//   const Evaluation evaluation = Evaluate(log, /*with_groups=*/true, /*seen=*/{});
//   std::cout << EvaluationToJson(evaluation);
#ifndef TANDEM_EVALUATION_H_
#define TANDEM_EVALUATION_H_

#include <optional>
#include <string>
#include <vector>

#include "tandem/calibration.h"
#include "tandem/metrics.h"
#include "tandem/score_log.h"

namespace tandem {

// What `evaluate` says of a tower.
struct Evaluation {
  Metrics all;
  // The rows whose group (user) training had seen, and the others; where that is known.
  std::optional<Metrics> seen, unseen;
  std::vector<CalibrationBin> calibration;  // ten of equal count
};

// `seen`: a row each, or empty where it isn't known.
Evaluation Evaluate(const ScoreLog& log, bool with_groups, const std::vector<bool>& seen);

// {"auc":...,...,"seen":{"rows":4711,"auc":...},"unseen":{...},"calibration":[...]}: the metrics of all rows
// first, as MetricsToJson has them.
std::string EvaluationToJson(const Evaluation& evaluation);

}  // namespace tandem

#endif  // TANDEM_EVALUATION_H_
