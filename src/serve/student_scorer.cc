#include "src/serve/student_scorer.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "src/kernels/low_precision_variants.h"
#include "src/nn/rows.h"
#include "src/serve/quantize.h"

namespace tandem {
namespace {

// What the precisions have in common.
class ScorerBase : public StudentScorer {
 protected:
  explicit ScorerBase(const PlainStudent& student)
      : mean_(student.mean),
        scale_(student.scale),
        head_(student.head, student.head + student.head_width()),
        bias_(student.bias),
        widest_input_(student.input_width()) {
    for (const PlainStudent::Layer& layer : student.layers) {
      widest_ = std::max(widest_, AlignFloats(layer.outputs));
      widest_input_ = std::max<int64_t>(widest_input_, layer.inputs);
    }
  }

  void Normalize(Matrix x) const {
    const auto width = static_cast<int>(mean_.size());
    for (int r = 0; width > 0 && r < x.rows; ++r) {
      float* row = x.row(r);
      for (int j = 0; j < width; ++j) row[j] = (row[j] - mean_[j]) * scale_[j];
    }
  }

  template <class Dot>
  void ReadOut(ConstMatrix top, const float* linear, const Dot& dot, float* logits) const {
    for (int r = 0; r < top.rows; ++r) {
      float logit = bias_;
      if (linear != nullptr) logit += linear[r];
      logits[r] = logit + dot(top.row(r), head_.data(), static_cast<int64_t>(top.cols));
    }
  }

  const AlignedFloats mean_, scale_, head_;
  const float bias_;
  int64_t widest_ = 0;        // of the hidden layers, in whole cache lines
  int64_t widest_input_ = 0;  // of all layers
};

class FloatScorer final : public ScorerBase {
 public:
  FloatScorer(const PlainStudent& student, const Kernels& kernels) : ScorerBase(student), kernels_(kernels) {
    for (const PlainStudent::Layer& from : student.layers) {
      Layer layer;
      layer.outputs = from.outputs;
      layer.packed.resize(kernels.PackedFloats(from.inputs, from.outputs));
      kernels.Pack(from.weight, from.inputs, from.outputs, from.outputs, 1, layer.packed.data());
      layer.bias.assign(from.bias, from.bias + from.outputs);
      layers_.push_back(std::move(layer));
    }
  }

  const char* variant() const override { return kernels_.name(); }
  int64_t workspace_floats(int rows) const override { return 2 * rows * widest_; }

  void Score(Matrix x, const float* linear, float* workspace, float* logits) const override {
    Normalize(x);
    // Two buffers take turns.
    float* buffers[2] = {workspace, workspace + x.rows * widest_};
    ConstMatrix input = x;
    for (size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const Matrix hidden{buffers[l % 2], x.rows, layer.outputs, layer.outputs};
      kernels_.Gemm(input, layer.packed.data(), layer.bias.data(), /*relu=*/true, /*accumulate=*/false,
                    hidden);
      input = hidden;
    }
    ReadOut(
        input, linear, [&](const float* a, const float* b, int64_t n) { return kernels_.Dot(a, b, n); },
        logits);
  }

 private:
  struct Layer {
    int outputs;
    AlignedFloats packed, bias;
  };
  const Kernels& kernels_;
  std::vector<Layer> layers_;
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

class Bf16Scorer final : public ScorerBase {
 public:
  Bf16Scorer(const PlainStudent& student, const Bf16Kernels& kernels)
      : ScorerBase(student), kernels_(kernels), stride_(CodeStride(2 * widest_input_) / 2) {
    for (const PlainStudent::Layer& from : student.layers) {
      Layer layer{from.inputs, from.outputs, {}, {}};
      std::vector<uint16_t> values(static_cast<size_t>(from.inputs) * from.outputs);
      std::transform(from.weight, from.weight + values.size(), values.begin(), RoundToBf16);
      layer.packed.resize(kernels.packed_values(from.inputs, from.outputs));
      kernels.pack(values.data(), from.inputs, from.outputs, layer.packed.data());
      layer.bias.assign(from.bias, from.bias + from.outputs);
      layers_.push_back(std::move(layer));
    }
  }

  const char* variant() const override { return kernels_.name; }
  // The hidden layer, then its values in bfloat16.
  int64_t workspace_floats(int rows) const override { return rows * (widest_ + stride_ / 2); }

  void Score(Matrix x, const float* linear, float* workspace, float* logits) const override {
    Normalize(x);
    auto* const values = reinterpret_cast<uint16_t*>(workspace + x.rows * widest_);
    kernels_.round(x, values, stride_);
    ScoreRounded(values, x.rows, linear, workspace, logits);
  }

  int64_t rounded_stride() const override { return mean_.empty() ? stride_ : 0; }

  void ScoreRounded(const uint16_t* x, int rows, const float* linear, float* workspace,
                    float* logits) const override {
    auto* const values = reinterpret_cast<uint16_t*>(workspace + rows * widest_);
    Matrix hidden;
    for (const Layer& layer : layers_) {
      if (hidden.data != nullptr) {
        kernels_.round(hidden, values, stride_);
        x = values;
      }
      hidden = {workspace, rows, layer.outputs, static_cast<int>(widest_)};
      kernels_.gemm({x, rows, stride_}, {layer.packed.data(), layer.inputs, layer.outputs, layer.bias.data()},
                    hidden);
    }
    ReadOut(hidden, linear, kernels_.dot, logits);
  }

 private:
  struct Layer {
    int inputs, outputs;
    AlignedVector<uint16_t> packed;
    AlignedFloats bias;
  };
  const Bf16Kernels& kernels_;
  const int64_t stride_;
  std::vector<Layer> layers_;
};

class Int8Scorer final : public ScorerBase {
 public:
  Int8Scorer(const PlainStudent& student, const Int8Kernels& kernels)
      : ScorerBase(student), kernels_(kernels), stride_(CodeStride(widest_input_)) {
    for (const PlainStudent::Layer& from : student.layers) {
      Layer layer{from.inputs, from.outputs, {}, {}, {}, {}};
      const QuantizedWeights weights = QuantizeWeights(from.weight, from.inputs, from.outputs);
      layer.packed.resize(kernels.packed_bytes(from.inputs, from.outputs));
      kernels.pack(weights.codes.data(), from.inputs, from.outputs, layer.packed.data());
      layer.start.resize(from.outputs);
      for (size_t i = 0; i < weights.codes.size(); ++i) {
        layer.start[i % from.outputs] -= ZeroPoint(layers_.size()) * weights.codes[i];
      }
      layer.scales.assign(weights.scales.begin(), weights.scales.end());
      layer.bias.assign(from.bias, from.bias + from.outputs);
      layers_.push_back(std::move(layer));
    }
  }

  const char* variant() const override { return kernels_.name; }
  // The hidden layer, its codes, and their scales.
  int64_t workspace_floats(int rows) const override { return rows * (widest_ + stride_ / 4 + 1); }

  void Score(Matrix x, const float* linear, float* workspace, float* logits) const override {
    Normalize(x);
    auto* const codes = reinterpret_cast<uint8_t*>(workspace + x.rows * widest_);
    float* const scales = workspace + x.rows * (widest_ + stride_ / 4);
    ConstMatrix input = x;
    for (size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const Matrix hidden{workspace, x.rows, layer.outputs, widest_};
      kernels_.quantize(input, ZeroPoint(l), codes, stride_, scales);
      kernels_.gemm({codes, x.rows, stride_, scales},
                    {layer.packed.data(), layer.inputs, layer.outputs, layer.start.data(),
                     layer.scales.data(), layer.bias.data()},
                    hidden);
      input = hidden;
    }
    ReadOut(input, linear, kernels_.dot, logits);
  }

 private:
  struct Layer {
    int inputs, outputs;
    AlignedVector<int8_t> packed;
    AlignedVector<int32_t> start;
    AlignedFloats scales, bias;
  };
  // The input has both signs, what a ReLU lets through one.
  static int ZeroPoint(size_t layer) { return layer == 0 ? 128 : 0; }

  const Int8Kernels& kernels_;
  const int64_t stride_;
  std::vector<Layer> layers_;
};

std::unique_ptr<StudentScorer> MakeHeadScorer(const PlainStudent& student, Precision precision,
                                              const Kernels& kernels) {
  switch (precision) {
    case Precision::kBf16:
      return std::make_unique<Bf16Scorer>(student, FindBf16Kernels(kernels));
    case Precision::kInt8:
      return std::make_unique<Int8Scorer>(student, FindInt8Kernels(kernels));
    case Precision::kF32:
      break;
  }
  return std::make_unique<FloatScorer>(student, kernels);
}

// Several heads, whose mean is the logit.
class HeadsScorer final : public StudentScorer {
 public:
  HeadsScorer(absl::Span<const PlainStudent> heads, Precision precision, const Kernels& kernels)
      : copied_width_(heads[0].mean.empty() ? 0 : heads[0].input_width()) {
    for (const PlainStudent& head : heads) heads_.push_back(MakeHeadScorer(head, precision, kernels));
  }

  const char* variant() const override { return heads_[0]->variant(); }
  // Of a head; before it the sums of logits, its logits, and the x that it normalises.
  int64_t workspace_floats(int rows) const override {
    return Before(rows) + heads_[0]->workspace_floats(rows);
  }

  void Score(Matrix x, const float* linear, float* workspace, float* logits) const override {
    float* const copy = workspace + AlignFloats(2 * x.rows) + AlignFloats(x.rows);
    ScoreHeads(x.rows, workspace, logits, [&](const StudentScorer& head, float* of_head) {
      Matrix read = x;
      if (copied_width_ > 0) {
        read = {copy, x.rows, x.cols, x.cols};
        CopyRows(x, read);
      }
      head.Score(read, linear, workspace + Before(x.rows), of_head);
    });
  }

  int64_t rounded_stride() const override { return heads_[0]->rounded_stride(); }
  void ScoreRounded(const uint16_t* x, int rows, const float* linear, float* workspace,
                    float* logits) const override {
    ScoreHeads(rows, workspace, logits, [&](const StudentScorer& head, float* of_head) {
      head.ScoreRounded(x, rows, linear, workspace + Before(rows), of_head);
    });
  }

 private:
  template <class Score>
  void ScoreHeads(int rows, float* workspace, float* logits, const Score& score) const {
    auto* const sums = reinterpret_cast<double*>(workspace);
    float* const of_head = workspace + AlignFloats(2 * rows);
    std::fill_n(sums, rows, 0.0);
    for (const std::unique_ptr<StudentScorer>& head : heads_) {
      score(*head, of_head);
      for (int r = 0; r < rows; ++r) sums[r] += of_head[r];
    }
    for (int r = 0; r < rows; ++r)
      logits[r] = static_cast<float>(sums[r] / static_cast<double>(heads_.size()));
  }

  int64_t Before(int rows) const {
    return AlignFloats(2 * rows) + AlignFloats(rows) + AlignFloats(rows * copied_width_);
  }

  const int64_t copied_width_;  // 0 where x is read as it is
  std::vector<std::unique_ptr<StudentScorer>> heads_;
};

}  // namespace

void StudentScorer::ScoreRounded(const uint16_t* /*x*/, int /*rows*/, const float* /*linear*/,
                                 float* /*workspace*/, float* /*logits*/) const {
  LOG(FATAL) << variant() << " reads no bfloat16";
}

std::unique_ptr<StudentScorer> MakeStudentScorer(absl::Span<const PlainStudent> heads, Precision precision,
                                                 const Kernels& kernels) {
  if (heads.size() == 1) return MakeHeadScorer(heads[0], precision, kernels);
  return std::make_unique<HeadsScorer>(heads, precision, kernels);
}

}  // namespace tandem
