#include "tandem/trainer.h"

#include <glog/logging.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "config/experiment.pb.h"
#include "src/util/profile.h"
#include "tandem/optimizer.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Floats of a flat vector that a worker reduces and updates at a time: with gradients and slots they stay in
// the cache from the one to the other.
constexpr int64_t kChunkFloats = 8192;

// sg(x) of the method: who reads the result has no way to send a gradient back.
ConstMatrix StopGradient(ConstMatrix x) { return x; }

double SumOfSquares(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

bool AllFinite(const float* x, int64_t n) {
  // Lanes of their own, as the compiler may not reorder a sum. 0 * x is NaN where x isn't finite.
  float zero[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) zero[lane] += 0 * x[i + lane];
  }
  for (; i < n; ++i) zero[0] += 0 * x[i];
  for (int lane = 1; lane < 16; ++lane) zero[0] += zero[lane];
  return zero[0] == 0;
}

}  // namespace

// A piece of a flat vector, of one kind of parameters.
struct Trainer::Chunk {
  int64_t offset;
  int64_t size;
  ParameterKind kind;
};

// What a shard leaves behind for the reduction.
struct Trainer::Shard {
  int first_row = 0;
  int rows = 0;
  LossTerms terms;
  std::vector<double> teacher_statistics, student_statistics, loss_statistics;
};

// Activations of the shard that a worker is at.
struct Trainer::Worker {
  AlignedFloats x;
  std::vector<float> teacher_linear, student_linear;
  TowerWorkspace teacher, student;
  LossWorkspace loss;
  LossShard loss_shard;
  LossGradients loss_gradients;
};

// A flat vector that is trained, with its gradients shard by shard.
struct Trainer::DensePart {
  std::string name;
  DenseParameters* parameters;
  const ParameterLayout* layout;
  int clip_group;  // parts of one tower are clipped by their common norm
  double rate_multiplier;
  std::vector<Chunk> chunks;
  std::vector<AlignedFloats> gradients;
  std::vector<float*> active;
  std::vector<double> squares;  // of the reduced gradient, a chunk; only where the norm is limited
};

std::vector<Trainer::Chunk> Trainer::TrainedChunks(const ParameterLayout& layout) {
  std::vector<Chunk> chunks;
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.kind == ParameterKind::kStatistic) continue;
    for (int64_t begin = 0; begin < block.size; begin += kChunkFloats) {
      chunks.push_back({block.offset + begin, std::min(kChunkFloats, block.size - begin), block.kind});
    }
  }
  return chunks;
}

void Trainer::AddByTree(const std::vector<float*>& gradients, const Chunk& chunk) {
  for (size_t distance = 1; distance < gradients.size(); distance *= 2) {
    for (size_t i = 0; i + distance < gradients.size(); i += 2 * distance) {
      float* __restrict sum = gradients[i] + chunk.offset;
      const float* __restrict other = gradients[i + distance] + chunk.offset;
      for (int64_t j = 0; j < chunk.size; ++j) sum[j] += other[j];
    }
  }
}

Trainer::Trainer(DualModel* model, TrainedParts parts, int64_t step, int64_t optimizer_steps,
                 Workers* workers)
    : model_(*model),
      workers_(*workers),
      parts_(parts),
      step_(step),
      optimizer_steps_(optimizer_steps),
      shard_rows_(model->experiment().train().shard_rows()),
      optimizer_(MakeOptimizer(model->experiment().train().optimizer())) {
  const auto add_part = [&](const char* name, DenseParameters* parameters, const ParameterLayout& layout,
                            int clip_group, double rate_multiplier) {
    auto part = std::make_unique<DensePart>();
    *part = {name, parameters, &layout, clip_group, rate_multiplier, TrainedChunks(layout), {}, {}, {}};
    part->squares.resize(part->chunks.size());
    dense_.push_back(std::move(part));
    return dense_.back().get();
  };
  const double student_rate = model_.experiment().train().student_lr_multiplier();
  if (model_.has_teacher() && parts_ == TrainedParts::kAll) {
    teacher_part_ = add_part("teacher", &model_.teacher_parameters(), model_.teacher().layout(), 0, 1);
  }
  if (model_.has_student()) {
    student_part_ =
        add_part("student", &model_.student_parameters(), model_.student().layout(), 1, student_rate);
    if (model_.loss().layout().size() > 0) {
      adapter_part_ =
          add_part("adapters", &model_.adapter_parameters(), model_.loss().layout(), 1, student_rate);
    }
  }
  for (const auto& part : dense_) {
    for (size_t c = 0; c < part->chunks.size(); ++c)
      chunk_tasks_.emplace_back(part.get(), static_cast<int>(c));
  }
  const int row_floats = model_.embedding().fields() * model_.embedding().dim();
  for (int worker = 0; worker < workers_.size(); ++worker) {
    auto w = std::make_unique<Worker>();
    w->x.resize(static_cast<size_t>(shard_rows_) * row_floats);
    if (model_.has_teacher()) {
      w->teacher = model_.teacher().MakeWorkspace(shard_rows_);
      if (model_.teacher().linear()) w->teacher_linear.resize(shard_rows_);
    }
    if (model_.has_student()) {
      w->student = model_.student().MakeWorkspace(shard_rows_);
      if (model_.student().linear()) w->student_linear.resize(shard_rows_);
    }
    w->loss = model_.loss().MakeWorkspace(shard_rows_);
    workspaces_.push_back(std::move(w));
  }
}

Trainer::~Trainer() = default;

// Cuts the batch into shards and makes room for what they leave behind; allocates only when a batch is larger
// than any before.
void Trainer::Reserve(int rows) {
  active_shards_ = (rows + shard_rows_ - 1) / shard_rows_;
  while (static_cast<int>(shards_.size()) < active_shards_) {
    auto shard = std::make_unique<Shard>();
    if (model_.has_teacher()) shard->teacher_statistics.resize(model_.teacher().statistics_size());
    if (model_.has_student()) shard->student_statistics.resize(model_.student().statistics_size());
    shard->loss_statistics.resize(model_.loss().statistics_size());
    shards_.push_back(std::move(shard));
    for (const auto& part : dense_) part->gradients.emplace_back(part->layout->size(), 0.0f);
  }
  for (int s = 0; s < active_shards_; ++s) {
    shards_[s]->first_row = s * shard_rows_;
    shards_[s]->rows = std::min(shard_rows_, rows - s * shard_rows_);
  }
  for (const auto& part : dense_) {
    part->active.clear();
    for (int s = 0; s < active_shards_; ++s) part->active.push_back(part->gradients[s].data());
  }
  d_x_.resize(static_cast<size_t>(rows) * model_.embedding().fields() * model_.embedding().dim());
  result_.teacher_logits.resize(model_.has_teacher() ? rows : 0);
  result_.student_logits.resize(model_.has_student() ? rows : 0);
  d_teacher_logits_.resize(result_.teacher_logits.size());
  d_student_logits_.resize(result_.student_logits.size());
}

absl::StatusOr<const StepResult*> Trainer::Step(const Batch& batch) {
  ++step_;
  const proto::Train& train = model_.experiment().train();
  const double rate_scale = ScheduleFactor(train.schedule(), step_);
  const bool trains_embedding = parts_ == TrainedParts::kAll;

  if (trains_embedding) {
    StageTimer timer(Stage::kResolve);
    model_.embedding().Resolve(batch, step_, &workers_, &rows_);
  } else {
    StageTimer timer(Stage::kResolve);
    model_.embedding().Lookup(batch, &rows_);
  }
  Reserve(batch.rows());
  {
    StageTimer timer(Stage::kShards);
    workers_.ForEach(active_shards_,
                     [&](int shard, int worker) { RunShard(batch, shard, workspaces_[worker].get()); });
  }

  result_.terms = LossTerms();
  for (int s = 0; s < active_shards_; ++s) result_.terms.Add(shards_[s]->terms);
  result_.terms.Divide(batch.rows());

  if (trains_embedding) {
    EmbeddingGradients gradients;
    const int row_floats = model_.embedding().fields() * model_.embedding().dim();
    gradients.d_x = {d_x_.data(), batch.rows(), row_floats, row_floats};
    if (model_.has_teacher() && model_.teacher().linear())
      gradients.d_teacher_linear = d_teacher_logits_.data();
    if (model_.has_student() && model_.student().linear())
      gradients.d_student_linear = d_student_logits_.data();
    const absl::Status updated = model_.embedding().Update(
        batch, rows_, gradients, step_, rate_scale, rate_scale * train.student_lr_multiplier(), &workers_);
    if (!updated.ok()) return updated;
  }
  ++optimizer_steps_;
  {
    StageTimer timer(Stage::kDenseUpdate, active_shards_);
    TANDEM_RETURN_IF_ERROR(UpdateDense(rate_scale));
    UpdateStatistics(batch.rows());
  }
  {
    StageTimer timer(Stage::kPrepare);
    model_.Prepare();
  }
  return &result_;
}

void Trainer::RunShard(const Batch& batch, int shard_index, Worker* w) {
  Shard& shard = *shards_[shard_index];
  const bool has_teacher = model_.has_teacher();
  const bool has_student = model_.has_student();
  const int row_floats = model_.embedding().fields() * model_.embedding().dim();
  const Matrix x{w->x.data(), shard.rows, row_floats, row_floats};
  const TrainingPass pass{model_.experiment().train().seed(), step_, shard.first_row};
  LinearSums linear;
  if (!w->teacher_linear.empty()) linear.teacher = w->teacher_linear.data();
  if (!w->student_linear.empty()) linear.student = w->student_linear.data();

  {
    StageTimer timer(Stage::kGather, shard.rows);
    model_.embedding().Gather(batch, rows_, shard.first_row, x, linear);
  }

  LossShard& loss = w->loss_shard;
  LossGradients& gradients = w->loss_gradients;
  loss.rows = shard.rows;
  loss.batch_rows = batch.rows();
  loss.labels = batch.labels.data() + shard.first_row;
  loss.weights = batch.weights.data() + shard.first_row;
  float* d_teacher = nullptr;
  float* d_student = nullptr;
  if (has_teacher) {
    StageTimer timer(Stage::kTeacherForward, shard.rows);
    float* logits = result_.teacher_logits.data() + shard.first_row;
    const bool trained = parts_ == TrainedParts::kAll;
    model_.teacher().Forward(x, linear.teacher, trained ? &pass : nullptr, &w->teacher, logits);
    loss.teacher_logits = logits;
    d_teacher = d_teacher_logits_.data() + shard.first_row;
  }
  if (has_student) {
    StageTimer timer(Stage::kStudentForward, shard.rows);
    float* logits = result_.student_logits.data() + shard.first_row;
    model_.student().Forward(StopGradient(x), linear.student, &pass, &w->student, logits);
    loss.student_logits = logits;
    d_student = d_student_logits_.data() + shard.first_row;
  }
  const auto& hinted = model_.hinted_layers();
  loss.teacher_hidden.resize(hinted.size());
  loss.student_hidden.resize(hinted.size());
  gradients.d_student_hidden.resize(hinted.size());
  for (size_t k = 0; k < hinted.size(); ++k) {
    loss.teacher_hidden[k] = w->teacher.mlp.hidden(hinted[k].first);
    loss.student_hidden[k] = w->student.mlp.hidden(hinted[k].second);
    gradients.d_student_hidden[k] = w->student.mlp.HiddenGradient(hinted[k].second);
  }
  if (adapter_part_ != nullptr) gradients.parameters = adapter_part_->active[shard_index];
  gradients.d_teacher_logits = d_teacher;
  gradients.d_student_logits = d_student;
  {
    StageTimer timer(Stage::kLoss, shard.rows);
    model_.loss().Compute(loss, &w->loss, &gradients, &shard.terms);
  }

  const Matrix d_x{d_x_.data() + static_cast<int64_t>(shard.first_row) * row_floats, shard.rows, row_floats,
                   row_floats};
  if (student_part_ != nullptr) {
    StageTimer timer(Stage::kStudentBackward, shard.rows);
    const bool owns_embedding = !has_teacher && parts_ == TrainedParts::kAll;
    model_.student().Backward(x, d_student, &w->student, owns_embedding ? &d_x : nullptr,
                              student_part_->active[shard_index]);
  }
  if (teacher_part_ != nullptr) {
    StageTimer timer(Stage::kTeacherBackward, shard.rows);
    model_.teacher().Backward(x, d_teacher, &w->teacher, &d_x, teacher_part_->active[shard_index]);
  }

  if (teacher_part_ != nullptr)
    model_.teacher().SumStatistics(x, w->teacher, shard.teacher_statistics.data());
  if (has_student) model_.student().SumStatistics(x, w->student, shard.student_statistics.data());
  model_.loss().SumStatistics(loss, shard.loss_statistics.data());
}

// Calls f(part, chunk index) for every chunk of every trained part, on all workers.
template <typename F>
void Trainer::ForEachChunk(const F& f) {
  workers_.ForEach(static_cast<int>(chunk_tasks_.size()),
                   [&](int task, int /*worker*/) { f(chunk_tasks_[task].first, chunk_tasks_[task].second); });
}

absl::Status Trainer::UpdateDense(double rate_scale) {
  const bool clips = model_.experiment().train().clip_norm() > 0;
  if (clips) {
    // The norm is that of all sums, so that they come first.
    ForEachChunk([](DensePart* part, int c) {
      AddByTree(part->active, part->chunks[c]);
      part->squares[c] = SumOfSquares(part->active[0] + part->chunks[c].offset, part->chunks[c].size);
    });
  }
  std::atomic<const DensePart*> not_finite{nullptr};
  ForEachChunk([&](DensePart* part, int c) {
    const Chunk& chunk = part->chunks[c];
    if (!clips) AddByTree(part->active, chunk);
    if (!AllFinite(part->active[0] + chunk.offset, chunk.size)) {
      not_finite = part;
      return;
    }
    UpdateChunk(part, chunk, rate_scale);
  });
  if (not_finite != nullptr) {
    return absl::InternalError(absl::StrCat("step ", step_, ": the gradient of ", not_finite.load()->name,
                                            " isn't finite; a lower rate or train.clip_norm may help"));
  }
  return absl::OkStatus();
}

double Trainer::ClipScale(int clip_group) const {
  const double limit = model_.experiment().train().clip_norm();
  if (limit == 0) return 1;
  double squares = 0;
  for (const auto& part : dense_) {
    if (part->clip_group != clip_group) continue;
    for (const double chunk : part->squares) squares += chunk;
  }
  const double norm = std::sqrt(squares);
  return norm > limit ? limit / norm : 1;
}

void Trainer::UpdateChunk(DensePart* part, const Chunk& chunk, double rate_scale) {
  const proto::Train& train = model_.experiment().train();
  const UpdateStep step{rate_scale * part->rate_multiplier, optimizer_steps_};
  const auto clip = static_cast<float>(ClipScale(part->clip_group));
  float* gradient = part->active[0] + chunk.offset;
  float* values = part->parameters->values.data() + chunk.offset;
  if (clip != 1) {
    for (int64_t j = 0; j < chunk.size; ++j) gradient[j] *= clip;
  }
  if (chunk.kind == ParameterKind::kWeight && train.l2() > 0) {
    const auto l2 = static_cast<float>(train.l2());
    for (int64_t j = 0; j < chunk.size; ++j) gradient[j] += l2 * values[j];
  }
  if (chunk.kind == ParameterKind::kWeight && train.weight_decay() > 0) {
    const auto left = static_cast<float>(1 - optimizer_->rate() * step.rate_scale * train.weight_decay());
    for (int64_t j = 0; j < chunk.size; ++j) values[j] *= left;
  }
  optimizer_->Update(step, chunk.size, gradient, values, part->parameters->slots.data() + chunk.offset,
                     static_cast<int64_t>(part->parameters->values.size()));
}

void Trainer::UpdateStatistics(int rows) {
  const auto sum = [&](std::vector<double> Shard::*statistics) {
    std::vector<double>& total = (*shards_[0]).*statistics;
    for (int s = 1; s < active_shards_; ++s) {
      const std::vector<double>& other = (*shards_[s]).*statistics;
      for (size_t i = 0; i < total.size(); ++i) total[i] += other[i];
    }
    return total.data();
  };
  if (teacher_part_ != nullptr && model_.teacher().statistics_size() > 0) {
    model_.teacher().UpdateStatistics(sum(&Shard::teacher_statistics), rows,
                                      model_.teacher_parameters().values.data());
  }
  if (student_part_ != nullptr && model_.student().statistics_size() > 0) {
    model_.student().UpdateStatistics(sum(&Shard::student_statistics), rows,
                                      model_.student_parameters().values.data());
  }
  if (model_.loss().statistics_size() > 0) {
    model_.loss().UpdateStatistics(sum(&Shard::loss_statistics), rows,
                                   model_.adapter_parameters().values.data());
  }
}

}  // namespace tandem
