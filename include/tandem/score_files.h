// Scores labelled files with one or more predictors: what every measurement of a model begins with.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(fs, {"logs/2000-12-0[2-8].tsv.gz"}));
//   TANDEM_ASSIGN_OR_RETURN(const std::vector<TowerLogs> logs, ScoreFiles({predictor.get()}, files));
//   const Metrics metrics = ComputeMetrics(logs[0].student, /*with_groups=*/false);
//
// A file is read once, whatever the number of predictors; rows are in memory a block at a time, their scores
// all of them (20 bytes a row and tower).
#ifndef TANDEM_SCORE_FILES_H_
#define TANDEM_SCORE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/metrics.h"
#include "tandem/predictor.h"
#include "tandem/unknown_ids.h"

namespace tandem {

// The scores by one predictor; empty for a tower that it doesn't hold.
struct TowerLogs {
  ScoreLog teacher, student;
  std::vector<ScoreLog> members;  // as Scores has them
  // Whether training had seen the row's group (user): its id has a row of its own in the model's table. A row
  // without one is unseen. Empty where the model has no single-valued sparse feature that reads
  // data.group_column.
  std::vector<bool> seen;
  int64_t unlabelled = 0;  // rows that were left out because they have no label
  std::vector<FeatureIds> ids;
};

// Scores every row of `files` (- is standard input) with each of the predictors, at least one and all of one
// schema: logs in their order, rows in the order of the files. A negative weighs 1 / data.negative_keep_rate,
// for those that were sampled away. Malformed rows are left out, with a warning, and those without a label
// (data.unlabelled), counted; so are rows without a finite score, a DataError where they are more than
// data.max_bad_fraction, or no row is left. Threads: runtime.threads of the first one.
absl::StatusOr<std::vector<TowerLogs>> ScoreFiles(const std::vector<const Predictor*>& predictors,
                                                  const std::vector<std::string>& files);

}  // namespace tandem

#endif  // TANDEM_SCORE_FILES_H_
