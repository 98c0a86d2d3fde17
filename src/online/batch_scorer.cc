#include "src/online/batch_scorer.h"

#include <algorithm>

#include "tandem/status.h"

namespace tandem {
namespace {

// Rows that are scored at a time.
constexpr int kTileRows = 128;

}  // namespace

struct BatchScorer::Worker {
  AlignedFloats x;
  std::vector<float> linear;
  TowerWorkspace tower;
};

BatchScorer::BatchScorer(const DualModel& model, Workers* workers) : model_(model), workers_(*workers) {
  const EmbeddingLayer& embedding = model.embedding();
  for (int i = 0; i < workers_.size(); ++i) {
    auto worker = std::make_unique<Worker>();
    worker->x.resize(static_cast<size_t>(kTileRows) * embedding.fields() * embedding.dim());
    worker->tower = model.student().MakeWorkspace(kTileRows);
    if (model.student().linear()) worker->linear.resize(kTileRows);
    workspaces_.push_back(std::move(worker));
  }
}

BatchScorer::~BatchScorer() = default;

absl::Status BatchScorer::Score(const Batch& batch, std::vector<float>* logits) {
  const int rows = batch.rows();
  const int row_floats = model_.embedding().fields() * model_.embedding().dim();
  TANDEM_RETURN_IF_ERROR(model_.embedding().Lookup(batch, &rows_));
  logits->resize(rows);
  workers_.ForEach((rows + kTileRows - 1) / kTileRows, [&](int tile, int worker) {
    Worker& w = *workspaces_[worker];
    const int first = tile * kTileRows;
    const Matrix x{w.x.data(), std::min(kTileRows, rows - first), row_floats, row_floats};
    LinearSums linear;
    if (!w.linear.empty()) linear.student = w.linear.data();
    model_.embedding().Gather(batch, rows_, first, x, linear);
    model_.student().Forward(x, linear.student, nullptr, &w.tower, logits->data() + first);
  });
  return absl::OkStatus();
}

}  // namespace tandem
