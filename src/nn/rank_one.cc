#include "src/nn/rank_one.h"

#include <glog/logging.h>

#include <algorithm>

#include "src/nn/initialize.h"

namespace tandem {

RankOne::RankOne(int heads, const ParameterLayout& network, const Kernels& kernels, ParameterLayout* layout)
    : heads_(heads), kernels_(kernels), begin_(layout->size()) {
  for (const ParameterBlock& block : network.blocks()) {
    Block placed{Block::kOwn, block.name, block.offset, 0, block.size};
    if (block.kind == ParameterKind::kStatistic) {
      CHECK(blocks_.empty() || blocks_.back().kind == Block::kShared) << block.name;
      placed.kind = Block::kShared;
      placed.flat = layout->Add(block.name, block.axes, block.kind);
      CHECK_EQ(placed.flat - begin_, block.offset) << block.name;
    } else if (block.kind == ParameterKind::kMatrix) {
      placed.kind = Block::kMatrix;
      placed.inputs = block.shape[0];
      placed.outputs = block.shape[1];
      placed.flat = layout->Add(block.name, block.axes, block.kind);
      placed.factors_in = layout->Add(block.name + "_inputs", {heads, block.axes[0]}, ParameterKind::kBias);
      placed.factors_out = layout->Add(block.name + "_outputs", {heads, block.axes[1]}, ParameterKind::kBias);
    } else {
      std::vector<Axis> axes = block.axes;
      axes.insert(axes.begin(), heads);
      placed.flat = layout->Add(block.name, axes, block.kind);
    }
    blocks_.push_back(placed);
  }
  end_ = layout->size();
}

void RankOne::Initialize(uint64_t seed, absl::Span<const AlignedFloats> networks, float* parameters) const {
  bool first = true;
  for (const Block& block : blocks_) {
    float* const to = parameters + block.flat;
    if (block.kind == Block::kOwn) {
      for (int k = 0; k < heads_; ++k)
        std::copy_n(networks[k].data() + block.network, block.size, to + k * block.size);
      continue;
    }
    std::copy_n(networks[0].data() + block.network, block.size, to);
    if (block.kind == Block::kShared) continue;
    const int64_t inputs = int64_t{heads_} * block.inputs, outputs = int64_t{heads_} * block.outputs;
    std::fill_n(parameters + block.factors_in, inputs, 1.0f);
    std::fill_n(parameters + block.factors_out, outputs, 1.0f);
    if (!first) continue;
    first = false;
    float* const signs = parameters + block.factors_in;
    InitializeNormal(seed, block.name + "_inputs", inputs, 1, signs);
    for (int64_t i = 0; i < inputs; ++i) signs[i] = signs[i] < 0 ? -1 : 1;
  }
}

void RankOne::Prepare(const float* parameters) { prepared_.assign(parameters + begin_, parameters + end_); }

void RankOne::Fold(int head, const float* parameters, float* network) const {
  for (const Block& block : blocks_) {
    const float* const from = parameters + block.flat;
    float* const to = network + block.network;
    if (block.kind != Block::kMatrix) {
      std::copy_n(from + (block.kind == Block::kOwn ? head * block.size : 0), block.size, to);
      continue;
    }
    const float* const r = parameters + block.factors_in + int64_t{head} * block.inputs;
    const float* const s = parameters + block.factors_out + int64_t{head} * block.outputs;
    for (int i = 0; i < block.inputs; ++i) {
      const int64_t row = int64_t{i} * block.outputs;
      for (int j = 0; j < block.outputs; ++j) to[row + j] = from[row + j] * r[i] * s[j];
    }
  }
}

void RankOne::Unfold(int head, float* d_network, float* gradients) const {
  const float* const prepared = prepared_.data();
  for (const Block& block : blocks_) {
    if (block.kind == Block::kShared) continue;
    float* const d = d_network + block.network;
    if (block.kind == Block::kOwn) {
      std::copy_n(d, block.size, gradients + block.flat + head * block.size);
      continue;
    }
    const int64_t in = int64_t{head} * block.inputs, out = int64_t{head} * block.outputs;
    const float* const w = prepared + (block.flat - begin_);
    const float* const r = prepared + (block.factors_in - begin_) + in;
    const float* const s = prepared + (block.factors_out - begin_) + out;
    float* const d_w = gradients + block.flat;
    float* const d_r = gradients + block.factors_in + in;
    float* const d_s = gradients + block.factors_out + out;
    if (head == 0) std::fill_n(d_w, block.size, 0.0f);
    std::fill_n(d_s, block.outputs, 0.0f);
    for (int i = 0; i < block.inputs; ++i) {
      const int64_t row = int64_t{i} * block.outputs;
      float* __restrict const d_row = d + row;
      for (int j = 0; j < block.outputs; ++j) d_w[row + j] += d_row[j] * r[i] * s[j];
      for (int j = 0; j < block.outputs; ++j) {
        d_row[j] *= w[row + j];
        d_s[j] += d_row[j] * r[i];
      }
      d_r[i] = kernels_.Dot(d_row, s, block.outputs);
    }
  }
}

}  // namespace tandem
