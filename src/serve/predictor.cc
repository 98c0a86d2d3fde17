#include "tandem/predictor.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "config/experiment.pb.h"
#include "src/util/profile.h"
#include "tandem/bundle.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.h"
#include "tandem/files.h"
#include "tandem/loss.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Rows that go through the towers at a time: their activations stay in the cache.
constexpr int kTileRows = 128;

}  // namespace

struct Predictor::Workspace {
  BatchRows rows;
  AlignedFloats x;
  std::vector<float> teacher_linear, student_linear;
  TowerWorkspace teacher, student;
  std::vector<float> logits;
};

// Workspaces that no thread is using.
struct Predictor::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> free;
};

Predictor::Predictor() : pool_(std::make_unique<Pool>()) {}
Predictor::~Predictor() = default;

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Load(const std::string& model,
                                                           const PredictorOptions& options) {
  FileSystem& fs = FileSystem::Default();
  std::unique_ptr<Predictor> predictor(new Predictor());
  TANDEM_ASSIGN_OR_RETURN(predictor->directory_, ResolveModel(fs, model));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, ReadModelExperiment(fs, predictor->directory_));
  TANDEM_RETURN_IF_ERROR(ChooseTowers(options.towers, predictor->directory_, &experiment));
  // The correction belongs to the log that the model learned from, whatever the file to score is.
  predictor->logit_offset_ = std::log(experiment.data().negative_keep_rate());
  for (const std::string& override_text : options.data_overrides) {
    TANDEM_RETURN_IF_ERROR(ApplyOverride(override_text, &experiment));
  }
  const Kernels* kernels = options.kernels;
  if (kernels == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(kernels, FindKernels("auto"));
  }
  TANDEM_ASSIGN_OR_RETURN(predictor->model_, LoadModel(fs, predictor->directory_, experiment, *kernels));
  return predictor;
}

const Schema& Predictor::schema() const { return model_->schema(); }
bool Predictor::has_teacher() const { return model_->has_teacher(); }
bool Predictor::has_student() const { return model_->has_student(); }
const proto::Experiment& Predictor::experiment() const { return model_->experiment(); }

void Predictor::Score(const Batch& batch, Scores* scores) const {
  std::unique_ptr<Workspace> w;
  {
    std::lock_guard<std::mutex> lock(pool_->mutex);
    if (!pool_->free.empty()) {
      w = std::move(pool_->free.back());
      pool_->free.pop_back();
    }
  }
  const EmbeddingLayer& embedding = model_->embedding();
  const int row_floats = embedding.fields() * embedding.dim();
  if (w == nullptr) {
    w = std::make_unique<Workspace>();
    w->x.resize(static_cast<size_t>(kTileRows) * row_floats);
    if (has_teacher()) w->teacher = model_->teacher().MakeWorkspace(kTileRows);
    if (has_student()) w->student = model_->student().MakeWorkspace(kTileRows);
    if (has_teacher() && model_->teacher().linear()) w->teacher_linear.resize(kTileRows);
    if (has_student() && model_->student().linear()) w->student_linear.resize(kTileRows);
    w->logits.resize(kTileRows);
  }
  scores->teacher.resize(has_teacher() ? batch.rows() : 0);
  scores->student.resize(has_student() ? batch.rows() : 0);
  LinearSums linear;
  if (!w->teacher_linear.empty()) linear.teacher = w->teacher_linear.data();
  if (!w->student_linear.empty()) linear.student = w->student_linear.data();

  {
    StageTimer timer(Stage::kLookup, batch.rows());
    embedding.Lookup(batch, &w->rows);
  }
  for (int first = 0; first < batch.rows(); first += kTileRows) {
    const Matrix x{w->x.data(), std::min(kTileRows, batch.rows() - first), row_floats, row_floats};
    {
      StageTimer timer(Stage::kGather, x.rows);
      embedding.Gather(batch, w->rows, first, x, linear);
    }
    const auto probabilities = [&](float* out) {
      for (int row = 0; row < x.rows; ++row)
        out[row] = static_cast<float>(Sigmoid(w->logits[row] + logit_offset_));
    };
    if (has_teacher()) {
      StageTimer timer(Stage::kTeacherForward, x.rows);
      model_->teacher().Forward(x, linear.teacher, nullptr, &w->teacher, w->logits.data());
      probabilities(scores->teacher.data() + first);
    }
    if (has_student()) {
      StageTimer timer(Stage::kStudentForward, x.rows);
      model_->student().Forward(x, linear.student, nullptr, &w->student, w->logits.data());
      probabilities(scores->student.data() + first);
    }
  }
  std::lock_guard<std::mutex> lock(pool_->mutex);
  pool_->free.push_back(std::move(w));
}

}  // namespace tandem
