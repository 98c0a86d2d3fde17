#include "tandem/trainer.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "src/config/optimizers.h"
#include "src/train/dense_update.h"
#include "src/train/recombine.h"
#include "src/train/replay.h"
#include "src/train/shard_runner.h"
#include "src/train/step_plan.h"
#include "src/util/profile.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Steps on the replay, and on recombined rows, have randomness of their own.
constexpr int kReplayShift = 40;
constexpr int kRecombinedShift = 52;

}  // namespace

Trainer::Trainer(DualModel* model, TrainedParts parts, const TrainerClock& clock, Workers* workers)
    : model_(*model),
      workers_(*workers),
      planner_(std::make_unique<StepPlanner>(*model, parts, clock)),
      dense_(std::make_unique<DenseUpdater>(model->experiment().train(), model->kernels(), workers)) {
  const proto::Distill& distill = model_.experiment().model().distill();
  const MethodPlan& method = planner_->method();
  DenseParts numbers;
  if (model_.has_teacher() && parts == TrainedParts::kAll) {
    const Committee& teacher = model_.teacher();
    std::vector<int64_t> members;
    for (int k = 0; teacher.size() > 1 && k < teacher.size(); ++k) members.push_back(teacher.offset(k));
    numbers.teacher = dense_->Add(
        {"teacher", &model_.teacher_parameters(), &teacher.layout(), DenseUpdater::kTeacher, 1, members},
        TeacherOptimizerOf(model_.experiment()));
  }
  if (model_.has_student()) {
    const double rate = distill.lr_multiplier();
    const proto::Optimizer& optimizer =
        OptimizerOf(model_.experiment(), model_.experiment().model().student());
    numbers.student = dense_->Add(
        {"student", &model_.student_parameters(), &model_.student().layout(), DenseUpdater::kStudent, rate},
        optimizer);
    if (model_.loss().layout().size() > 0) {
      numbers.adapters = dense_->Add(
          {"adapters", &model_.adapter_parameters(), &model_.loss().layout(), DenseUpdater::kStudent, rate},
          WithoutMuon(optimizer));
    }
    if (std::max(method.joint_steps, method.phase_steps) > 1)
      replay_ = std::make_unique<Replay>(distill.replay().batches(), model_.experiment().train().seed());
    if (method.recombined_batches > 0)
      recombined_ = std::make_unique<Recombined>(RecombinedGroups(model_.experiment(), model_.schema()),
                                                 UnknownShares(model_.experiment(), model_.schema()));
  }
  dense_->set_updates(DenseUpdater::kTeacher, clock.teacher_updates);
  dense_->set_updates(DenseUpdater::kStudent, clock.student_updates);
  parts_ = std::make_unique<const DenseParts>(numbers);
  runner_ = std::make_unique<ShardRunner>(model, numbers, method.trains_embedding, dense_.get(), workers);
  if (parts == TrainedParts::kStudent && model_.has_teacher()) model_.PrepareServedTeacher();
}

Trainer::~Trainer() = default;

TrainerClock Trainer::clock() const {
  return {planner_->step(), planner_->joint_steps(), dense_->updates(DenseUpdater::kTeacher),
          dense_->updates(DenseUpdater::kStudent), planner_->distilled_steps()};
}

void Trainer::set_day(uint32_t day) {
  model_.embedding().set_day(day);
  if (model_.has_own_embedding()) model_.student_embedding().set_day(day);
}

absl::StatusOr<int64_t> Trainer::EndDay() {
  int64_t dropped = 0;
  if (planner_->shared_tables_learn()) {
    TANDEM_ASSIGN_OR_RETURN(dropped, model_.embedding().Expire());
  }
  if (model_.has_own_embedding() && planner_->own_tables_learn()) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t of_student, model_.student_embedding().Expire());
    dropped += of_student;
  }
  if (dropped > 0 && replay_ != nullptr)
    TANDEM_RETURN_IF_ERROR(replay_->FindRows(model_.schema(), model_.student_embedding()));
  return dropped;
}

bool Trainer::LearnsFrom(const Batch& batch) const { return planner_->LearnsFrom(batch); }

void Trainer::BeginStudentPhase(int64_t steps, int64_t steps_before) {
  CHECK(model_.has_teacher() && model_.has_student());
  planner_->BeginStudentPhase(steps, steps_before);
  model_.PrepareServedTeacher();
  if (replay_ != nullptr) replay_->Clear();
}

absl::StatusOr<const StepResult*> Trainer::Step(const Batch& batch) {
  const StepPlan plan = planner_->Next(batch);
  TANDEM_RETURN_IF_ERROR(FindRows(plan, batch));
  for (int r = 0; r < plan.recombined_batches; ++r) {
    TANDEM_ASSIGN_OR_RETURN(const Pass recombined, RecombinedRows(plan, batch, r));
    TANDEM_RETURN_IF_ERROR(StepOn(OnRecombined(plan, r), recombined));
  }
  TANDEM_ASSIGN_OR_RETURN(const Pass rows, RowsOf(plan, batch));
  TANDEM_RETURN_IF_ERROR(StepOn(plan, rows));
  const StepPlan replayed = OnThePast(plan);
  for (int k = 1; k < plan.student_steps; ++k) {
    TANDEM_ASSIGN_OR_RETURN(const Pass past, PastRows(plan, k));
    TANDEM_RETURN_IF_ERROR(StepOn(replayed, past));
  }
  return &result_;
}

// Forward, joint loss, backward; then what moves is moved.
absl::Status Trainer::StepOn(const StepPlan& plan, const Pass& pass) {
  runner_->Run(plan, pass);
  TANDEM_RETURN_IF_ERROR(UpdateEmbeddings(plan, pass));
  TANDEM_RETURN_IF_ERROR(UpdateTowers(plan, pass.batch.rows()));
  if (plan.student_steps > 1) {
    const std::vector<float>& stored = pass.batch.teacher_logits;
    replay_->Add(model_.schema(), pass.batch, pass.student_rows, plan.student_view->fields,
                 stored.empty() ? pass.result->teacher_logits : stored);
  }
  return absl::OkStatus();
}

absl::Status Trainer::FindRows(const StepPlan& plan, const Batch& batch) {
  StageTimer timer(Stage::kResolve);
  TANDEM_RETURN_IF_ERROR(plan.admits ? model_.embedding().Resolve(batch, plan.joint_step, &workers_, &rows_)
                                     : model_.embedding().Lookup(batch, &rows_));
  if (!model_.has_own_embedding() || !plan.student) return absl::OkStatus();
  const int64_t first_step = OnRecombined(plan, 0).own_step;
  return plan.admits_own ? model_.student_embedding().Resolve(batch, first_step, &workers_, &own_rows_)
                         : model_.student_embedding().Lookup(batch, &own_rows_);
}

absl::StatusOr<Pass> Trainer::RowsOf(const StepPlan& plan, const Batch& batch) {
  // What was found has been learned on since.
  if (plan.recombined_batches > 0 && model_.has_own_embedding()) {
    TANDEM_RETURN_IF_ERROR(model_.student_embedding().ReadAgain(&own_rows_));
    model_.student_embedding().Merge(batch, own_rows_);
  }
  return Pass{batch, rows_, model_.has_own_embedding() ? own_rows_ : rows_, plan.step, &result_};
}

// The r-th batch of rows that the batch's features make.
absl::StatusOr<Pass> Trainer::RecombinedRows(const StepPlan& plan, const Batch& batch, int r) {
  StageTimer timer(Stage::kResolve);
  const proto::Experiment& experiment = model_.experiment();
  const Random random(experiment.train().seed(), RandomPurpose::kRecombine,
                      {static_cast<uint64_t>(plan.step), static_cast<uint64_t>(r)});
  const bool own = model_.has_own_embedding();
  Recombine(batch, rows_, random, experiment.model().distill().phase().recombined_share(), recombined_.get());
  if (own) {
    TANDEM_RETURN_IF_ERROR(model_.student_embedding().ReadAgain(&own_rows_));
    TakeRows(batch, own_rows_, *recombined_, &recombined_->own_rows);
    model_.student_embedding().Merge(recombined_->batch, recombined_->own_rows);
  }
  return Pass{recombined_->batch, recombined_->rows, own ? recombined_->own_rows : recombined_->rows,
              plan.step + (static_cast<int64_t>(r + 1) << kRecombinedShift), &result_};
}

// What the k-th step beyond the one on the batch is taken on.
absl::StatusOr<Pass> Trainer::PastRows(const StepPlan& plan, int k) {
  ReplayedBatch& past = replay_->Pick(plan.step, k);
  {
    StageTimer timer(Stage::kResolve);
    TANDEM_RETURN_IF_ERROR(model_.student_embedding().ReadAgain(&past.rows));
  }
  return Pass{past.batch, past.rows, past.rows, plan.step + (static_cast<int64_t>(k) << kReplayShift),
              &past_result_};
}

absl::Status Trainer::UpdateEmbeddings(const StepPlan& plan, const Pass& pass) {
  const Batch& batch = pass.batch;
  const double multiplier = model_.experiment().model().distill().lr_multiplier();
  const auto gradients_of = [&](const AlignedFloats& d_x, size_t fields, const EmbeddingLayer& embedding) {
    const int floats = static_cast<int>(fields) * embedding.dim();
    EmbeddingGradients gradients;
    gradients.d_x = {d_x.data(), batch.rows(), floats, floats};
    return gradients;
  };
  const bool student_linear = plan.student && model_.student().linear();
  if (plan.trains_teacher) {
    EmbeddingGradients gradients =
        gradients_of(runner_->d_x(), plan.teacher_view->fields.size(), model_.embedding());
    if (model_.teacher().linear() > 0) gradients.d_teacher_linear = runner_->d_teacher_linear().data();
    if (student_linear && !model_.has_own_embedding())
      gradients.d_student_linear = runner_->d_student_logits().data();
    TANDEM_RETURN_IF_ERROR(model_.embedding().Update(batch, pass.rows, gradients, plan.joint_step, plan.rate,
                                                     plan.student_rate * multiplier, &workers_));
  }
  if (!plan.student || !plan.moves_student_embedding) return absl::OkStatus();
  if (model_.has_teacher() && !model_.has_own_embedding()) return absl::OkStatus();
  EmbeddingGradients gradients =
      gradients_of(runner_->d_student_x(), plan.student_view->fields.size(), model_.student_embedding());
  if (student_linear) gradients.d_student_linear = runner_->d_student_logits().data();
  const int64_t step = model_.has_own_embedding() ? plan.own_step : plan.joint_step;
  return model_.student_embedding().Update(batch, pass.student_rows, gradients, step, plan.student_rate,
                                           plan.student_rate * multiplier, &workers_);
}

absl::Status Trainer::UpdateTowers(const StepPlan& plan, int rows) {
  absl::InlinedVector<int, 3> parts;
  if (plan.trains_teacher) parts.push_back(parts_->teacher);
  if (plan.student) parts.push_back(parts_->student);
  if (plan.hints && parts_->adapters >= 0) parts.push_back(parts_->adapters);
  {
    StageTimer timer(Stage::kDenseUpdate, runner_->runs());
    TANDEM_RETURN_IF_ERROR(dense_->Update(parts, {plan.rate, plan.student_rate}, plan.step));
    for (const int part : parts) {
      runner_->UpdateStatistics(part, rows);
      dense_->AverageStatistics(part);
    }
  }
  StageTimer timer(Stage::kPrepare);
  if (plan.trains_teacher) {
    model_.Prepare();
  } else {
    model_.PrepareStudent();
  }
  return absl::OkStatus();
}

}  // namespace tandem
