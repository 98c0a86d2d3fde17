#include "src/serve/student_scorer.h"

#include <algorithm>
#include <utility>

namespace tandem {

StudentScorer::StudentScorer(const PlainStudent& student, const Kernels& kernels)
    : kernels_(kernels),
      mean_(student.mean),
      scale_(student.scale),
      head_(student.head, student.head + student.head_width()),
      bias_(student.bias) {
  for (const PlainStudent::Layer& from : student.layers) {
    Layer layer;
    layer.outputs = from.outputs;
    layer.packed.resize(kernels.PackedFloats(from.inputs, from.outputs));
    kernels.Pack(from.weight, from.inputs, from.outputs, from.outputs, 1, layer.packed.data());
    layer.bias.assign(from.bias, from.bias + from.outputs);
    widest_ = std::max<int64_t>(widest_, (from.outputs + 15) / 16 * 16);
    layers_.push_back(std::move(layer));
  }
}

int64_t StudentScorer::workspace_floats(int rows) const { return 2 * rows * widest_; }

void StudentScorer::Score(Matrix x, const float* linear, float* workspace, float* logits) const {
  const auto width = static_cast<int>(mean_.size());
  for (int r = 0; width > 0 && r < x.rows; ++r) {
    float* row = x.row(r);
    for (int j = 0; j < width; ++j) row[j] = (row[j] - mean_[j]) * scale_[j];
  }
  // Two buffers take turns.
  float* buffers[2] = {workspace, workspace + x.rows * widest_};
  ConstMatrix input = x;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const Matrix hidden{buffers[l % 2], x.rows, layer.outputs, layer.outputs};
    kernels_.Gemm(input, layer.packed.data(), layer.bias.data(), /*relu=*/true, /*accumulate=*/false, hidden);
    input = hidden;
  }
  for (int r = 0; r < x.rows; ++r) {
    float logit = bias_;
    if (linear != nullptr) logit += linear[r];
    logits[r] = logit + kernels_.Dot(input.row(r), head_.data(), input.cols);
  }
}

}  // namespace tandem
