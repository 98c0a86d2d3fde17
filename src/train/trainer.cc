#include "tandem/trainer.h"

#include <glog/logging.h>

#include <algorithm>

#include "config/experiment.pb.h"
#include "src/config/methods.h"
#include "src/train/dense_update.h"
#include "src/train/recombine.h"
#include "src/train/replay.h"
#include "src/util/profile.h"
#include "tandem/optimizer.h"
#include "tandem/random.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Steps on the replay, and on recombined rows, have randomness of their own.
constexpr int kReplayShift = 40;
constexpr int kRecombinedShift = 52;

const proto::Muon* MuonOf(const proto::Tower& tower) { return tower.has_muon() ? &tower.muon() : nullptr; }

}  // namespace

// What a shard leaves behind for the reduction.
struct Trainer::Shard {
  int index = 0;
  int first_row = 0;
  int rows = 0;
  LossTerms terms;
  std::vector<double> teacher_statistics, student_statistics, loss_statistics;
};

// Activations of the shard that a worker is at.
struct Trainer::Worker {
  AlignedFloats x, student_x;  // student_x only where the student can't read x
  std::vector<float> teacher_linear, student_linear;
  TowerWorkspace teacher, student;
  LossWorkspace loss;
  LossShard loss_shard;
  LossGradients loss_gradients;
};

Trainer::Trainer(DualModel* model, TrainedParts parts, const TrainerClock& clock, Workers* workers)
    : model_(*model),
      workers_(*workers),
      parts_(parts),
      plan_(std::make_unique<MethodPlan>(PlanOf(model->experiment()))),
      step_(clock.step),
      joint_steps_(clock.joint_steps),
      distilled_steps_(clock.distilled_steps),
      shard_rows_(model->experiment().train().shard_rows()),
      dense_(std::make_unique<DenseUpdater>(model->experiment().train(), model->kernels(), workers)) {
  const proto::Train& train = model_.experiment().train();
  if (model_.has_teacher() && parts_ == TrainedParts::kAll) {
    teacher_part_ = dense_->Add({"teacher", &model_.teacher_parameters(), &model_.teacher().layout(),
                                 DenseUpdater::kTeacher, 1, MuonOf(model_.experiment().model().teacher())});
  }
  if (model_.has_student()) {
    const double rate = train.student_lr_multiplier();
    student_part_ =
        dense_->Add({"student", &model_.student_parameters(), &model_.student().layout(),
                     DenseUpdater::kStudent, rate, MuonOf(model_.experiment().model().student())});
    if (model_.loss().layout().size() > 0) {
      adapter_part_ = dense_->Add({"adapters", &model_.adapter_parameters(), &model_.loss().layout(),
                                   DenseUpdater::kStudent, rate, nullptr});
    }
    if (std::max(plan_->joint_steps, plan_->phase_steps) > 1)
      replay_ = std::make_unique<Replay>(train.replay_batches(), train.seed());
    if (plan_->recombined_batches > 0) recombined_ = std::make_unique<Recombined>();
  }
  dense_->set_updates(DenseUpdater::kTeacher, clock.teacher_updates);
  dense_->set_updates(DenseUpdater::kStudent, clock.student_updates);
  const int dim = model_.embedding().dim();
  for (int worker = 0; worker < workers_.size(); ++worker) {
    auto w = std::make_unique<Worker>();
    if (model_.has_teacher()) {
      w->x.resize(static_cast<size_t>(shard_rows_) * model_.teacher_input().fields.size() * dim);
      w->teacher = model_.teacher().MakeWorkspace(shard_rows_);
      if (model_.teacher().linear()) w->teacher_linear.resize(shard_rows_);
    }
    if (model_.has_student()) {
      w->student_x.resize(static_cast<size_t>(shard_rows_) * model_.student_input().fields.size() * dim);
      w->student = model_.student().MakeWorkspace(shard_rows_);
      if (model_.student().linear()) w->student_linear.resize(shard_rows_);
    }
    w->loss = model_.loss().MakeWorkspace(shard_rows_);
    w->loss_shard.teacher_hidden.reserve(model_.hinted_layers().size());
    w->loss_shard.student_hidden.reserve(model_.hinted_layers().size());
    w->loss_gradients.d_student_hidden.reserve(model_.hinted_layers().size());
    workspaces_.push_back(std::move(w));
  }
  if (parts_ == TrainedParts::kStudent && model_.has_teacher()) model_.PrepareServedTeacher();
}

Trainer::~Trainer() = default;

TrainerClock Trainer::clock() const {
  return {step_, joint_steps_, dense_->updates(DenseUpdater::kTeacher),
          dense_->updates(DenseUpdater::kStudent), distilled_steps_};
}

bool Trainer::LearnsFrom(const Batch& batch) const {
  return batch.labelled() || (model_.has_student() && (plan_->joint || student_only()));
}

void Trainer::BeginStudentPhase(int64_t steps) {
  CHECK(model_.has_teacher() && model_.has_student());
  in_phase_ = true;
  phase_steps_ = steps;
  model_.PrepareServedTeacher();
  if (replay_ != nullptr) replay_->Clear();
}

// What the next step trains, and at which rates; counts it.
void Trainer::PlanTurn(const Batch& batch) {
  const proto::Train& train = model_.experiment().train();
  const proto::StudentPhase& phase = train.student_phase();
  const bool frozen = student_only();
  turn_.teacher = model_.has_teacher();
  turn_.distills = turn_.teacher && !frozen && !batch.labelled();
  turn_.trains_teacher = turn_.teacher && !frozen && !turn_.distills;
  ++step_;
  if (turn_.distills) {
    ++distilled_steps_;
  } else if (!in_phase_) {
    ++joint_steps_;
  }
  turn_.student = model_.has_student() && (plan_->joint || frozen);
  turn_.student_steps = !turn_.student ? 0 : in_phase_ ? plan_->phase_steps : plan_->joint_steps;
  turn_.recombined_batches = in_phase_ ? plan_->recombined_batches : 0;
  turn_.dropout_step = step_;
  turn_.rows = &rows_;
  turn_.rate = ScheduleFactor(train.schedule(), std::max<int64_t>(1, joint_steps_));
  turn_.student_rate = turn_.teacher && train.has_student_schedule()
                           ? ScheduleFactor(train.student_schedule(), step_)
                           : turn_.rate;
  if (in_phase_) {
    proto::Schedule schedule;
    schedule.set_decay(phase.decay());
    schedule.set_decay_steps(std::max<int64_t>(1, phase_steps_));
    schedule.set_final(phase.final());
    turn_.student_rate = phase.lr_multiplier() * ScheduleFactor(schedule, PhaseStep());
  }
  turn_.teacher_view = frozen ? &model_.served_teacher_input() : &model_.teacher_input();
  turn_.student_view = &model_.student_input();
  turn_.shares_input =
      turn_.teacher && turn_.student && model_.SharesInput(*turn_.teacher_view, *turn_.student_view);
  turn_.parts.clear();
  if (turn_.trains_teacher) turn_.parts.push_back(teacher_part_);
  if (turn_.student) turn_.parts.push_back(student_part_);
  if (turn_.student && adapter_part_ >= 0) turn_.parts.push_back(adapter_part_);
}

// Cuts the batch into shards and makes room for what they leave behind; allocates only when a batch is larger
// than any before.
void Trainer::Reserve(int rows) {
  active_shards_ = (rows + shard_rows_ - 1) / shard_rows_;
  while (static_cast<int>(shards_.size()) < active_shards_) {
    auto shard = std::make_unique<Shard>();
    if (model_.has_teacher()) shard->teacher_statistics.resize(model_.teacher().statistics_size());
    if (model_.has_student()) shard->student_statistics.resize(model_.student().statistics_size());
    shard->loss_statistics.resize(model_.loss().statistics_size());
    shard->index = static_cast<int>(shards_.size());
    shards_.push_back(std::move(shard));
  }
  dense_->Reserve(active_shards_);
  for (int s = 0; s < active_shards_; ++s) {
    shards_[s]->first_row = s * shard_rows_;
    shards_[s]->rows = std::min(shard_rows_, rows - s * shard_rows_);
  }
  const auto n = static_cast<size_t>(rows);
  const size_t dim = model_.embedding().dim();
  if (model_.has_teacher()) d_x_.resize(n * model_.teacher_input().fields.size() * dim);
  if (plan_->trains_embedding) d_student_x_.resize(n * model_.student_input().fields.size() * dim);
  d_teacher_logits_.resize(model_.has_teacher() ? n : 0);
  d_student_logits_.resize(model_.has_student() ? n : 0);
}

absl::StatusOr<const StepResult*> Trainer::Step(const Batch& batch) {
  PlanTurn(batch);
  FindRows(batch);
  for (int r = 0; r < turn_.recombined_batches; ++r) TANDEM_RETURN_IF_ERROR(StepOnRecombined(batch, r));
  TANDEM_RETURN_IF_ERROR(StepOn(batch));
  for (int k = 1; k < turn_.student_steps; ++k)
    TANDEM_RETURN_IF_ERROR(StepOnReplay(replay_->Pick(step_, k), k));
  return &result_;
}

absl::Status Trainer::StepOn(const Batch& batch) {
  Reserve(batch.rows());
  result_.teacher_logits.resize(turn_.teacher ? batch.rows() : 0);
  result_.student_logits.resize(turn_.student ? batch.rows() : 0);
  {
    StageTimer timer(Stage::kShards);
    workers_.ForEach(active_shards_,
                     [&](int shard, int worker) { RunShard(batch, shard, workspaces_[worker].get()); });
  }
  result_.terms = LossTerms();
  for (int s = 0; s < active_shards_; ++s) result_.terms.Add(shards_[s]->terms);
  result_.terms.Divide(batch.rows());

  TANDEM_RETURN_IF_ERROR(UpdateEmbeddings(batch));
  {
    StageTimer timer(Stage::kDenseUpdate, active_shards_);
    TANDEM_RETURN_IF_ERROR(
        dense_->Update(turn_.parts, active_shards_, {turn_.rate, turn_.student_rate}, step_));
    UpdateStatistics(turn_.parts, batch.rows());
  }
  {
    StageTimer timer(Stage::kPrepare);
    if (turn_.trains_teacher) {
      model_.Prepare();
    } else {
      model_.PrepareStudent();
    }
  }
  if (turn_.student_steps > 1) {
    const bool stored = !batch.teacher_logits.empty();
    replay_->Add(batch, student_rows(), turn_.student_view->fields,
                 stored ? batch.teacher_logits : result_.teacher_logits);
  }
  return absl::OkStatus();
}

absl::Status Trainer::StepOnRecombined(const Batch& batch, int r) {
  const proto::Train& train = model_.experiment().train();
  {
    StageTimer timer(Stage::kResolve);
    const Random random(train.seed(), RandomPurpose::kRecombine,
                        {static_cast<uint64_t>(step_), static_cast<uint64_t>(r)});
    Recombine(batch, rows_, random, train.student_phase().recombined_share(), recombined_.get());
  }
  turn_.rows = &recombined_->rows;
  turn_.dropout_step = step_ + (static_cast<int64_t>(r + 1) << kRecombinedShift);
  const absl::Status status = StepOn(recombined_->batch);
  turn_.rows = &rows_;
  turn_.dropout_step = step_;
  return status;
}

void Trainer::FindRows(const Batch& batch) {
  StageTimer timer(Stage::kResolve);
  const bool student_owns = !model_.has_teacher() && parts_ == TrainedParts::kAll;
  if (turn_.trains_teacher || student_owns) {
    model_.embedding().Resolve(batch, joint_steps_, &workers_, &rows_);
  } else {
    model_.embedding().Lookup(batch, &rows_);
  }
  if (!model_.has_own_embedding() || !turn_.student) return;
  if (parts_ == TrainedParts::kAll) {
    model_.student_embedding().Resolve(batch, OwnStep(), &workers_, &own_rows_);
  } else {
    model_.student_embedding().Lookup(batch, &own_rows_);
  }
}

// Whether the student's gradient goes on to the embedding that it reads.
bool Trainer::moves_student_embedding() const {
  const bool frozen = in_phase_ || turn_.distills;
  return plan_->trains_embedding && parts_ == TrainedParts::kAll && (!frozen || plan_->own_embedding);
}

// Steps of the student's own tables: those in which it learns.
int64_t Trainer::OwnStep() const { return plan_->joint ? step_ : PhaseStep(); }

// The loss of a shard before its towers have run.
void Trainer::BeginLoss(const Batch& batch, const Shard& shard, Worker* w) {
  LossShard& loss = w->loss_shard;
  loss.rows = shard.rows;
  loss.batch_rows = batch.rows();
  loss.labels = batch.labelled() ? batch.labels.data() + shard.first_row : nullptr;
  loss.weights = batch.weights.data() + shard.first_row;
  loss.teacher_logits = nullptr;
  loss.student_logits = nullptr;
  loss.stored_logits = batch.teacher_logits.empty() ? nullptr : batch.teacher_logits.data() + shard.first_row;
  loss.teacher_hidden.clear();
  loss.student_hidden.clear();
  LossGradients& gradients = w->loss_gradients;
  gradients.d_teacher_logits = turn_.trains_teacher ? d_teacher_logits_.data() + shard.first_row : nullptr;
  gradients.d_student_logits = turn_.student ? d_student_logits_.data() + shard.first_row : nullptr;
  gradients.d_student_hidden.clear();
  gradients.parameters =
      turn_.student && adapter_part_ >= 0 ? dense_->gradient(adapter_part_, shard.index) : nullptr;
}

void Trainer::RunShard(const Batch& batch, int shard_index, Worker* w) {
  Shard& shard = *shards_[shard_index];
  BeginLoss(batch, shard, w);
  if (turn_.teacher) {
    ForwardTeacher(batch, shard, w);
    w->loss_shard.teacher_logits = result_.teacher_logits.data() + shard.first_row;
  }
  if (turn_.student) {
    float* logits = result_.student_logits.data() + shard.first_row;
    ForwardStudent(batch, student_rows(), shard, turn_.dropout_step, w, logits);
    w->loss_shard.student_logits = logits;
    for (const auto& [of_teacher, of_student] : model_.hinted_layers()) {
      w->loss_shard.teacher_hidden.push_back(w->teacher.mlp.hidden(of_teacher));
      w->loss_shard.student_hidden.push_back(w->student.mlp.hidden(of_student));
      w->loss_gradients.d_student_hidden.push_back(w->student.mlp.HiddenGradient(of_student));
    }
  }
  {
    StageTimer timer(Stage::kLoss, shard.rows);
    model_.loss().Compute(w->loss_shard, &w->loss, &w->loss_gradients, &shard.terms);
  }
  if (turn_.student) {
    BackwardStudent(&shard, w);
    model_.loss().SumStatistics(w->loss_shard, shard.loss_statistics.data());
  }
  if (turn_.trains_teacher) BackwardTeacher(&shard, w);
}

Matrix Trainer::TeacherInput(const Shard& shard, const Worker& w) const {
  const int floats = static_cast<int>(turn_.teacher_view->fields.size()) * model_.embedding().dim();
  return {const_cast<float*>(w.x.data()), shard.rows, floats, floats};
}

// sg(x) of the method, where there is one: who reads it has no way to send a gradient back.
Matrix Trainer::StudentInput(const Shard& shard, const Worker& w) const {
  if (turn_.shares_input) return TeacherInput(shard, w);
  const int floats = static_cast<int>(turn_.student_view->fields.size()) * model_.embedding().dim();
  return {const_cast<float*>(w.student_x.data()), shard.rows, floats, floats};
}

void Trainer::ForwardTeacher(const Batch& batch, const Shard& shard, Worker* w) {
  const Matrix x = TeacherInput(shard, *w);
  LinearSums linear;
  if (!w->teacher_linear.empty()) linear.teacher = w->teacher_linear.data();
  if (turn_.shares_input && !w->student_linear.empty()) linear.student = w->student_linear.data();
  {
    StageTimer timer(Stage::kGather, shard.rows);
    model_.embedding().Gather(batch, *turn_.rows, shard.first_row, *turn_.teacher_view, x, linear);
  }
  StageTimer timer(Stage::kTeacherForward, shard.rows);
  const TrainingPass pass{model_.experiment().train().seed(), joint_steps_, shard.first_row};
  model_.teacher().Forward(x, linear.teacher, turn_.trains_teacher ? &pass : nullptr, &w->teacher,
                           result_.teacher_logits.data() + shard.first_row);
}

void Trainer::ForwardStudent(const Batch& batch, const BatchRows& rows, const Shard& shard,
                             int64_t dropout_step, Worker* w, float* logits) {
  const Matrix x = StudentInput(shard, *w);
  LinearSums linear;
  if (!w->student_linear.empty()) linear.student = w->student_linear.data();
  if (!turn_.shares_input) {
    StageTimer timer(Stage::kGather, shard.rows);
    model_.student_embedding().Gather(batch, rows, shard.first_row, *turn_.student_view, x, linear);
  }
  StageTimer timer(Stage::kStudentForward, shard.rows);
  const TrainingPass pass{model_.experiment().train().seed(), dropout_step, shard.first_row};
  model_.student().Forward(x, linear.student, &pass, &w->student, logits);
}

void Trainer::BackwardStudent(Shard* shard, Worker* w) {
  StageTimer timer(Stage::kStudentBackward, shard->rows);
  const Matrix x = StudentInput(*shard, *w);
  Matrix d_x;
  if (moves_student_embedding())
    d_x = {d_student_x_.data() + static_cast<int64_t>(shard->first_row) * x.cols, x.rows, x.cols, x.cols};
  model_.student().Backward(x, w->loss_gradients.d_student_logits, &w->student,
                            moves_student_embedding() ? &d_x : nullptr,
                            dense_->gradient(student_part_, shard->index));
  model_.student().SumStatistics(x, w->student, shard->student_statistics.data());
}

void Trainer::BackwardTeacher(Shard* shard, Worker* w) {
  StageTimer timer(Stage::kTeacherBackward, shard->rows);
  const Matrix x = TeacherInput(*shard, *w);
  const Matrix d_x{d_x_.data() + static_cast<int64_t>(shard->first_row) * x.cols, x.rows, x.cols, x.cols};
  model_.teacher().Backward(x, w->loss_gradients.d_teacher_logits, &w->teacher, &d_x,
                            dense_->gradient(teacher_part_, shard->index));
  model_.teacher().SumStatistics(x, w->teacher, shard->teacher_statistics.data());
  // Without a stop-gradient the student's gradient joins the teacher's, on the fields that it reads.
  if (!turn_.student || !moves_student_embedding() || model_.has_own_embedding()) return;
  const int dim = model_.embedding().dim();
  const auto& fields = turn_.student_view->fields;
  const auto cols = static_cast<int64_t>(fields.size()) * dim;
  for (int r = 0; r < x.rows; ++r) {
    const float* from = d_student_x_.data() + (shard->first_row + r) * cols;
    for (size_t i = 0; i < fields.size(); ++i) {
      float* to = d_x.row(r) + fields[i] * dim;
      for (int d = 0; d < dim; ++d) to[d] += from[i * dim + d];
    }
  }
}

absl::Status Trainer::UpdateEmbeddings(const Batch& batch) {
  const double multiplier = model_.experiment().train().student_lr_multiplier();
  const auto gradients_of = [&](const AlignedFloats& d_x, size_t fields) {
    const int floats = static_cast<int>(fields) * model_.embedding().dim();
    EmbeddingGradients gradients;
    gradients.d_x = {d_x.data(), batch.rows(), floats, floats};
    return gradients;
  };
  const bool student_linear = turn_.student && model_.student().linear();
  if (turn_.trains_teacher) {
    EmbeddingGradients gradients = gradients_of(d_x_, turn_.teacher_view->fields.size());
    if (model_.teacher().linear()) gradients.d_teacher_linear = d_teacher_logits_.data();
    if (student_linear && !model_.has_own_embedding()) gradients.d_student_linear = d_student_logits_.data();
    TANDEM_RETURN_IF_ERROR(model_.embedding().Update(batch, *turn_.rows, gradients, joint_steps_, turn_.rate,
                                                     turn_.student_rate * multiplier, &workers_));
  }
  if (!turn_.student || !moves_student_embedding()) return absl::OkStatus();
  if (model_.has_teacher() && !model_.has_own_embedding()) return absl::OkStatus();
  EmbeddingGradients gradients = gradients_of(d_student_x_, turn_.student_view->fields.size());
  if (student_linear) gradients.d_student_linear = d_student_logits_.data();
  const int64_t step = model_.has_own_embedding() ? OwnStep() : joint_steps_;
  return model_.student_embedding().Update(batch, student_rows(), gradients, step, turn_.student_rate,
                                           turn_.student_rate * multiplier, &workers_);
}

absl::Status Trainer::StepOnReplay(const ReplayedBatch& past, int k) {
  const Batch& batch = past.batch;
  Reserve(batch.rows());
  turn_.shares_input = false;
  replay_logits_.resize(batch.rows());
  {
    StageTimer timer(Stage::kShards);
    workers_.ForEach(active_shards_, [&](int index, int worker) {
      Shard& shard = *shards_[index];
      Worker* w = workspaces_[worker].get();
      BeginLoss(batch, shard, w);
      w->loss_gradients.d_teacher_logits = nullptr;
      w->loss_gradients.parameters = nullptr;
      float* logits = replay_logits_.data() + shard.first_row;
      ForwardStudent(batch, past.rows, shard, step_ + (static_cast<int64_t>(k) << kReplayShift), w, logits);
      w->loss_shard.student_logits = logits;
      LossTerms terms;
      {
        StageTimer loss_timer(Stage::kLoss, shard.rows);
        model_.loss().Compute(w->loss_shard, &w->loss, &w->loss_gradients, &terms);
      }
      BackwardStudent(&shard, w);
    });
  }
  {
    StageTimer timer(Stage::kDenseUpdate, active_shards_);
    const int parts[] = {student_part_};
    TANDEM_RETURN_IF_ERROR(dense_->Update(parts, active_shards_, {0, turn_.student_rate}, step_));
    UpdateStatistics(parts, batch.rows());
  }
  StageTimer timer(Stage::kPrepare);
  model_.PrepareStudent();
  return absl::OkStatus();
}

void Trainer::UpdateStatistics(absl::Span<const int> parts, int rows) {
  const auto sum = [&](std::vector<double> Shard::*statistics) {
    std::vector<double>& total = (*shards_[0]).*statistics;
    for (int s = 1; s < active_shards_; ++s) {
      const std::vector<double>& other = (*shards_[s]).*statistics;
      for (size_t i = 0; i < total.size(); ++i) total[i] += other[i];
    }
    return total.data();
  };
  for (const int part : parts) {
    if (part == teacher_part_ && model_.teacher().statistics_size() > 0) {
      model_.teacher().UpdateStatistics(sum(&Shard::teacher_statistics), rows,
                                        model_.teacher_parameters().values.data());
    }
    if (part == student_part_ && model_.student().statistics_size() > 0) {
      model_.student().UpdateStatistics(sum(&Shard::student_statistics), rows,
                                        model_.student_parameters().values.data());
    }
    if (part == adapter_part_ && model_.loss().statistics_size() > 0) {
      model_.loss().UpdateStatistics(sum(&Shard::loss_statistics), rows,
                                     model_.adapter_parameters().values.data());
    }
    dense_->AverageStatistics(part);
  }
}

}  // namespace tandem
