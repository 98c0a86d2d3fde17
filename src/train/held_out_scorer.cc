#include "src/train/held_out_scorer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "src/train/committee_mean.h"
#include "src/train/live_scorer.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 16384;
// What a tower has said of the rows.
class TowerScores {
 public:
  TowerScores(const DualModel& model, LiveScorer::Which which, Workers* workers)
      : teacher_(which == LiveScorer::Which::kTeacher ? &model.teacher() : nullptr),
        scorer_(model, which, workers),
        kinds_(teacher_ != nullptr ? teacher_->weighed_kinds() : 0) {}

  absl::Status Add(const Batch& block) {
    TANDEM_RETURN_IF_ERROR(scorer_.Score(block, &logits_, &kind_logits_));
    for (int row = 0; row < block.rows(); ++row) {
      if (kinds_.kinds() == 0) {
        log_.Add(static_cast<float>(Sigmoid(logits_[row])), block.labels[row], block.weights[row], 0);
        continue;
      }
      for (int kind = 0; kind < kinds_.kinds(); ++kind) kinds_.Add(kind, kind_logits_[kind][row]);
      kinds_.AddLabel(block.labels[row], block.weights[row]);
    }
    return absl::OkStatus();
  }
  // All rows are there. What they say of the committee's mean; not set where that isn't learned.
  std::optional<CommitteeMean> Mean() {
    if (kinds_.kinds() == 0) return std::nullopt;
    CommitteeMean mean = LearnMean(kinds_, teacher_->first_mean());
    for (int64_t row = 0; row < kinds_.rows(); ++row) {
      log_.Add(static_cast<float>(Sigmoid(kinds_.Mean(mean, row))), kinds_.label(row), kinds_.weight(row), 0);
    }
    return mean;
  }
  Metrics Result() const { return ComputeMetrics(log_, /*with_groups=*/false); }
  ScoreEvidence Evidence() const { return EvidenceOf(log_, std::max<int64_t>(1, log_.rows())); }

 private:
  const Committee* const teacher_;  // null: it is the student
  LiveScorer scorer_;
  std::vector<float> logits_;                    // of the block
  std::vector<std::vector<float>> kind_logits_;  // the same
  KindScores kinds_;
  ScoreLog log_;
};

}  // namespace

HeldOutScorer::HeldOutScorer(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema,
                             HeldOutLog log, Workers* workers)
    : fs_(fs),
      format_(MakeSampleFormat(experiment.data())),
      schema_(schema),
      log_(std::move(log)),
      workers_(*workers) {}

absl::StatusOr<HeldOutScores> HeldOutScorer::Score(const DualModel& model, const Towers& towers,
                                                   Quarantine* quarantine) const {
  std::vector<std::string> files;
  for (const Day& day : log_.days) files.insert(files.end(), day.files.begin(), day.files.end());
  std::optional<TowerScores> teacher, student;
  if (towers.teacher) teacher.emplace(model, LiveScorer::Which::kTeacher, &workers_);
  if (towers.student) student.emplace(model, LiveScorer::Which::kStudent, &workers_);
  DayReader reader(fs_, *format_, schema_, RowUse::kEvaluate, files, quarantine, &workers_, log_.choice);
  HeldOutScores scores;
  Batch block(static_cast<int>(schema_.fields().size()));
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(kBlockRows, &block));
    if (!more) break;
    block.TakeUnlabelled(nullptr);
    scores.rows += block.rows();
    if (teacher.has_value()) TANDEM_RETURN_IF_ERROR(teacher->Add(block));
    if (student.has_value()) TANDEM_RETURN_IF_ERROR(student->Add(block));
  }
  if (scores.rows == 0) {
    return DataError("train.validation: not one row with a label is held out",
                     log_.choice.share > 0 ? "; a larger share, or more rows, would give some" : "");
  }
  if (teacher.has_value()) {
    scores.mean = teacher->Mean();
    scores.teacher = teacher->Result();
    scores.verdicts.Judge(TowerVerdicts::kTeacher, teacher->Evidence());
  }
  if (student.has_value()) {
    scores.student = student->Result();
    scores.verdicts.Judge(TowerVerdicts::kStudent, student->Evidence());
  }
  return scores;
}

}  // namespace tandem
