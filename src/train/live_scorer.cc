#include "src/train/live_scorer.h"

#include <algorithm>

#include "tandem/status.h"

namespace tandem {
namespace {

// Rows that go through a tower at a time: their activations stay in the cache.
constexpr int kTileRows = 128;

}  // namespace

struct LiveScorer::Tile {
  AlignedFloats x;
  std::vector<float> linear;
  CommitteeWorkspace teacher;
  TowerWorkspace student;
};

LiveScorer::LiveScorer(const DualModel& model, Which which, Workers* workers)
    : model_(model),
      of_teacher_(which == Which::kTeacher),
      embedding_(of_teacher_ ? model.embedding() : model.student_embedding()),
      view_(of_teacher_ ? model.served_teacher_input() : model.served_student_input()),
      workers_(*workers) {
  const int sums = of_teacher_ ? model.teacher().linear() : model.student().linear();
  for (int worker = 0; worker < workers_.size(); ++worker) {
    auto tile = std::make_unique<Tile>();
    tile->x.resize(kTileRows * view_.fields.size() * embedding_.dim());
    tile->linear.resize(static_cast<size_t>(kTileRows) * sums);
    if (of_teacher_) tile->teacher = model.teacher().MakeWorkspace(kTileRows);
    if (!of_teacher_) tile->student = model.student().MakeWorkspace(kTileRows);
    tiles_.push_back(std::move(tile));
  }
}

LiveScorer::~LiveScorer() = default;

absl::Status LiveScorer::Score(const Batch& batch, std::vector<float>* logits,
                               std::vector<std::vector<float>>* kinds) {
  TANDEM_RETURN_IF_ERROR(embedding_.Lookup(batch, &rows_));
  logits->resize(batch.rows());
  if (kinds != nullptr) {
    kinds->resize(of_teacher_ ? model_.teacher().weighed_kinds() : 0);
    for (std::vector<float>& kind : *kinds) kind.resize(batch.rows());
  }
  const int floats = static_cast<int>(view_.fields.size()) * embedding_.dim();
  workers_.ForEach((batch.rows() + kTileRows - 1) / kTileRows, [&](int task, int worker) {
    Tile& tile = *tiles_[worker];
    const int first = task * kTileRows;
    const Matrix x{tile.x.data(), std::min(kTileRows, batch.rows() - first), floats, floats};
    float* const sums = tile.linear.empty() ? nullptr : tile.linear.data();
    embedding_.Gather(batch, rows_, first, view_, x,
                      of_teacher_ ? LinearSums{sums, nullptr} : LinearSums{nullptr, sums});
    if (!of_teacher_) {
      model_.student().Forward(x, sums, nullptr, &tile.student, logits->data() + first);
      return;
    }
    model_.teacher().Forward(x, sums, nullptr, &tile.teacher, logits->data() + first);
    if (kinds == nullptr || kinds->empty()) return;
    std::vector<float*> to;
    for (std::vector<float>& kind : *kinds) to.push_back(kind.data() + first);
    model_.teacher().KindLogits(&tile.teacher, x.rows, to.data());
  });
  return absl::OkStatus();
}

}  // namespace tandem
