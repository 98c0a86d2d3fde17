#include "src/train/day_account.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/train/model_verdict.h"
#include "src/train/run_progress.h"
#include "src/util/progress.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"
#include "tandem/metrics.h"
#include "tandem/row_fault.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Fewer rows of a class than this, in a log of some size, are warned of.
constexpr int64_t kFewLabels = 20, kFewestJudgedRows = 100;

const ScoreLog& Labelled(const DayProgress& day) {
  return day.teacher.rows() > 0 ? day.teacher : day.student;
}

}  // namespace

DayAccount::DayAccount(const proto::Experiment& experiment, std::string run_dir, DayProgress day,
                       proto::RunState* state)
    : experiment_(experiment),
      run_dir_(std::move(run_dir)),
      plan_(PlanOf(experiment)),
      validated_(experiment.train().has_validation()),
      state_(*state),
      day_(std::move(day)),
      counts_all_days_(state->pass() == 0 && state->day_index() == 0) {}

bool DayAccount::DistillsUnlabelled() const {
  return plan_.student && experiment_.data().unlabelled() == proto::Data::USE_TEACHER;
}

// For the metrics of the day, and at last for the verdict on the model.
bool DayAccount::KeepsScores(const LogEvent& event) const {
  const bool last = !validated_ && event.pass + 1 >= experiment_.train().epochs();
  return event.batch.labelled() && (event.pass == 0 || last);
}

void DayAccount::Add(const LogEvent& event, const StepResult& result) {
  if (!KeepsScores(event)) return;
  const Batch& batch = event.batch;
  const auto add = [&](const std::vector<float>& logits, ScoreLog* log) {
    for (size_t row = 0; row < logits.size(); ++row)
      log->Add(static_cast<float>(Sigmoid(logits[row])), batch.labels[row], batch.weights[row],
               batch.groups[row]);
  };
  add(result.teacher_logits, &day_.teacher);
  add(result.student_logits, &day_.student);
}

void DayAccount::Judge() {
  if (validated_) return;
  TowerVerdicts verdicts;
  const int batch_rows = experiment_.train().batch_size();
  verdicts.Judge(TowerVerdicts::kTeacher, LastEvidenceOf(day_.teacher, batch_rows));
  verdicts.Judge(TowerVerdicts::kStudent, LastEvidenceOf(day_.student, batch_rows));
  NoteVerdicts(verdicts, &state_);
}

void DayAccount::CountLabels() {
  const std::vector<float>& labels = Labelled(day_).labels();
  const int64_t clicks = std::count(labels.begin(), labels.end(), 1.0f);
  clicks_ += clicks;
  others_ += static_cast<int64_t>(labels.size()) - clicks;
}

DayReport DayAccount::EndFirstPass(const LogEvent& event, const Day& day) {
  const RowCounts& rows = event.day_rows;
  const bool first_rows = state_.rows_good() - state_.rows_unlabelled() - state_.rows_held_out() == 0;
  NoteLabels(Labelled(day_), first_rows, &state_);
  CountLabels();
  Judge();
  state_.set_rows_good(state_.rows_good() + rows.good);
  state_.set_rows_unlabelled(state_.rows_unlabelled() + rows.unlabelled);
  if (rows.held_out > 0) state_.set_rows_held_out(state_.rows_held_out() + rows.held_out);
  state_.add_day_batches(event.day_batches);
  DayReport report{state_.step(), day.date, rows.good - rows.held_out, rows.unlabelled, 0, {}, {}};
  for (int fault = 0; fault < kRowFaults; ++fault) {
    state_.set_rows_bad(fault, state_.rows_bad(fault) + rows.bad[fault]);
    report.malformed += rows.bad[fault];
  }
  const bool with_groups = !experiment_.data().group_column().empty();
  if (day_.teacher.rows() > 0) report.teacher = ComputeMetrics(day_.teacher, with_groups);
  if (day_.student.rows() > 0) report.student = ComputeMetrics(day_.student, with_groups);
  day_ = DayProgress();
  return report;
}

absl::Status DayAccount::EndLaterPass(const LogEvent& event, const Day& day) {
  Judge();
  day_ = DayProgress();
  if (event.day_batches == state_.day_batches(event.day)) return absl::OkStatus();
  return DataError(absl::StrJoin(day.files, ", "), ": has changed since it was first read (",
                   state_.day_batches(event.day), " batches then, ", event.day_batches,
                   " now); a run needs the log it began with");
}

absl::Status DayAccount::CheckRows() const {
  const int64_t rows = state_.rows_good() - state_.rows_held_out();
  if (rows == 0) {
    return DataError("data.path: ", experiment_.data().path(), ": not one row to train on; ",
                     state_.rows_held_out() > 0 ? "all of them are held out (train.validation)"
                                                : "is the log empty, or was all of it quarantined?");
  }
  const bool none = state_.rows_unlabelled() > 0 && state_.rows_unlabelled() == rows;
  if (!none || (DistillsUnlabelled() && !plan_.teacher)) return absl::OkStatus();
  return DataError("data.path: none of the ", rows, " rows of the window has a label, in column '",
                   experiment_.data().label(), "'; ",
                   plan_.teacher ? "a teacher needs some" : "with data.unlabelled: DROP nothing is left");
}

void DayAccount::Close() {
  Judge();
  const int64_t rows = clicks_ + others_, fewer = std::min(clicks_, others_);
  if (!counts_all_days_ || state_.has_verdict() || rows < kFewestJudgedRows || fewer >= kFewLabels) return;
  LOG(WARNING) << "only " << fewer << " of the " << FormatCount(rows) << " rows are "
               << (clicks_ < others_ ? "positive (label 1)" : "negative (label 0)")
               << ": next to nothing to learn from";
}

void DayAccount::SayVerdict() const {
  const bool nothing = state_.verdict().kind() == proto::ModelVerdict::NOTHING_LEARNED_FROM;
  const int64_t without_label = state_.rows_bad(static_cast<int>(RowFault::kLabel));
  LOG(WARNING) << "this model should not be served: " << state_.verdict().reason()
               << (nothing && without_label > 0
                       ? absl::StrCat("; ", FormatCount(without_label),
                                      " rows were set aside for their label (", run_dir_,
                                      "/quarantine): are they the other class?")
                       : "")
               << " (docs/poor_models.md)";
}

std::string DayAccount::Line() const {
  return RowsLine(state_, DistillsUnlabelled(), validated_ && experiment_.train().validation().then_learn());
}

}  // namespace tandem
