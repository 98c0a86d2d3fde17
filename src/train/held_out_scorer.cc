#include "src/train/held_out_scorer.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "src/train/committee_mean.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 16384;
// Rows that go through a tower at a time: their activations stay in the cache.
constexpr int kTileRows = 128;

// Kinds of members whose logits are wanted one by one.
int WeighedKinds(const Tower& /*tower*/) { return 0; }
int WeighedKinds(const Committee& committee) { return committee.weighed_kinds(); }

// One tower, or the committee, and what it has said.
template <typename AnyTower>
class TowerScores {
 public:
  TowerScores(const DualModel& model, const AnyTower& tower, bool of_teacher, Workers* workers)
      : tower_(tower),
        embedding_(of_teacher ? model.embedding() : model.student_embedding()),
        view_(of_teacher ? model.served_teacher_input() : model.served_student_input()),
        of_teacher_(of_teacher),
        width_(static_cast<int>(view_.fields.size()) * embedding_.dim()),
        workers_(*workers),
        kinds_(WeighedKinds(tower)),
        kind_logits_(kinds_.kinds()) {
    for (int worker = 0; worker < workers_.size(); ++worker) {
      tiles_.push_back({AlignedFloats(static_cast<size_t>(kTileRows) * width_),
                        std::vector<float>(static_cast<size_t>(kTileRows) * tower_.linear()),
                        tower_.MakeWorkspace(kTileRows)});
    }
  }

  absl::Status Add(const Batch& block) {
    TANDEM_RETURN_IF_ERROR(embedding_.Lookup(block, &rows_));
    logits_.resize(block.rows());
    for (std::vector<float>& logits : kind_logits_) logits.resize(block.rows());
    workers_.ForEach((block.rows() + kTileRows - 1) / kTileRows, [&](int task, int worker) {
      Tile& tile = tiles_[worker];
      const int first = task * kTileRows, rows = std::min(kTileRows, block.rows() - first);
      float* const sums = tower_.linear() ? tile.linear.data() : nullptr;
      embedding_.Gather(block, rows_, first, view_, {tile.x.data(), rows, width_, width_},
                        of_teacher_ ? LinearSums{sums, nullptr} : LinearSums{nullptr, sums});
      tower_.Forward({tile.x.data(), rows, width_, width_}, sums, nullptr, &tile.workspace,
                     logits_.data() + first);
      TakeKinds(first, rows, &tile);
    });
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
    if constexpr (std::is_same_v<AnyTower, Committee>) {
      if (kinds_.kinds() == 0) return std::nullopt;
      CommitteeMean mean = LearnMean(kinds_, tower_.first_mean());
      for (int64_t row = 0; row < kinds_.rows(); ++row) {
        log_.Add(static_cast<float>(Sigmoid(kinds_.Mean(mean, row))), kinds_.label(row), kinds_.weight(row),
                 0);
      }
      return mean;
    }
    return std::nullopt;
  }
  Metrics Result() const { return ComputeMetrics(log_, /*with_groups=*/false); }
  ScoreEvidence Evidence() const { return EvidenceOf(log_, std::max<int64_t>(1, log_.rows())); }

 private:
  struct Tile {
    AlignedFloats x;
    std::vector<float> linear;
    decltype(std::declval<AnyTower>().MakeWorkspace(0)) workspace;
  };

  void TakeKinds(int first, int rows, Tile* tile) {
    if constexpr (std::is_same_v<AnyTower, Committee>) {
      std::vector<float*> to;
      for (std::vector<float>& logits : kind_logits_) to.push_back(logits.data() + first);
      tower_.KindLogits(&tile->workspace, rows, to.data());
    }
  }

  const AnyTower& tower_;
  const EmbeddingLayer& embedding_;
  const EmbeddingView& view_;
  const bool of_teacher_;
  const int width_;
  Workers& workers_;
  std::vector<Tile> tiles_;  // a worker
  BatchRows rows_;
  std::vector<float> logits_;
  KindScores kinds_;
  std::vector<std::vector<float>> kind_logits_;  // of the block
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
  std::optional<TowerScores<Committee>> teacher;
  std::optional<TowerScores<Tower>> student;
  if (towers.teacher) teacher.emplace(model, model.teacher(), /*of_teacher=*/true, &workers_);
  if (towers.student) student.emplace(model, model.student(), /*of_teacher=*/false, &workers_);
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
