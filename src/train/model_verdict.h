// Whether a model should be served, by what the metrics of its run say of it: the last word of a run.
//
//   TowerVerdicts verdicts;
//   verdicts.Judge(TowerVerdicts::kStudent, EvidenceOf(scores, batch_rows, first_row));
//   NoteVerdicts(verdicts, &state);                       // state.verdict(), where there is something
//
// A tower is convicted when what it says is
//   EXPLODED              its log loss is more than twice the entropy of the click rate and one more, or nine
//                         tenths of its scores are 0 or 1 and wrong
//   CONSTANT              the same of all rows of a batch, in every batch
//   WORSE_THAN_BASE_RATE  worse than always saying the rows' click rate, by more than 2 % of its log loss
// each only where the difference of the two log losses is more than four of its standard errors, so that a
// few rows, or a few clicks, convict nobody. Scores are those of held-out rows where a run has them, else
// those of the last half of the last day, each made before the row was learned (in the last of several
// passes: again).
//
// A log of one class, or without a weight, is NOTHING_LEARNED_FROM: it takes one day with both to be another.
#ifndef TANDEM_SRC_TRAIN_MODEL_VERDICT_H_
#define TANDEM_SRC_TRAIN_MODEL_VERDICT_H_

#include <cstdint>
#include <optional>

#include "tandem/metrics.h"
#include "tandem/state.pb.h"

namespace tandem {

// What scores are, beside what the click rate alone would be. Rows of weight 0 aren't there.
struct ScoreEvidence {
  int64_t rows = 0;
  int64_t clicks = 0;            // rows with label 1
  double loss = 0, entropy = 0;  // log loss; that of always saying the click rate
  double error = 0;              // one standard error of their difference
  double extreme = 0;            // share of scores that float32 can't tell from 0 or 1
  bool constant = false;         // within each batch
};

// Of the rows from `first_row` on; rows were scored `batch_rows` at a time, from row 0 on.
ScoreEvidence EvidenceOf(const ScoreLog& log, int64_t batch_rows, int64_t first_row = 0);
// Of what was scored while it learned: the last half.
ScoreEvidence LastEvidenceOf(const ScoreLog& log, int64_t batch_rows);

class TowerVerdicts {
 public:
  enum Tower { kTeacher, kStudent };
  // Evidence of too few rows is none.
  void Judge(Tower tower, const ScoreEvidence& evidence);

 private:
  friend void NoteVerdicts(const TowerVerdicts& verdicts, proto::RunState* state);
  bool judged_[2] = {false, false};
  std::optional<proto::ModelVerdict> against_[2];
};

// Puts them in the place of what was said of these towers before. The student goes first: it is what is
// served.
void NoteVerdicts(const TowerVerdicts& verdicts, proto::RunState* state);

// A day's rows are learned in the first pass; `first`: no row was before them.
void NoteLabels(const ScoreLog& day, bool first, proto::RunState* state);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_MODEL_VERDICT_H_
