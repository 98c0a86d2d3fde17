// Scores the rows that a run holds out (train.validation), with the model that is being trained, as it would
// be evaluated and served now.
//
//   const HeldOutScorer scorer(fs, experiment, schema, {days, {RowChoice::kHeldOut, 0.1}}, &workers);
//   model->PrepareServed();
//   TANDEM_ASSIGN_OR_RETURN(const HeldOutScores scores, scorer.Score(*model, {.teacher = true}, nullptr));
//
// The rows are read anew each time: the memory doesn't grow with their number but by 20 bytes a row and
// tower. Features with a serving value have that. Results don't depend on the number of workers.
// Not ScoreFiles (tandem/score_files.h), which scores loaded models: here the towers are the trainer's own, a
// committee's mean is learned from the scores of its members, and the rows are read as the run reads them,
// with its quarantine.
#ifndef TANDEM_SRC_TRAIN_HELD_OUT_SCORER_H_
#define TANDEM_SRC_TRAIN_HELD_OUT_SCORER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "src/train/model_verdict.h"
#include "tandem/day_files.h"
#include "tandem/dual_model.h"
#include "tandem/metrics.h"
#include "tandem/quarantine.h"
#include "tandem/row_choice.h"
#include "tandem/sample_format.h"
#include "tandem/threads.h"

namespace tandem {

struct HeldOutScores {
  std::optional<Metrics> teacher, student;  // of those that were asked for
  TowerVerdicts verdicts;                   // of the same
  int64_t rows = 0;                         // with a label
  // Of the committee, where it is learned: the teacher's figures are of this one.
  std::optional<CommitteeMean> mean;
};

// Where the held-out rows are.
struct HeldOutLog {
  std::vector<Day> days;
  RowChoice choice;
};

class HeldOutScorer {
 public:
  // `fs`, `schema` and `workers` outlive it.
  HeldOutScorer(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema, HeldOutLog log,
                Workers* workers);

  struct Towers {
    bool teacher = false, student = false;
  };
  // The model's towers are prepared as they are to be scored. `quarantine` as in DayReader. A DataError where
  // there is no row with a label, and those of the files.
  absl::StatusOr<HeldOutScores> Score(const DualModel& model, const Towers& towers,
                                      Quarantine* quarantine) const;

 private:
  FileSystem& fs_;
  const std::unique_ptr<const SampleFormat> format_;
  const Schema& schema_;
  const HeldOutLog log_;
  Workers& workers_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_HELD_OUT_SCORER_H_
