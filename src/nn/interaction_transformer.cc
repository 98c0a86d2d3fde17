#include "src/nn/interaction_transformer.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "src/nn/rows.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

constexpr double kPositionDeviation = 0.01;
constexpr float kNormEpsilon = 1e-5f;

// y = x W + b.
class Affine {
 public:
  Affine(std::string name, int inputs, int outputs, const Kernels& kernels, ParameterLayout* layout)
      : name_(std::move(name)), inputs_(inputs), outputs_(outputs), kernels_(kernels) {
    weight_ = layout->Add(name_ + "/weight", {inputs, outputs}, ParameterKind::kWeight);
    bias_ = layout->Add(name_ + "/bias", {outputs}, ParameterKind::kBias);
    packed_.resize(kernels.PackedFloats(inputs, outputs));
    transposed_.resize(kernels.PackedFloats(outputs, inputs));
    bias_values_.resize(outputs);
  }

  // Several matrices of `outputs` each may stand side by side (q, k, v): that is what the deviation knows.
  void Initialize(uint64_t seed, int outputs, float* parameters) const {
    InitializeNormal(seed, name_ + "/weight", int64_t{inputs_} * outputs_, XavierDeviation(inputs_, outputs),
                     parameters + weight_);
    std::fill_n(parameters + bias_, outputs_, 0.0f);
  }
  void Prepare(const float* parameters) {
    const float* w = parameters + weight_;
    kernels_.Pack(w, inputs_, outputs_, outputs_, 1, packed_.data());
    kernels_.Pack(w, outputs_, inputs_, 1, outputs_, transposed_.data());
    std::copy_n(parameters + bias_, outputs_, bias_values_.data());
  }
  void Forward(ConstMatrix x, bool relu, bool accumulate, Matrix y) const {
    kernels_.Gemm(x, packed_.data(), bias_values_.data(), relu, accumulate, y);
  }
  // The parameters' gradients, and that of x into (or added to) `d_x`.
  void Backward(ConstMatrix x, ConstMatrix d_y, bool accumulate, Matrix d_x,
                const GradientSum& gradients) const {
    kernels_.GemmTransposed(x, d_y, false, {gradients + weight_, inputs_, outputs_, outputs_});
    SumRows(d_y, gradients + bias_);
    kernels_.Gemm(d_y, transposed_.data(), nullptr, false, accumulate, d_x);
  }
  int64_t flops() const { return int64_t{2} * inputs_ * outputs_; }

 private:
  std::string name_;
  int inputs_, outputs_;
  const Kernels& kernels_;
  int64_t weight_, bias_;
  AlignedFloats packed_, transposed_, bias_values_;
};

// Layer normalisation (Ba et al. 2016) over the components of a row.
class Norm {
 public:
  Norm(const std::string& name, int dim, ParameterLayout* layout) : dim_(dim) {
    scale_ = layout->Add(name + "/scale", {dim}, ParameterKind::kBias);
    shift_ = layout->Add(name + "/shift", {dim}, ParameterKind::kBias);
    scale_values_.resize(dim);
    shift_values_.resize(dim);
  }

  void Initialize(float* parameters) const {
    std::fill_n(parameters + scale_, dim_, 1.0f);
    std::fill_n(parameters + shift_, dim_, 0.0f);
  }
  void Prepare(const float* parameters) {
    std::copy_n(parameters + scale_, dim_, scale_values_.data());
    std::copy_n(parameters + shift_, dim_, shift_values_.data());
  }
  // `x` becomes (x - mean) / deviation, `inverse` [rows] the 1 / deviation; both are kept for the way back.
  void Forward(Matrix x, float* inverse, Matrix y) const {
    for (int t = 0; t < x.rows; ++t) {
      float *row = x.row(t), *out = y.row(t);
      float mean = 0, variance = 0;
      for (int d = 0; d < dim_; ++d) mean += row[d];
      mean /= static_cast<float>(dim_);
      for (int d = 0; d < dim_; ++d) {
        row[d] -= mean;
        variance += row[d] * row[d];
      }
      inverse[t] = 1 / std::sqrt(variance / static_cast<float>(dim_) + kNormEpsilon);
      for (int d = 0; d < dim_; ++d) {
        row[d] *= inverse[t];
        out[d] = row[d] * scale_values_[d] + shift_values_[d];
      }
    }
  }
  // `d`, the gradient of y, becomes that of x.
  void Backward(ConstMatrix normalized, const float* inverse, Matrix d, const GradientSum& gradients) const {
    float *d_scale = gradients + scale_, *d_shift = gradients + shift_;
    std::fill_n(d_scale, dim_, 0.0f);
    std::fill_n(d_shift, dim_, 0.0f);
    for (int t = 0; t < d.rows; ++t) {
      float* row = d.row(t);
      const float* x = normalized.row(t);
      float mean = 0, slope = 0;
      for (int i = 0; i < dim_; ++i) {
        d_scale[i] += row[i] * x[i];
        d_shift[i] += row[i];
        row[i] *= scale_values_[i];
        mean += row[i];
        slope += row[i] * x[i];
      }
      mean /= static_cast<float>(dim_);
      slope /= static_cast<float>(dim_);
      for (int i = 0; i < dim_; ++i) row[i] = inverse[t] * (row[i] - mean - x[i] * slope);
    }
  }

 private:
  int dim_;
  int64_t scale_, shift_;
  AlignedFloats scale_values_, shift_values_;
};

float Dot(const float* x, const float* y, int n) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

void Axpy(float a, const float* x, int n, float* y) {
  for (int i = 0; i < n; ++i) y[i] += a * x[i];
}

const FeatureFields& Find(const FieldShape& shape, const std::string& feature, const std::string& name) {
  for (const FeatureFields& fields : shape.features) {
    if (fields.name == feature) return fields;
  }
  LOG(FATAL) << name << ": no feature '" << feature << "'";
}

class Transformer : public Interaction {
 public:
  Transformer(const proto::Transformer& config, const FieldShape& shape, const std::string& name,
              const Kernels& kernels, ParameterLayout* layout)
      : dim_(shape.dim), heads_(config.heads()), hidden_(config.hidden()), name_(name) {
    const FeatureFields& sequence = Find(shape, config.sequence(), name);
    const FeatureFields& target = Find(shape, config.target(), name);
    CHECK(sequence.sequence && !target.sequence && dim_ % heads_ == 0) << name;
    for (int place = 0; place < sequence.count; ++place) columns_.push_back((sequence.first + place) * dim_);
    columns_.push_back(target.first * dim_);
    output_ = places() * dim_;
    position_ = layout->Add(name + "/position", {places(), dim_}, ParameterKind::kWeight);
    position_values_.resize(int64_t{places()} * dim_);
    for (int b = 0; b < config.blocks(); ++b) {
      const std::string prefix = absl::StrCat(name, "/", b, "/");
      blocks_.push_back(
          {Affine(prefix + "qkv", dim_, 3 * dim_, kernels, layout),
           Affine(prefix + "out", dim_, dim_, kernels, layout), Norm(prefix + "norm1", dim_, layout),
           Affine(prefix + "ffn1", dim_, hidden_, kernels, layout),
           Affine(prefix + "ffn2", hidden_, dim_, kernels, layout), Norm(prefix + "norm2", dim_, layout)});
    }
  }

  const Axis& output() const override { return output_; }
  bool learned_readout() const override { return true; }
  int64_t workspace_floats(int rows) const override {
    WorkspaceCutter cutter(nullptr);
    Cut(rows, &cutter);
    for (size_t b = 0; b < blocks_.size(); ++b) CutBlock(rows, /*tokens=*/0, &cutter);
    return cutter.used();
  }
  // Of a row whose places are all present; a normalisation counts 8 a component.
  int64_t flops_per_sample() const override {
    const int64_t p = places();
    int64_t flops = p * dim_;
    for (const Block& block : blocks_) {
      flops += p * (block.qkv.flops() + block.out.flops() + block.ffn1.flops() + block.ffn2.flops());
      flops += p * p * (4 * dim_ + 4 * heads_) + p * 18 * dim_;
    }
    return flops;
  }

  void Initialize(uint64_t seed, float* parameters) const override {
    InitializeNormal(seed, name_ + "/position", int64_t{places()} * dim_, kPositionDeviation,
                     parameters + position_);
    for (const Block& block : blocks_) {
      block.qkv.Initialize(seed, dim_, parameters);
      block.out.Initialize(seed, dim_, parameters);
      block.norm1.Initialize(parameters);
      block.ffn1.Initialize(seed, hidden_, parameters);
      block.ffn2.Initialize(seed, dim_, parameters);
      block.norm2.Initialize(parameters);
    }
  }

  void Prepare(const float* parameters) override {
    std::copy_n(parameters + position_, position_values_.size(), position_values_.data());
    for (Block& block : blocks_) {
      for (Affine* affine : {&block.qkv, &block.out, &block.ffn1, &block.ffn2}) affine->Prepare(parameters);
      block.norm1.Prepare(parameters);
      block.norm2.Prepare(parameters);
    }
  }

  void Forward(ConstMatrix fields, float* workspace, Matrix output) const override {
    WorkspaceCutter cutter(workspace);
    const Shared shared = Cut(fields.rows, &cutter);
    const int tokens = TakeTokens(fields, shared);
    Matrix x = First(shared.tokens, tokens);
    for (const Block& block : blocks_) {
      const BlockBuffers buffers = CutBlock(fields.rows, tokens, &cutter);
      block.qkv.Forward(x, false, false, buffers.qkv);
      Attend(shared, buffers, fields.rows);
      CopyRows(x, buffers.norm1);
      block.out.Forward(buffers.mixed, false, true, buffers.norm1);
      block.norm1.Forward(buffers.norm1, buffers.inverse1, buffers.y);
      block.ffn1.Forward(buffers.y, true, false, buffers.hidden);
      CopyRows(buffers.y, buffers.norm2);
      block.ffn2.Forward(buffers.hidden, false, true, buffers.norm2);
      block.norm2.Forward(buffers.norm2, buffers.inverse2, buffers.next);
      x = buffers.next;
    }
    ZeroRows(output);
    int token = 0;
    ForEachToken(fields, [&](int row, int place) {
      std::copy_n(x.row(token++), dim_, output.row(row) + place * dim_);
    });
  }

  void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                const GradientSum& gradients) const override {
    WorkspaceCutter cutter(workspace);
    const Shared shared = Cut(fields.rows, &cutter);
    int tokens = 0;
    ForEachToken(fields, [&](int row, int place) {
      std::copy_n(d_output.row(row) + place * dim_, dim_, shared.d.row(tokens++));
    });
    const Matrix d = First(shared.d, tokens), d_mixed = First(shared.d_mixed, tokens);
    const Matrix d_hidden = First(shared.d_hidden, tokens), d_qkv = First(shared.d_qkv, tokens);
    const int64_t first_block = cutter.used();
    CutBlock(fields.rows, 0, &cutter);
    const int64_t block_floats = cutter.used() - first_block;
    const auto buffers_of = [&](int b) {
      WorkspaceCutter of_block(workspace + first_block + b * block_floats);
      return CutBlock(fields.rows, tokens, &of_block);
    };
    for (int b = static_cast<int>(blocks_.size()) - 1; b >= 0; --b) {
      const Block& block = blocks_[b];
      const BlockBuffers buffers = buffers_of(b);
      const Matrix x = b == 0 ? First(shared.tokens, tokens) : buffers_of(b - 1).next;
      block.norm2.Backward(buffers.norm2, buffers.inverse2, d, gradients);
      block.ffn2.Backward(buffers.hidden, d, false, d_hidden, gradients);
      for (int t = 0; t < tokens; ++t) {
        const float* hidden = buffers.hidden.row(t);
        float* d_row = d_hidden.row(t);
        for (int j = 0; j < hidden_; ++j) d_row[j] = hidden[j] > 0 ? d_row[j] : 0;
      }
      block.ffn1.Backward(buffers.y, d_hidden, true, d, gradients);
      block.norm1.Backward(buffers.norm1, buffers.inverse1, d, gradients);
      block.out.Backward(buffers.mixed, d, false, d_mixed, gradients);
      AttendBackward(shared, buffers, d_mixed, fields.rows, d_qkv);
      block.qkv.Backward(x, d_qkv, true, d, gradients);
    }
    std::fill_n(gradients + position_, position_values_.size(), 0.0f);
    int token = 0;
    ForEachToken(fields, [&](int row, int place) {
      const float* d_token = d.row(token++);
      Axpy(1, d_token, dim_, gradients + position_ + place * dim_);
      if (d_fields.data != nullptr) Axpy(1, d_token, dim_, d_fields.row(row) + columns_[place]);
    });
  }

 private:
  struct Block {
    Affine qkv, out;
    Norm norm1;
    Affine ffn1, ffn2;
    Norm norm2;
  };
  // The tokens that are present lie row by row, place by place, without gaps. Matrices have room for all.
  struct Shared {
    float* counts;  // [rows], tokens of each
    Matrix tokens;  // the first block's x
    Matrix d;       // the gradient on its way back through the blocks
    Matrix d_mixed;
    Matrix d_hidden;
    Matrix d_qkv;
  };
  struct BlockBuffers {
    Matrix qkv;      // [tokens, 3 D]
    float* weights;  // attention's, [rows, heads, places, places]
    Matrix mixed;    // attention(x)
    Matrix norm1, norm2;
    float *inverse1, *inverse2;
    Matrix y, hidden, next;
  };

  int places() const { return static_cast<int>(columns_.size()); }
  static Matrix First(Matrix whole, int rows) { return {whole.data, rows, whole.cols, whole.stride}; }

  Shared Cut(int rows, WorkspaceCutter* cutter) const {
    const int room = rows * places();
    Shared shared;
    shared.counts = cutter->Take(rows);
    shared.tokens = cutter->Next(room, dim_);
    shared.d = cutter->Next(room, dim_);
    shared.d_mixed = cutter->Next(room, dim_);
    shared.d_hidden = cutter->Next(room, hidden_);
    shared.d_qkv = cutter->Next(room, 3 * dim_);
    return shared;
  }
  BlockBuffers CutBlock(int rows, int tokens, WorkspaceCutter* cutter) const {
    const int room = rows * places();
    const auto next = [&](int cols) { return First(cutter->Next(room, cols), tokens); };
    BlockBuffers buffers;
    buffers.qkv = next(3 * dim_);
    buffers.weights = cutter->Take(rows * WeightsOfRow());
    buffers.mixed = next(dim_);
    buffers.norm1 = next(dim_);
    buffers.norm2 = next(dim_);
    buffers.inverse1 = cutter->Take(room);
    buffers.inverse2 = cutter->Take(room);
    buffers.y = next(dim_);
    buffers.hidden = next(hidden_);
    buffers.next = next(dim_);
    return buffers;
  }
  int64_t WeightsOfRow() const { return int64_t{heads_} * places() * places(); }

  template <typename Visit>
  void ForEachToken(ConstMatrix fields, const Visit& visit) const {
    for (int row = 0; row < fields.rows; ++row) {
      for (int place = 0; place < places(); ++place) {
        const float* e = fields.row(row) + columns_[place];
        if (std::any_of(e, e + dim_, [](float value) { return value != 0; })) visit(row, place);
      }
    }
  }

  int TakeTokens(ConstMatrix fields, const Shared& shared) const {
    std::fill_n(shared.counts, fields.rows, 0.0f);
    int tokens = 0;
    ForEachToken(fields, [&](int row, int place) {
      const float* e = fields.row(row) + columns_[place];
      const float* position = position_values_.data() + place * dim_;
      float* x = shared.tokens.row(tokens++);
      for (int d = 0; d < dim_; ++d) x[d] = e[d] + position[d];
      ++shared.counts[row];
    });
    return tokens;
  }

  // Calls visit(first token, tokens, first component, weights [tokens, tokens]) for every row and head.
  template <typename Visit>
  void ForEachHead(const Shared& shared, const BlockBuffers& buffers, int rows, const Visit& visit) const {
    int first = 0;
    for (int row = 0; row < rows; ++row) {
      const int tokens = static_cast<int>(shared.counts[row]);
      float* weights = buffers.weights + row * WeightsOfRow();
      for (int head = 0; head < heads_; ++head, weights += int64_t{places()} * places()) {
        visit(first, tokens, head * (dim_ / heads_), weights);
      }
      first += tokens;
    }
  }

  // Vaswani et al. 2017, eq. 1, a head at a time.
  void Attend(const Shared& shared, const BlockBuffers& buffers, int rows) const {
    const int size = dim_ / heads_;
    const float scale = 1 / std::sqrt(static_cast<float>(size));
    ForEachHead(shared, buffers, rows, [&](int first, int tokens, int component, float* weights) {
      for (int i = 0; i < tokens; ++i, weights += tokens) {
        const float* q = buffers.qkv.row(first + i) + component;
        for (int j = 0; j < tokens; ++j) {
          weights[j] = scale * Dot(q, buffers.qkv.row(first + j) + dim_ + component, size);
        }
        const float most = *std::max_element(weights, weights + tokens);
        float sum = 0;
        for (int j = 0; j < tokens; ++j) {
          weights[j] = std::exp(weights[j] - most);
          sum += weights[j];
        }
        float* mixed = buffers.mixed.row(first + i) + component;
        std::fill_n(mixed, size, 0.0f);
        for (int j = 0; j < tokens; ++j) {
          weights[j] /= sum;
          Axpy(weights[j], buffers.qkv.row(first + j) + 2 * dim_ + component, size, mixed);
        }
      }
    });
  }

  void AttendBackward(const Shared& shared, const BlockBuffers& buffers, ConstMatrix d_mixed, int rows,
                      Matrix d_qkv) const {
    const int size = dim_ / heads_;
    const float scale = 1 / std::sqrt(static_cast<float>(size));
    ZeroRows(d_qkv);
    ForEachHead(shared, buffers, rows, [&](int first, int tokens, int component, const float* weights) {
      for (int i = 0; i < tokens; ++i, weights += tokens) {
        const float* d_out = d_mixed.row(first + i) + component;
        const float* mixed = buffers.mixed.row(first + i) + component;
        const float* q = buffers.qkv.row(first + i) + component;
        float* d_q = d_qkv.row(first + i) + component;
        // The softmax takes off the weighted mean of the weights' gradients, d_out . mixed.
        const float mean = Dot(d_out, mixed, size);
        for (int j = 0; j < tokens; ++j) {
          const float* k = buffers.qkv.row(first + j) + dim_ + component;
          float* d_k = d_qkv.row(first + j) + dim_ + component;
          const float d_weight = Dot(d_out, k + dim_, size);
          const float d_score = scale * weights[j] * (d_weight - mean);
          Axpy(d_score, k, size, d_q);
          Axpy(d_score, q, size, d_k);
          Axpy(weights[j], d_out, size, d_k + dim_);
        }
      }
    });
  }

  const int dim_, heads_, hidden_;
  const std::string name_;
  std::vector<int> columns_;  // of x, where the vector of each place begins
  Axis output_;               // plain: another number of places is another layer
  int64_t position_;
  AlignedFloats position_values_;
  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Interaction> MakeLayer(const proto::Transformer& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout) {
  return std::make_unique<Transformer>(config, shape, name, kernels, layout);
}

LayerOutline OutlineOf(const proto::Transformer& config, const LayerFields& fields) {
  const double sequence = fields.places(config.sequence()), dim = fields.dim;
  const double places = sequence + 1, blocks = config.blocks(), hidden = config.hidden();
  const double of_place = 2 * (8 * dim + hidden) + config.heads() * places;
  LayerOutline outline{"transformer"};
  outline.weights = sequence * dim + blocks * (4 * dim * dim + 2 * dim * hidden);
  outline.activations = blocks * places * of_place + places * dim;
  outline.width = places * dim;
  outline.reads_sequences = true;
  return outline;
}

}  // namespace tandem
