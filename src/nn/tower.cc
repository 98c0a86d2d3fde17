#include "tandem/tower.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "src/nn/rows.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

constexpr char kReadOutName[] = "head/weight";

Matrix FirstRows(Matrix whole, int rows) { return {whole.data, rows, whole.cols, whole.stride}; }

Matrix Columns(Matrix whole, int begin, int count) {
  return {whole.data + begin, whole.rows, count, whole.stride};
}

template <typename AnyMatrix>
AnyMatrix FirstColumns(AnyMatrix whole, int count) {
  return {whole.data, whole.rows, count, whole.stride};
}

}  // namespace

Tower::Tower(const proto::Tower& config, const FieldShape& shape, const std::string& name,
             const Kernels& kernels)
    : shape_{PlainFields(shape), shape.dim},
      name_(name),
      linear_(config.linear()),
      parallel_(config.combine() == proto::Tower::PARALLEL),
      kernels_(kernels) {
  const Axis x = Axis::OfFields(shape_.fields, shape_.dim);
  std::vector<Axis> inputs;  // of the MLP, or of the read-out without one
  for (int i = 0; i < config.interaction_size(); ++i) {
    Part part;
    const FieldShape& read = ReadsSequences(config.interaction(i)) ? shape : shape_;
    part.layer =
        MakeInteraction(config.interaction(i), read, absl::StrCat("interaction/", i), kernels, &layout_);
    part.inputs = read.fields * read.dim;
    part.column = combined_width_;
    part.learned_readout = parallel_ && part.layer->learned_readout();
    combined_width_ += part.layer->width();
    if (!parallel_) inputs.push_back(part.layer->output());
    parts_.push_back(std::move(part));
  }
  inputs.push_back(x);
  if (stacks_interactions()) combined_width_ += x.size();
  const Axis top = Axis::Join(inputs);
  if (config.has_mlp()) {
    heads_.emplace(config, top, kernels, &layout_);
  } else if (!parallel_) {
    readout_.resize(top.size());
    readout_offset_ = layout_.Add(kReadOutName, {top}, ParameterKind::kWeight);
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    if (!part.learned_readout) continue;
    part.readout_name = absl::StrCat("readout/", i, "/weight");
    part.readout_offset = layout_.Add(part.readout_name, {part.layer->output()}, ParameterKind::kWeight);
    part.readout.resize(part.layer->width());
  }
  bias_offset_ = layout_.Add("bias", {1}, ParameterKind::kBias);
}

int64_t Tower::flops_per_sample() const {
  int64_t flops = static_cast<int64_t>(2 * readout_.size()) + (linear_ ? 1 : 0);
  if (heads_.has_value()) flops += heads_->flops_per_sample();
  for (const Part& part : parts_) {
    flops += part.layer->flops_per_sample();
    if (parallel_) flops += part.layer->width() * (part.learned_readout ? 2 : 1);
  }
  return flops;
}

// Two products for one of forward: the gradients of the input and of the weights.
int64_t Tower::backward_flops_per_sample(bool d_x) const {
  const bool skips = !d_x && heads_.has_value() && !stacks_interactions();
  return 2 * flops_per_sample() - (skips ? heads_->data_gradient_flops() : 0);
}

// Both towers have a block "mlp/0/weight", and one run's seed: the name keeps their values apart.
uint64_t Tower::TowerSeed(uint64_t seed) const {
  return XXH3_64bits_withSeed(name_.data(), name_.size(), seed);
}

void Tower::Initialize(uint64_t seed, float* parameters, float bias) const {
  const uint64_t tower_seed = TowerSeed(seed);
  for (const Part& part : parts_) {
    part.layer->Initialize(tower_seed, parameters);
    if (!part.learned_readout) continue;
    InitializeNormal(tower_seed, part.readout_name, part.layer->width(),
                     XavierDeviation(part.layer->width(), 1), parameters + part.readout_offset);
  }
  if (heads_.has_value()) heads_->Initialize(tower_seed, parameters);
  const auto width = static_cast<int64_t>(readout_.size());
  if (width > 0) {
    InitializeNormal(tower_seed, kReadOutName, width, XavierDeviation(width, 1),
                     parameters + readout_offset_);
  }
  parameters[bias_offset_] = bias;
}

void Tower::Prepare(const float* parameters) {
  for (Part& part : parts_) {
    part.layer->Prepare(parameters);
    if (part.learned_readout) {
      std::copy_n(parameters + part.readout_offset, part.readout.size(), part.readout.data());
    }
  }
  if (heads_.has_value()) heads_->Prepare(parameters);
  std::copy_n(parameters + readout_offset_, readout_.size(), readout_.data());
  bias_ = parameters[bias_offset_];
}

TowerWorkspace Tower::MakeWorkspace(int rows) const {
  TowerWorkspace workspace;
  if (heads_.has_value()) workspace.heads = heads_->MakeWorkspace(rows);
  const auto cut = [&](WorkspaceCutter cutter) {
    workspace.combined = cutter.Next(rows, combined_width_);
    workspace.d_combined = cutter.Next(rows, combined_width_);
    workspace.interactions.clear();
    for (const Part& part : parts_) {
      workspace.interactions.push_back(cutter.Take(part.layer->workspace_floats(rows)));
    }
    return cutter.used();
  };
  workspace.memory.resize(cut(WorkspaceCutter(nullptr)));
  cut(WorkspaceCutter(workspace.memory.data()));
  return workspace;
}

Matrix Tower::XOf(Matrix combined) const {
  const int width = shape_.fields * shape_.dim;
  return Columns(combined, combined_width_ - width, width);
}

ConstMatrix Tower::Input(ConstMatrix x, const TowerWorkspace& workspace) const {
  return stacks_interactions() ? FirstRows(workspace.combined, x.rows)
                               : FirstColumns(x, shape_.fields * shape_.dim);
}

void Tower::Forward(ConstMatrix x, const float* linear, const TrainingPass* training,
                    TowerWorkspace* workspace, float* logits) const {
  CHECK_EQ(linear != nullptr, linear_) << name_;
  CHECK_LE(x.rows, workspace->combined.rows) << name_;
  const Matrix combined = FirstRows(workspace->combined, x.rows);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    part.layer->Forward(FirstColumns(x, part.inputs), workspace->interactions[i],
                        Columns(combined, part.column, part.layer->width()));
  }
  if (stacks_interactions()) CopyRows(FirstColumns(x, shape_.fields * shape_.dim), XOf(combined));

  const ConstMatrix top = Input(x, *workspace);
  if (heads_.has_value()) {
    TrainingPass pass = training != nullptr ? *training : TrainingPass();
    pass.seed = TowerSeed(pass.seed);
    heads_->Forward(top, training != nullptr ? &pass : nullptr, &workspace->heads);
  }
  const int count = this->logits();
  for (int k = 0; k < count; ++k) {
    float* const of_head = count > 1 ? workspace->heads.logits(k) : logits;
    for (int r = 0; r < x.rows; ++r) {
      float logit = bias_;
      if (linear_) logit += linear[r];
      if (heads_.has_value()) logit += heads_->ReadOut(k, workspace->heads, r);
      if (!readout_.empty()) logit += kernels_.Dot(top.row(r), readout_.data(), top.cols);
      if (parallel_) logit += ReadOut(combined.row(r));
      of_head[r] = logit;
    }
  }
  for (int r = 0; count > 1 && r < x.rows; ++r) {
    double sum = 0;
    for (int k = 0; k < count; ++k) sum += workspace->heads.logits(k)[r];
    logits[r] = static_cast<float>(sum / count);
  }
}

float Tower::ReadOut(const float* outputs) const {
  float sum = 0;
  for (const Part& part : parts_) {
    const float* output = outputs + part.column;
    if (part.learned_readout) {
      sum += kernels_.Dot(output, part.readout.data(), part.layer->width());
    } else {
      for (int j = 0; j < part.layer->width(); ++j) sum += output[j];
    }
  }
  return sum;
}

void Tower::Backward(ConstMatrix x, float* d_logits, TowerWorkspace* workspace, const Matrix* d_x,
                     const GradientSum& gradients) const {
  const Matrix combined = FirstRows(workspace->combined, x.rows);
  const Matrix d_combined = FirstRows(workspace->d_combined, x.rows);
  for (int r = 0; logits() > 1 && r < x.rows; ++r) {
    d_logits[r] = 0;
    for (int k = 0; k < logits(); ++k) d_logits[r] += workspace->heads.d_logits(k)[r];
  }
  SumRows({d_logits, x.rows, 1, 1}, gradients + bias_offset_);
  const int plain = shape_.fields * shape_.dim;
  const Matrix d_plain = d_x != nullptr ? FirstColumns(*d_x, plain) : Matrix();
  if (heads_.has_value() || !readout_.empty()) {
    const Matrix* d_input = stacks_interactions() ? &d_combined : d_x != nullptr ? &d_plain : nullptr;
    BackwardDeep(x, d_logits, workspace, d_input, gradients);
  } else if (d_x != nullptr) {
    ZeroRows(d_plain);
  }
  if (parallel_) BackwardReadouts(d_logits, combined, d_combined, gradients);
  if (stacks_interactions() && d_x != nullptr) CopyRows(XOf(d_combined), d_plain);
  if (d_x != nullptr) ZeroRows(Columns(*d_x, plain, x.cols - plain));
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    part.layer->Backward(FirstColumns(x, part.inputs), workspace->interactions[i],
                         Columns(d_combined, part.column, part.layer->width()),
                         d_x != nullptr ? FirstColumns(*d_x, part.inputs) : Matrix(), gradients);
  }
}

void Tower::BackwardDeep(ConstMatrix x, const float* d_logits, TowerWorkspace* workspace,
                         const Matrix* d_input, const GradientSum& gradients) const {
  const ConstMatrix input = Input(x, *workspace);
  if (heads_.has_value()) {
    heads_->Backward(input, d_logits, &workspace->heads, d_input, gradients);
    return;
  }
  SumWeightedRows(d_logits, input, gradients + readout_offset_);
  if (d_input == nullptr) return;
  ZeroRows(*d_input);
  AddOuterProduct(d_logits, readout_.data(), *d_input);
}

void Tower::BackwardReadouts(const float* d_logits, ConstMatrix combined, Matrix d_combined,
                             const GradientSum& gradients) const {
  ZeroRows(d_combined);
  for (const Part& part : parts_) {
    const int width = part.layer->width();
    const Matrix d_output = Columns(d_combined, part.column, width);
    if (part.learned_readout) {
      SumWeightedRows(d_logits, {combined.data + part.column, combined.rows, width, combined.stride},
                      gradients + part.readout_offset);
      AddOuterProduct(d_logits, part.readout.data(), d_output);
    } else {
      for (int r = 0; r < d_output.rows; ++r) std::fill_n(d_output.row(r), width, d_logits[r]);
    }
  }
}

void Tower::SumStatistics(ConstMatrix x, const TowerWorkspace& workspace, double* sums) const {
  if (heads_.has_value()) heads_->SumStatistics(Input(x, workspace), sums);
}

void Tower::UpdateStatistics(const double* sums, int64_t rows, float* parameters) const {
  if (heads_.has_value()) heads_->UpdateStatistics(sums, rows, parameters);
}

}  // namespace tandem
