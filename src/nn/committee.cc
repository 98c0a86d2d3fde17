#include "tandem/committee.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/config/teachers.h"
#include "src/nn/rows.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

Matrix FirstRows(Matrix whole, int rows) { return {whole.data, rows, whole.cols, whole.stride}; }

// Vectors lie kDim floats long, which the compiler knows, so that one takes some instructions and no call.
template <int kDim>
void CopyVectorsOf(int vectors, const float* __restrict from, int from_stride, float* __restrict to,
                   int to_stride) {
  for (int v = 0; v < vectors; ++v, from += from_stride, to += to_stride) {
    for (int d = 0; d < kDim; ++d) to[d] = from[d];
  }
}

void CopyVectors(int vectors, int dim, const float* from, int from_stride, float* to, int to_stride) {
  switch (dim) {
    case 8:
      return CopyVectorsOf<8>(vectors, from, from_stride, to, to_stride);
    case 16:
      return CopyVectorsOf<16>(vectors, from, from_stride, to, to_stride);
    default:
      for (int v = 0; v < vectors; ++v, from += from_stride, to += to_stride) std::copy_n(from, dim, to);
  }
}

}  // namespace

Committee::Committee(const proto::Experiment& experiment, const FieldShape& shape, const Kernels& kernels)
    : fields_(shape.fields), dim_(shape.dim) {
  const std::vector<MemberConfig> teachers = TeachersOf(experiment);
  CHECK(!teachers.empty());
  if (SideBySide(experiment)) vectors_ = static_cast<int>(teachers.size());
  // One name for all, that of a teacher alone: it is part of the key of a tower's randomness.
  for (const MemberConfig& teacher : teachers) {
    Tower tower(*teacher.tower, shape, "teacher", kernels);
    const int column = tower.linear() ? linear_++ : -1;
    const std::string prefix = teachers.size() > 1 ? absl::StrCat("member/", members_.size(), "/") : "";
    const int64_t offset = layout_.Append(prefix, tower.layout());
    members_.push_back({std::move(tower), teacher.seed, offset, column, teacher.kind});
    copies_.resize(teacher.kind + 1);
    ++copies_[teacher.kind];
  }
  if (!LearnsWeights(experiment)) return;
  weighed_kinds_ = static_cast<int>(copies_.size());
  mean_block_ = layout_.Add("mean", {weighed_kinds_ + 1}, ParameterKind::kStatistic);
  weights_.resize(members_.size());
}

int64_t Committee::flops_per_sample() const {
  int64_t flops = 0;
  for (const Member& member : members_) flops += member.tower.flops_per_sample();
  return flops;
}

int64_t Committee::backward_flops_per_sample(bool d_x) const {
  int64_t flops = 0;
  for (const Member& member : members_) flops += member.tower.backward_flops_per_sample(d_x);
  return flops;
}

void Committee::Initialize(float* parameters, float bias) const {
  for (const Member& member : members_)
    member.tower.Initialize(member.seed, parameters + member.offset, bias);
  if (weighed_kinds_ > 0) SetMean(first_mean(), parameters);
}

CommitteeMean Committee::first_mean() const {
  CommitteeMean mean;
  for (const int copies : copies_) mean.weights.push_back(static_cast<double>(copies) / size());
  return mean;
}

void Committee::SetMean(const CommitteeMean& mean, float* parameters) const {
  CHECK_EQ(static_cast<int>(mean.weights.size()), weighed_kinds_);
  float* const block = parameters + mean_block_;
  for (int kind = 0; kind < weighed_kinds_; ++kind) block[kind] = static_cast<float>(mean.weights[kind]);
  block[weighed_kinds_] = static_cast<float>(mean.offset);
}

void Committee::Prepare(const float* parameters) {
  for (Member& member : members_) member.tower.Prepare(parameters + member.offset);
  for (size_t k = 0; k < weights_.size(); ++k) {
    const int kind = members_[k].kind;
    weights_[k] = static_cast<double>(parameters[mean_block_ + kind]) / copies_[kind];
  }
  if (weighed_kinds_ > 0) mean_offset_ = parameters[mean_block_ + weighed_kinds_];
}

CommitteeWorkspace Committee::MakeWorkspace(int rows, MemberOrder order) const {
  CommitteeWorkspace workspace;
  workspace.rows = rows;
  for (const Member& member : members_) workspace.towers.push_back(member.tower.MakeWorkspace(rows));
  if (size() == 1) return workspace;
  const size_t of_all = static_cast<size_t>(rows) * size();
  workspace.logits_of.resize(of_all);
  workspace.d_logits_of.resize(of_all);
  workspace.linear.resize(static_cast<size_t>(rows) * linear_);
  const int at_a_time = order == MemberOrder::kAtATime ? size() : 1;
  const auto cut = [&](WorkspaceCutter cutter) {
    workspace.d_x.clear();
    for (int k = 0; k < at_a_time; ++k) workspace.d_x.push_back(cutter.Next(rows, fields_ * dim_));
    workspace.x.clear();
    for (int k = 0; side_by_side() && k < size(); ++k)
      workspace.x.push_back(cutter.Next(rows, fields_ * dim_));
    return cutter.used();
  };
  workspace.memory.resize(cut(WorkspaceCutter(nullptr)));
  cut(WorkspaceCutter(workspace.memory.data()));
  return workspace;
}

void Committee::TakeVectors(int member, ConstMatrix x, Matrix to) const {
  for (int row = 0; row < x.rows; ++row)
    CopyVectors(fields_, dim_, x.row(row) + member * dim_, vectors_ * dim_, to.row(row), dim_);
}

void Committee::PutVectors(int member, ConstMatrix from, Matrix x) const {
  for (int row = 0; row < x.rows; ++row)
    CopyVectors(fields_, dim_, from.row(row), dim_, x.row(row) + member * dim_, vectors_ * dim_);
}

ConstMatrix Committee::InputOf(int member, ConstMatrix x, const CommitteeWorkspace& workspace) const {
  return side_by_side() ? ConstMatrix(FirstRows(workspace.x[member], x.rows)) : x;
}

void Committee::Forward(ConstMatrix x, const float* linear, const TrainingPass* training,
                        CommitteeWorkspace* workspace, float* logits) const {
  CHECK_EQ(linear != nullptr, linear_ > 0);
  if (size() == 1) {
    TrainingPass pass = training != nullptr ? *training : TrainingPass();
    pass.seed = members_[0].seed;
    members_[0].tower.Forward(x, linear, training != nullptr ? &pass : nullptr, &workspace->towers[0],
                              logits);
    return;
  }
  for (int k = 0; k < size(); ++k) ForwardMember(k, x, linear, training, workspace);
  EndForward(x.rows, workspace, logits);
}

void Committee::ForwardMember(int k, ConstMatrix x, const float* linear, const TrainingPass* training,
                              CommitteeWorkspace* workspace) const {
  CHECK_LE(x.rows, workspace->rows);
  const Member& member = members_[k];
  if (side_by_side()) TakeVectors(k, x, FirstRows(workspace->x[k], x.rows));
  float* sums = nullptr;
  if (member.linear_column >= 0) {
    sums = workspace->linear.data() + static_cast<int64_t>(member.linear_column) * workspace->rows;
    for (int row = 0; row < x.rows; ++row) sums[row] = linear[row * linear_ + member.linear_column];
  }
  TrainingPass pass = training != nullptr ? *training : TrainingPass();
  pass.seed = member.seed;
  member.tower.Forward(InputOf(k, x, *workspace), sums, training != nullptr ? &pass : nullptr,
                       &workspace->towers[k], workspace->logits(k));
}

void Committee::EndForward(int rows, CommitteeWorkspace* workspace, float* logits) const {
  for (int row = 0; row < rows; ++row) {
    double sum = 0;
    if (weights_.empty()) {
      for (int k = 0; k < size(); ++k) sum += workspace->logits(k)[row];
      sum /= size();
    } else {
      sum = mean_offset_;
      for (int k = 0; k < size(); ++k) sum += weights_[k] * workspace->logits(k)[row];
    }
    logits[row] = static_cast<float>(sum);
  }
}

void Committee::KindLogits(CommitteeWorkspace* workspace, int rows, float* const* logits) const {
  for (int kind = 0, first = 0; kind < weighed_kinds_; first += copies_[kind++]) {
    for (int row = 0; row < rows; ++row) {
      double sum = 0;
      for (int k = first; k < first + copies_[kind]; ++k) sum += workspace->logits(k)[row];
      logits[kind][row] = static_cast<float>(sum / copies_[kind]);
    }
  }
}

void Committee::Backward(ConstMatrix x, float* d_logits, CommitteeWorkspace* workspace, Matrix d_x,
                         const GradientSum& gradients) const {
  if (size() == 1) {
    members_[0].tower.Backward(x, d_logits, &workspace->towers[0], &d_x, gradients);
    return;
  }
  for (int k = 0; k < size(); ++k) {
    BackwardMember(k, x, workspace, d_x, gradients);
    if (!side_by_side() && k > 0) AddRows(InputGradientOf(k, x.rows, *workspace, d_x), d_x);
  }
}

Matrix Committee::InputGradientOf(int member, int rows, const CommitteeWorkspace& workspace,
                                  Matrix d_x) const {
  if (!side_by_side() && member == 0) return d_x;
  return FirstRows(workspace.d_x[workspace.d_x.size() > 1 ? member : 0], rows);
}

void Committee::BackwardMember(int k, ConstMatrix x, CommitteeWorkspace* workspace, Matrix d_x,
                               const GradientSum& gradients) const {
  const Member& member = members_[k];
  const Matrix d_input = InputGradientOf(k, x.rows, *workspace, d_x);
  member.tower.Backward(InputOf(k, x, *workspace), workspace->d_logits(k), &workspace->towers[k], &d_input,
                        gradients.From(member.offset));
  if (side_by_side()) PutVectors(k, d_input, d_x);
}

void Committee::EndBackward(CommitteeWorkspace* workspace, Matrix d_x) const {
  for (int k = 1; !side_by_side() && k < size(); ++k)
    AddRows(InputGradientOf(k, d_x.rows, *workspace, d_x), d_x);
}

void Committee::LinearGradients(CommitteeWorkspace* workspace, int rows, float* d_linear) const {
  for (int k = 0; k < size(); ++k) {
    const int column = members_[k].linear_column;
    if (column < 0) continue;
    const float* d_logits = workspace->d_logits(k);
    for (int row = 0; row < rows; ++row)
      d_linear[static_cast<int64_t>(row) * linear_ + column] = d_logits[row];
  }
}

int Committee::statistics_size() const {
  int size = 0;
  for (const Member& member : members_) size += member.tower.statistics_size();
  return size;
}

void Committee::SumStatistics(ConstMatrix x, CommitteeWorkspace* workspace, double* sums) const {
  for (int k = 0; k < size(); ++k) {
    const Tower& tower = members_[k].tower;
    tower.SumStatistics(InputOf(k, x, *workspace), workspace->towers[k], sums);
    sums += tower.statistics_size();
  }
}

void Committee::UpdateStatistics(const double* sums, int64_t rows, float* parameters) const {
  for (const Member& member : members_) {
    if (member.tower.statistics_size() > 0)
      member.tower.UpdateStatistics(sums, rows, parameters + member.offset);
    sums += member.tower.statistics_size();
  }
}

}  // namespace tandem
