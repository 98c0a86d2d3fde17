// Scores labelled files with one or more predictors: what every measurement of a model begins with.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(fs, {"logs/2000-12-0[2-8].tsv.gz"}));
//   TANDEM_ASSIGN_OR_RETURN(const std::vector<TowerLogs> logs, ScoreFiles({predictor.get()}, files));
//   const Metrics metrics = ComputeMetrics(logs[0].student, /*with_groups=*/false);
//
// A file is read once, whatever the number of predictors; rows are in memory a block at a time, their scores
// all of them (20 bytes a row and tower).
//
// Thread-safe: a function that keeps nothing, and predictors may be scored with by others meanwhile. What it
// reads and scores on its own threads comes out the same whatever their number.
#ifndef TANDEM_SCORE_FILES_H_
#define TANDEM_SCORE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/metrics.h"
#include "tandem/predictor.h"
#include "tandem/row_choice.h"
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
  int64_t not_finite = 0;  // rows that were left out because a predictor has no finite score of them
};

struct ScoreFilesOptions {
  // Rows that a run learns from, or holds out (train.validation). Where held-out ones are chosen, no others
  // are decoded, counted or judged.
  RowChoice choice;
  // Somebody has read the files before, and told what is malformed in them: it is left out in silence,
  // however much it is.
  bool judged = false;
  // 0: runtime.threads of the first predictor.
  int threads = 0;
};

// Scores the rows of `files` (- is standard input) with each of the predictors, at least one and all of one
// schema: logs in their order, rows in the order of the files. A negative weighs 1 / data.negative_keep_rate,
// for those that were sampled away. Malformed rows are left out, with a warning, and those without a label
// (data.unlabelled), counted; so are rows without a finite score, a DataError where they are more than
// data.max_bad_fraction, or no row is left.
absl::StatusOr<std::vector<TowerLogs>> ScoreFiles(const std::vector<const Predictor*>& predictors,
                                                  const std::vector<std::string>& files,
                                                  const ScoreFilesOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_SCORE_FILES_H_
