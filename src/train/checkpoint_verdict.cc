#include "src/train/checkpoint_verdict.h"

#include "src/train/checkpoint_state.h"
#include "src/train/day_progress.h"
#include "src/train/model_verdict.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {

absl::StatusOr<proto::RunState> ReadJudgedRunState(FileSystem& fs, const std::string& checkpoint) {
  TANDEM_ASSIGN_OR_RETURN(proto::RunState state, ReadRunState(fs, checkpoint));
  // An online student is judged by its own guard.
  if (state.has_base_id()) return state;
  TANDEM_ASSIGN_OR_RETURN(const DayProgress day, ReadDayProgress(fs, checkpoint));
  const ScoreLog& labels = day.teacher.rows() > 0 ? day.teacher : day.student;
  if (labels.rows() == 0) return state;
  const bool first_rows = state.rows_good() - state.rows_unlabelled() - state.rows_held_out() == 0;
  if (state.pass() == 0) NoteLabels(labels, first_rows, &state);
  const bool held_out_judged =
      state.validation().stage() != proto::ValidationState::PASSES || state.validation().validations() > 0;
  if (held_out_judged) return state;
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadCheckpointExperiment(fs, checkpoint));
  const int batch_rows = experiment.train().batch_size();
  TowerVerdicts verdicts;
  verdicts.Judge(TowerVerdicts::kTeacher, LastEvidenceOf(day.teacher, batch_rows));
  verdicts.Judge(TowerVerdicts::kStudent, LastEvidenceOf(day.student, batch_rows));
  NoteVerdicts(verdicts, &state);
  return state;
}

}  // namespace tandem
