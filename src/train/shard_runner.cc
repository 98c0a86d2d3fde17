#include "src/train/shard_runner.h"

#include <algorithm>

#include "src/config/teachers.h"
#include "src/train/dense_update.h"
#include "src/train/step_plan.h"
#include "src/util/profile.h"
#include "tandem/experiment.pb.h"
#include "tandem/trainer.h"

namespace tandem {

// What a shard leaves behind for the reduction.
struct ShardRunner::Shard {
  int index = 0;
  int first_row = 0;
  int rows = 0;
  LossTerms terms;
  std::vector<double> teacher_statistics, student_statistics, loss_statistics;
};

// Activations of the shard that a worker is at.
struct ShardRunner::Worker {
  int index = 0;
  AlignedFloats x, student_x;  // student_x only where the student can't read x
  std::vector<float> teacher_linear, student_linear;
  CommitteeWorkspace teacher;
  TowerWorkspace student;
  LossWorkspace loss;
  LossShard loss_shard;
  LossGradients loss_gradients;
  GradientSum teacher_gradients = nullptr;  // while its members are tasks of their own
};

ShardRunner::ShardRunner(DualModel* model, const DenseParts& parts, bool student_moves_embedding,
                         DenseUpdater* dense, Workers* workers)
    : model_(*model),
      parts_(parts),
      student_moves_embedding_(student_moves_embedding),
      shard_rows_(model->experiment().train().shard_rows()),
      student_seed_(StudentSeed(model->experiment())),
      dense_(*dense),
      workers_(*workers) {
  const size_t shard = shard_rows_;
  for (int worker = 0; worker < workers_.size(); ++worker) {
    auto w = std::make_unique<Worker>();
    w->index = worker;
    if (model_.has_teacher()) {
      w->x.resize(shard * model_.teacher_input().fields.size() * model_.embedding().dim());
      w->teacher = model_.teacher().MakeWorkspace(
          shard_rows_, workers_.size() > 1 ? MemberOrder::kAtATime : MemberOrder::kInTurn);
      w->teacher_linear.resize(shard * model_.teacher().linear());
    }
    if (model_.has_student()) {
      w->student_x.resize(shard * model_.student_input().fields.size() * model_.student_embedding().dim());
      w->student = model_.student().MakeWorkspace(shard_rows_);
      if (model_.student().linear()) w->student_linear.resize(shard_rows_);
    }
    w->loss = model_.loss().MakeWorkspace(shard_rows_);
    size_t teacher_parts = 0;
    for (int k = 0; model_.has_teacher() && k < model_.teacher().size(); ++k)
      teacher_parts += model_.teacher().member(k).logits();
    w->loss_shard.teacher_parts.reserve(teacher_parts);
    w->loss_shard.student_parts.reserve(model_.has_student() ? model_.student().logits() : 0);
    w->loss_shard.teacher_hidden.reserve(model_.hinted_layers().size());
    w->loss_shard.student_hidden.reserve(model_.hinted_layers().size());
    w->loss_gradients.d_student_hidden.reserve(model_.hinted_layers().size());
    workspaces_.push_back(std::move(w));
  }
}

ShardRunner::~ShardRunner() = default;

void ShardRunner::Run(const StepPlan& plan, const Pass& pass) {
  StepResult& result = *pass.result;
  const int rows = pass.batch.rows();
  Reserve(rows);
  result.teacher_logits.resize(plan.teacher ? rows : 0);
  result.student_logits.resize(plan.student ? rows : 0);
  const bool few = plan.teacher && active_shards_ < workers_.size() && model_.teacher().size() > 1;
  {
    StageTimer timer(Stage::kShards);
    if (few) {
      RunMembers(plan, pass);
    } else {
      workers_.ForEach(runs_, [&](int run, int worker) {
        const int end = std::min(active_shards_, (run + 1) * dense_.run());
        for (int shard = run * dense_.run(); shard < end; ++shard)
          RunShard(plan, pass, shards_[shard].get(), workspaces_[worker].get());
      });
    }
  }
  result.terms = LossTerms();
  for (int s = 0; s < active_shards_; ++s) result.terms.Add(shards_[s]->terms);
  result.terms.Divide(rows);
}

void ShardRunner::RunShard(const StepPlan& plan, const Pass& pass, Shard* shard, Worker* w) {
  BeginLoss(plan, pass, *shard, w);
  if (plan.teacher) {
    GatherTeacher(plan, pass, *shard, w);
    ForwardTeacher(plan, pass, *shard, w);
    AddTeacherToLoss(plan, pass, *shard, w);
  }
  if (plan.student) {
    ForwardStudent(plan, pass, *shard, w);
    AddStudentToLoss(plan, pass, *shard, w);
  }
  ComputeLoss(plan, shard, w);
  if (plan.student) BackwardStudent(plan, shard, w);
  if (plan.trains_teacher) {
    BackwardTeacher(plan, shard, w);
    EndTeacher(plan, shard, w);
  }
}

// Calls of_member(k, shard, its workspace) for the members of every shard, and of_student(shard, its
// workspace), on all workers. What takes longest comes first: interactions are named last, mostly.
template <typename OfMember, typename OfStudent>
void ShardRunner::ForEachTower(bool student, const OfMember& of_member, const OfStudent& of_student) {
  const int members = model_.teacher().size();
  const int towers = members + (student ? 1 : 0);
  workers_.ForEach(active_shards_ * towers, [&](int task, int /*worker*/) {
    Shard* const shard = shards_[task / towers].get();
    Worker* const w = workspaces_[task / towers].get();
    const int tower = towers - 1 - task % towers;
    if (tower == members) {
      of_student(shard, w);
    } else {
      of_member(tower, shard, w);
    }
  });
}

// Fewer shards than workers, each of which has the workspace of its number, whoever runs it.
void ShardRunner::RunMembers(const StepPlan& plan, const Pass& pass) {
  const Committee& teacher = model_.teacher();
  const TrainingPass no_row_yet{/*seed: each member's own*/ 0, plan.joint_step, 0};
  const auto for_each_shard = [&](const auto& f) {
    workers_.ForEach(active_shards_,
                     [&](int s, int /*worker*/) { f(shards_[s].get(), workspaces_[s].get()); });
  };
  for_each_shard([&](Shard* shard, Worker* w) {
    BeginLoss(plan, pass, *shard, w);
    GatherTeacher(plan, pass, *shard, w);
  });
  ForEachTower(
      plan.student,
      [&](int k, Shard* shard, Worker* w) {
        StageTimer timer(Stage::kTeacherForward, k == 0 ? shard->rows : 0);
        TrainingPass training = no_row_yet;
        training.first_row = shard->first_row;
        const float* const linear = w->teacher_linear.empty() ? nullptr : w->teacher_linear.data();
        teacher.ForwardMember(k, TeacherInput(plan, *shard, *w), linear,
                              plan.trains_teacher ? &training : nullptr, &w->teacher);
      },
      [&](Shard* shard, Worker* w) { ForwardStudent(plan, pass, *shard, w); });
  for_each_shard([&](Shard* shard, Worker* w) {
    teacher.EndForward(shard->rows, &w->teacher, pass.result->teacher_logits.data() + shard->first_row);
    AddTeacherToLoss(plan, pass, *shard, w);
    if (plan.student) AddStudentToLoss(plan, pass, *shard, w);
    ComputeLoss(plan, shard, w);
    if (plan.trains_teacher) w->teacher_gradients = dense_.Begin(parts_.teacher, shard->index, w->index);
    if (plan.student && !plan.trains_teacher) BackwardStudent(plan, shard, w);
  });
  if (!plan.trains_teacher) return;
  ForEachTower(
      plan.student,
      [&](int k, Shard* shard, Worker* w) {
        StageTimer timer(Stage::kTeacherBackward, k == 0 ? shard->rows : 0);
        teacher.BackwardMember(k, TeacherInput(plan, *shard, *w), &w->teacher,
                               TeacherInputGradient(plan, *shard, *w), w->teacher_gradients);
      },
      [&](Shard* shard, Worker* w) { BackwardStudent(plan, shard, w); });
  for_each_shard([&](Shard* shard, Worker* w) {
    teacher.EndBackward(&w->teacher, TeacherInputGradient(plan, *shard, *w));
    EndTeacher(plan, shard, w);
  });
}

// The loss of a shard before its towers have run.
void ShardRunner::BeginLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  const Batch& batch = pass.batch;
  LossShard& loss = w->loss_shard;
  loss.rows = shard.rows;
  loss.batch_rows = batch.rows();
  loss.labels = batch.labelled() ? batch.labels.data() + shard.first_row : nullptr;
  loss.weights = batch.weights.data() + shard.first_row;
  loss.teacher_logits = nullptr;
  loss.student_logits = nullptr;
  loss.teacher_parts.clear();
  loss.student_parts.clear();
  loss.stored_logits = batch.teacher_logits.empty() ? nullptr : batch.teacher_logits.data() + shard.first_row;
  loss.teacher_hidden.clear();
  loss.student_hidden.clear();
  LossGradients& gradients = w->loss_gradients;
  gradients.d_teacher_logits = plan.trains_teacher ? d_teacher_logits_.data() + shard.first_row : nullptr;
  gradients.d_student_logits = plan.student ? d_student_logits_.data() + shard.first_row : nullptr;
  gradients.d_student_hidden.clear();
  gradients.parameters =
      plan.hints && parts_.adapters >= 0 ? dense_.Begin(parts_.adapters, shard.index, w->index) + 0 : nullptr;
}

Matrix ShardRunner::TeacherInput(const StepPlan& plan, const Shard& shard, const Worker& w) const {
  const int floats = static_cast<int>(plan.teacher_view->fields.size()) * model_.embedding().dim();
  return {const_cast<float*>(w.x.data()), shard.rows, floats, floats};
}

// sg(x) of the method, where there is one: who reads it has no way to send a gradient back.
Matrix ShardRunner::StudentInput(const StepPlan& plan, const Shard& shard, const Worker& w) const {
  if (plan.shares_input) return TeacherInput(plan, shard, w);
  const int floats = static_cast<int>(plan.student_view->fields.size()) * model_.student_embedding().dim();
  return {const_cast<float*>(w.student_x.data()), shard.rows, floats, floats};
}

// The heads of a tower that has several, each with a loss of its own.
void ShardRunner::AddHeads(const Tower& tower, bool learns, TowerWorkspace* workspace,
                           std::vector<LogitPart>* parts) {
  const int heads = tower.logits();
  for (int k = 0; heads > 1 && k < heads; ++k) {
    HeadsWorkspace& of_heads = workspace->heads;
    parts->push_back({of_heads.logits(k), learns ? of_heads.d_logits(k) : nullptr, 1.0 / heads});
  }
}

void ShardRunner::GatherTeacher(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  const Matrix x = TeacherInput(plan, shard, *w);
  LinearSums linear;
  if (!w->teacher_linear.empty()) linear.teacher = w->teacher_linear.data();
  if (plan.shares_input && !w->student_linear.empty()) linear.student = w->student_linear.data();
  StageTimer timer(Stage::kGather, shard.rows);
  model_.embedding().Gather(pass.batch, pass.rows, shard.first_row, *plan.teacher_view, x, linear);
}

void ShardRunner::ForwardTeacher(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  StageTimer timer(Stage::kTeacherForward, shard.rows);
  const TrainingPass training{/*seed: each member's own*/ 0, plan.joint_step, shard.first_row};
  const float* const linear = w->teacher_linear.empty() ? nullptr : w->teacher_linear.data();
  model_.teacher().Forward(TeacherInput(plan, shard, *w), linear, plan.trains_teacher ? &training : nullptr,
                           &w->teacher, pass.result->teacher_logits.data() + shard.first_row);
}

void ShardRunner::AddTeacherToLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  w->loss_shard.teacher_logits = pass.result->teacher_logits.data() + shard.first_row;
  const int members = model_.teacher().size();
  for (int k = 0; k < members; ++k) {
    std::vector<LogitPart>* const parts = &w->loss_shard.teacher_parts;
    const Tower& member = model_.teacher().member(k);
    AddHeads(member, plan.trains_teacher, &w->teacher.towers[k], parts);
    if (members == 1 || member.logits() > 1) continue;
    parts->push_back({w->teacher.logits(k), plan.trains_teacher ? w->teacher.d_logits(k) : nullptr});
  }
}

void ShardRunner::ForwardStudent(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  const Matrix x = StudentInput(plan, shard, *w);
  float* const logits = pass.result->student_logits.data() + shard.first_row;
  LinearSums linear;
  if (!w->student_linear.empty()) linear.student = w->student_linear.data();
  if (!plan.shares_input) {
    StageTimer timer(Stage::kGather, shard.rows);
    model_.student_embedding().Gather(pass.batch, pass.student_rows, shard.first_row, *plan.student_view, x,
                                      linear);
  }
  StageTimer timer(Stage::kStudentForward, shard.rows);
  const TrainingPass training{student_seed_, pass.dropout_step, shard.first_row};
  model_.student().Forward(x, linear.student, &training, &w->student, logits);
}

void ShardRunner::AddStudentToLoss(const StepPlan& plan, const Pass& pass, const Shard& shard, Worker* w) {
  w->loss_shard.student_logits = pass.result->student_logits.data() + shard.first_row;
  AddHeads(model_.student(), /*learns=*/true, &w->student, &w->loss_shard.student_parts);
  if (!plan.hints) return;
  for (const auto& [of_teacher, of_student] : model_.hinted_layers()) {
    w->loss_shard.teacher_hidden.push_back(w->teacher.towers[0].heads.mlps[0].hidden(of_teacher));
    w->loss_shard.student_hidden.push_back(w->student.heads.mlps[0].hidden(of_student));
    w->loss_gradients.d_student_hidden.push_back(w->student.heads.mlps[0].HiddenGradient(of_student));
  }
}

void ShardRunner::ComputeLoss(const StepPlan& plan, Shard* shard, Worker* w) {
  StageTimer timer(Stage::kLoss, shard->rows);
  model_.loss().Compute(w->loss_shard, &w->loss, &w->loss_gradients, &shard->terms);
  if (!plan.hints) return;
  model_.loss().SumStatistics(w->loss_shard, shard->loss_statistics.data());
  if (parts_.adapters >= 0) dense_.End(parts_.adapters, shard->index, w->index);
}

void ShardRunner::BackwardStudent(const StepPlan& plan, Shard* shard, Worker* w) {
  StageTimer timer(Stage::kStudentBackward, shard->rows);
  const Matrix x = StudentInput(plan, *shard, *w);
  Matrix d_x;
  if (plan.moves_student_embedding)
    d_x = {d_student_x_.data() + static_cast<int64_t>(shard->first_row) * x.cols, x.rows, x.cols, x.cols};
  model_.student().Backward(x, w->loss_gradients.d_student_logits, &w->student,
                            plan.moves_student_embedding ? &d_x : nullptr,
                            dense_.Begin(parts_.student, shard->index, w->index));
  dense_.End(parts_.student, shard->index, w->index);
  model_.student().SumStatistics(x, w->student, shard->student_statistics.data());
}

Matrix ShardRunner::TeacherInputGradient(const StepPlan& plan, const Shard& shard, const Worker& w) {
  const Matrix x = TeacherInput(plan, shard, w);
  return {d_x_.data() + static_cast<int64_t>(shard.first_row) * x.cols, x.rows, x.cols, x.cols};
}

void ShardRunner::BackwardTeacher(const StepPlan& plan, Shard* shard, Worker* w) {
  StageTimer timer(Stage::kTeacherBackward, shard->rows);
  model_.teacher().Backward(TeacherInput(plan, *shard, *w), w->loss_gradients.d_teacher_logits, &w->teacher,
                            TeacherInputGradient(plan, *shard, *w),
                            dense_.Begin(parts_.teacher, shard->index, w->index));
}

// What is left once its gradients are made, and the student's.
void ShardRunner::EndTeacher(const StepPlan& plan, Shard* shard, Worker* w) {
  StageTimer timer(Stage::kTeacherBackward);
  const Matrix x = TeacherInput(plan, *shard, *w), d_x = TeacherInputGradient(plan, *shard, *w);
  const Committee& teacher = model_.teacher();
  dense_.End(parts_.teacher, shard->index, w->index);
  teacher.SumStatistics(x, &w->teacher, shard->teacher_statistics.data());
  if (!d_teacher_linear_.empty()) {
    const int64_t first = static_cast<int64_t>(shard->first_row) * teacher.linear();
    teacher.LinearGradients(&w->teacher, shard->rows, d_teacher_linear_.data() + first);
  }
  // Without a stop-gradient the student's gradient joins the teacher's, on the fields that it reads.
  if (!plan.student || !plan.moves_student_embedding || model_.has_own_embedding()) return;
  const int dim = model_.embedding().dim();
  const auto& fields = plan.student_view->fields;
  const auto cols = static_cast<int64_t>(fields.size()) * dim;
  for (int r = 0; r < x.rows; ++r) {
    const float* from = d_student_x_.data() + (shard->first_row + r) * cols;
    for (size_t i = 0; i < fields.size(); ++i) {
      float* to = d_x.row(r) + fields[i] * dim;
      for (int d = 0; d < dim; ++d) to[d] += from[i * dim + d];
    }
  }
}

// Cuts the batch into shards and makes room for what they leave behind; allocates only when a batch is larger
// than any before.
void ShardRunner::Reserve(int rows) {
  active_shards_ = (rows + shard_rows_ - 1) / shard_rows_;
  while (static_cast<int>(shards_.size()) < active_shards_) {
    auto shard = std::make_unique<Shard>();
    if (model_.has_teacher()) shard->teacher_statistics.resize(model_.teacher().statistics_size());
    if (model_.has_student()) shard->student_statistics.resize(model_.student().statistics_size());
    shard->loss_statistics.resize(model_.loss().statistics_size());
    shard->index = static_cast<int>(shards_.size());
    shards_.push_back(std::move(shard));
  }
  dense_.Reserve(active_shards_);
  runs_ = (active_shards_ + dense_.run() - 1) / dense_.run();
  for (int s = 0; s < active_shards_; ++s) {
    shards_[s]->first_row = s * shard_rows_;
    shards_[s]->rows = std::min(shard_rows_, rows - s * shard_rows_);
  }
  const auto n = static_cast<size_t>(rows);
  if (model_.has_teacher()) d_x_.resize(n * model_.teacher_input().fields.size() * model_.embedding().dim());
  if (student_moves_embedding_)
    d_student_x_.resize(n * model_.student_input().fields.size() * model_.student_embedding().dim());
  if (model_.has_teacher() && model_.teacher().size() > 1)
    d_teacher_linear_.resize(n * model_.teacher().linear());
  d_teacher_logits_.resize(model_.has_teacher() ? n : 0);
  d_student_logits_.resize(model_.has_student() ? n : 0);
}

void ShardRunner::UpdateStatistics(int part, int rows) {
  const auto sum = [&](std::vector<double> Shard::*statistics) {
    std::vector<double>& total = (*shards_[0]).*statistics;
    for (int s = 1; s < active_shards_; ++s) {
      const std::vector<double>& other = (*shards_[s]).*statistics;
      for (size_t i = 0; i < total.size(); ++i) total[i] += other[i];
    }
    return total.data();
  };
  if (part == parts_.teacher && model_.teacher().statistics_size() > 0) {
    model_.teacher().UpdateStatistics(sum(&Shard::teacher_statistics), rows,
                                      model_.teacher_parameters().values.data());
  }
  if (part == parts_.student && model_.student().statistics_size() > 0) {
    model_.student().UpdateStatistics(sum(&Shard::student_statistics), rows,
                                      model_.student_parameters().values.data());
  }
  if (part == parts_.adapters && model_.loss().statistics_size() > 0) {
    model_.loss().UpdateStatistics(sum(&Shard::loss_statistics), rows,
                                   model_.adapter_parameters().values.data());
  }
}

}  // namespace tandem
