#include "tandem/heads.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "src/nn/rank_one.h"
#include "src/nn/rows.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"

namespace tandem {
namespace {

constexpr char kReadOutName[] = "head/weight";

Matrix FirstRows(Matrix whole, int rows) { return {whole.data, rows, whole.cols, whole.stride}; }

}  // namespace

Heads::Heads(const proto::Tower& config, const Axis& input, const Kernels& kernels, ParameterLayout* layout)
    : kernels_(kernels) {
  const int heads = config.heads();
  const bool shared = heads > 1 && config.head_weights() == proto::Tower::RANK_ONE;
  for (int k = 0; k < heads; ++k) {
    own_ = ParameterLayout();
    Mlp mlp(config.mlp(), input, "mlp", kernels, &own_);
    const int top = mlp.width(mlp.layers() - 1);
    readout_offset_ = own_.Add(kReadOutName, {top}, ParameterKind::kWeight);
    const std::string prefix = heads > 1 ? absl::StrCat("heads/", k, "/") : "";
    const int64_t begin = shared ? 0 : layout->Append(prefix, own_);
    heads_.push_back({std::move(mlp), AlignedFloats(top), begin});
  }
  if (shared) rank_one_ = std::make_unique<RankOne>(heads, own_, kernels, layout);
}

Heads::~Heads() = default;
Heads::Heads(Heads&&) noexcept = default;

uint64_t Heads::SeedOf(int head, uint64_t seed) {
  if (head == 0) return seed;
  return Random(seed, RandomPurpose::kParameters, {/*heads'*/ 1, static_cast<uint64_t>(head)}).Bits(0);
}

int64_t Heads::flops_per_sample() const {
  return size() * (mlp().flops_per_sample() + int64_t{2} * top_width());
}

const float* Heads::ParametersOf(int head, const float* parameters, AlignedFloats* folded) const {
  if (!share_matrices()) return parameters + heads_[head].begin;
  folded->resize(own_.size());
  rank_one_->Fold(head, parameters, folded->data());
  return folded->data();
}

void Heads::Initialize(uint64_t seed, float* parameters) const {
  std::vector<AlignedFloats> own(size(), AlignedFloats(own_.size()));
  for (int k = 0; k < size(); ++k) {
    const uint64_t of_head = SeedOf(k, seed);
    float* const to = share_matrices() ? own[k].data() : parameters + heads_[k].begin;
    heads_[k].mlp.Initialize(of_head, to);
    InitializeNormal(of_head, kReadOutName, top_width(), XavierDeviation(top_width(), 1),
                     to + readout_offset_);
  }
  if (share_matrices()) rank_one_->Initialize(seed, own, parameters);
}

void Heads::Prepare(const float* parameters) {
  if (share_matrices()) rank_one_->Prepare(parameters);
  for (int k = 0; k < size(); ++k) {
    const float* const own = ParametersOf(k, parameters, &folded_);
    heads_[k].mlp.Prepare(own);
    std::copy_n(own + readout_offset_, top_width(), heads_[k].readout.data());
  }
}

HeadsWorkspace Heads::MakeWorkspace(int rows) const {
  HeadsWorkspace workspace;
  workspace.rows = rows;
  for (const Head& head : heads_) workspace.mlps.push_back(head.mlp.MakeWorkspace(rows));
  if (size() == 1) return workspace;
  const size_t of_all = static_cast<size_t>(rows) * size();
  workspace.logits_of.resize(of_all);
  workspace.d_logits_of.resize(of_all);
  const auto cut = [&](WorkspaceCutter cutter) {
    workspace.d_x = cutter.Next(rows, mlp().input_width());
    if (share_matrices()) workspace.d_folded = cutter.Take(own_.size());
    return cutter.used();
  };
  workspace.memory.resize(cut(WorkspaceCutter(nullptr)));
  cut(WorkspaceCutter(workspace.memory.data()));
  return workspace;
}

void Heads::Forward(ConstMatrix x, const TrainingPass* training, HeadsWorkspace* workspace) const {
  TrainingPass pass = training != nullptr ? *training : TrainingPass();
  for (int k = 0; k < size(); ++k) {
    if (training != nullptr) pass.seed = SeedOf(k, training->seed);
    heads_[k].mlp.Forward(x, training != nullptr ? &pass : nullptr, &workspace->mlps[k]);
  }
}

float Heads::ReadOut(int head, const HeadsWorkspace& workspace, int row) const {
  const Matrix top = workspace.mlps[head].hidden(mlp().layers() - 1);
  return kernels_.Dot(top.row(row), heads_[head].readout.data(), top.cols);
}

void Heads::Backward(ConstMatrix x, const float* d_logits, HeadsWorkspace* workspace, const Matrix* d_x,
                     const GradientSum& gradients) const {
  const Matrix d_other = FirstRows(workspace->d_x, x.rows);
  const int last = mlp().layers() - 1;
  for (int k = 0; k < size(); ++k) {
    const Head& head = heads_[k];
    MlpWorkspace* const of_mlp = &workspace->mlps[k];
    const float* const d = size() == 1 ? d_logits : workspace->d_logits(k);
    const GradientSum own = share_matrices() ? GradientSum(workspace->d_folded) : gradients.From(head.begin);
    AddOuterProduct(d, head.readout.data(), of_mlp->HiddenGradient(last));
    SumWeightedRows(d, of_mlp->hidden(last), own + readout_offset_);
    head.mlp.Backward(x, of_mlp, d_x == nullptr || k == 0 ? d_x : &d_other, own);
    if (d_x != nullptr && k > 0) AddRows(d_other, *d_x);
    if (share_matrices()) rank_one_->Unfold(k, workspace->d_folded, gradients + 0);
  }
}

int Heads::statistics_size() const { return with_statistics() * mlp().statistics_size(); }

void Heads::SumStatistics(ConstMatrix x, double* sums) const {
  for (int k = 0; k < with_statistics(); ++k)
    heads_[k].mlp.SumStatistics(x, sums + static_cast<int64_t>(k) * mlp().statistics_size());
}

void Heads::UpdateStatistics(const double* sums, int64_t rows, float* parameters) const {
  for (int k = 0; k < with_statistics(); ++k) {
    const int64_t begin = share_matrices() ? rank_one_->statistics_begin() : heads_[k].begin;
    heads_[k].mlp.UpdateStatistics(sums + static_cast<int64_t>(k) * mlp().statistics_size(), rows,
                                   parameters + begin);
  }
}

}  // namespace tandem
