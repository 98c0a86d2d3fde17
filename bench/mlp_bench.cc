// The layers of the MLPs next to oneDNN, in turns, in one process: forward with fused bias and ReLU, the data
// gradient, the weight gradient.
//
//   taskset -c 1 build/bench/mlp_bench [--json]
//
// Both sides read and write plain row-major activations; weights lie packed as each side likes best, packed
// beforehand. oneDNN's figure is the better of its inner product and its matmul. The results are compared
// first. The last line is the geometric mean over all layers and batches: the share of the FMA peak, and the
// ratio to oneDNN.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/in_turns.h"
#include "bench/operands.h"
#include "bench/peak.h"
#include "bench/report.h"
#include "tandem/kernels.h"

DEFINE_int32(repeats, 9, "Turns of each side; the figures are medians.");
DEFINE_bool(json, false, "One JSON array instead of a table.");

namespace tandem::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// One layer, B rows: y = relu(x W + b), dx = dy Wᵀ, dW = xᵀ dy.
struct Layer {
  Layer(int rows, int k, int n)
      : rows(rows),
        k(k),
        n(n),
        x(Values(int64_t{rows} * k, 1)),
        w(Values(int64_t{k} * n, 2)),
        bias(Values(n, 3)),
        dy(Values(int64_t{rows} * n, 4)) {}
  int rows, k, n;
  AlignedFloats x, w, bias, dy;
};

// A primitive with its memories, ready to run.
class OneDnn {
 public:
  OneDnn() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  static memory::desc Plain(int64_t rows, int64_t cols, Tag tag = Tag::ab) {
    return {{rows, cols}, memory::data_type::f32, tag};
  }
  static dnnl::primitive_attr Relu() {
    dnnl::post_ops operations;
    operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(operations);
    return attributes;
  }

  const dnnl::engine& engine() const { return engine_; }
  memory Wrap(const memory::desc& shape, const AlignedFloats& data) const {
    return {shape, engine_, const_cast<float*>(data.data())};
  }
  // `data` in the layout that the primitive chose.
  memory Packed(const memory::desc& from, const AlignedFloats& data, const memory::desc& to) {
    memory plain = Wrap(from, data);
    memory packed(to, engine_);
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    stream_.wait();
    return packed;
  }
  std::function<void()> Runner(const dnnl::primitive& primitive, std::unordered_map<int, memory> arguments) {
    return [this, primitive, arguments = std::move(arguments)] {
      primitive.execute(stream_, arguments);
      stream_.wait();
    };
  }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
};

dnnl::inner_product_forward::primitive_desc ForwardDescription(const OneDnn& one, const Layer& l) {
  const memory::desc bias({l.n}, memory::data_type::f32, Tag::a);
  const dnnl::inner_product_forward::desc description(
      dnnl::prop_kind::forward_training, OneDnn::Plain(l.rows, l.k), OneDnn::Plain(l.n, l.k, Tag::any), bias,
      OneDnn::Plain(l.rows, l.n));
  return {description, OneDnn::Relu(), one.engine()};
}

// W is [k, n] row-major: as oneDNN's [outputs, inputs] that is the layout "ba".
std::function<void()> ForwardProduct(OneDnn* one, const Layer& l, AlignedFloats* y) {
  const auto description = ForwardDescription(*one, l);
  return one->Runner(
      dnnl::inner_product_forward(description),
      {{DNNL_ARG_SRC, one->Wrap(description.src_desc(), l.x)},
       {DNNL_ARG_WEIGHTS, one->Packed(OneDnn::Plain(l.n, l.k, Tag::ba), l.w, description.weights_desc())},
       {DNNL_ARG_BIAS, one->Wrap(description.bias_desc(), l.bias)},
       {DNNL_ARG_DST, one->Wrap(description.dst_desc(), *y)}});
}

// out [rows, n] = a [rows, k] b [k, n], b in the layout `tag`; packed beforehand unless `fresh`.
std::function<void()> Matmul(OneDnn* one, const memory::desc& a, const AlignedFloats& a_data,
                             const memory::desc& b, const AlignedFloats& b_data, bool fresh,
                             const AlignedFloats* bias, AlignedFloats* out) {
  const int64_t rows = a.dims()[0], n = b.dims()[1];
  const memory::desc out_shape = OneDnn::Plain(rows, n);
  const memory::desc bias_shape = OneDnn::Plain(1, n);
  const memory::desc b_any = fresh ? b : OneDnn::Plain(b.dims()[0], n, Tag::any);
  const auto description =
      bias != nullptr ? dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b_any, bias_shape, out_shape),
                                                     OneDnn::Relu(), one->engine())
                      : dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b_any, out_shape), one->engine());
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, one->Wrap(a, a_data)},
      {DNNL_ARG_WEIGHTS, fresh ? one->Wrap(b, b_data) : one->Packed(b, b_data, description.weights_desc())},
      {DNNL_ARG_DST, one->Wrap(out_shape, *out)}};
  if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, one->Wrap(bias_shape, *bias));
  return one->Runner(dnnl::matmul(description), std::move(arguments));
}

std::function<void()> DataProduct(OneDnn* one, const Layer& l, AlignedFloats* dx) {
  const dnnl::inner_product_backward_data::primitive_desc description(
      dnnl::inner_product_backward_data::desc(OneDnn::Plain(l.rows, l.k), OneDnn::Plain(l.n, l.k, Tag::any),
                                              OneDnn::Plain(l.rows, l.n)),
      one->engine(), ForwardDescription(*one, l));
  return one->Runner(
      dnnl::inner_product_backward_data(description),
      {{DNNL_ARG_DIFF_DST, one->Wrap(description.diff_dst_desc(), l.dy)},
       {DNNL_ARG_WEIGHTS, one->Packed(OneDnn::Plain(l.n, l.k, Tag::ba), l.w, description.weights_desc())},
       {DNNL_ARG_DIFF_SRC, one->Wrap(description.diff_src_desc(), *dx)}});
}

// Into a layout of its own choice; `dw` holds it as floats of that layout, and isn't compared.
std::function<void()> WeightProduct(OneDnn* one, const Layer& l) {
  const dnnl::inner_product_backward_weights::primitive_desc description(
      dnnl::inner_product_backward_weights::desc(
          OneDnn::Plain(l.rows, l.k), OneDnn::Plain(l.n, l.k, Tag::any), OneDnn::Plain(l.rows, l.n)),
      one->engine(), ForwardDescription(*one, l));
  return one->Runner(dnnl::inner_product_backward_weights(description),
                     {{DNNL_ARG_SRC, one->Wrap(description.src_desc(), l.x)},
                      {DNNL_ARG_DIFF_DST, one->Wrap(description.diff_dst_desc(), l.dy)},
                      {DNNL_ARG_DIFF_WEIGHTS, memory(description.diff_weights_desc(), one->engine())}});
}

void ExpectNear(const AlignedFloats& ours, const AlignedFloats& theirs, const std::string& what) {
  for (size_t i = 0; i < ours.size(); ++i) {
    CHECK_LT(std::abs(ours[i] - theirs[i]), 2e-3 * (1 + std::abs(ours[i]))) << what << " at " << i;
  }
}

class Comparison {
 public:
  explicit Comparison(const Kernels& kernels) : kernels_(kernels) {}

  void Compare(int rows, int k, int n) {
    const Layer l(rows, k, n);
    AlignedFloats packed(kernels_.PackedFloats(k, n)), packed_transposed(kernels_.PackedFloats(n, k));
    kernels_.Pack(l.w.data(), k, n, n, 1, packed.data());
    kernels_.Pack(l.w.data(), n, k, 1, n, packed_transposed.data());
    const ConstMatrix x{l.x.data(), rows, k, k}, dy{l.dy.data(), rows, n, n};

    AlignedFloats y(int64_t{rows} * n), y1(y.size()), y2(y.size());
    Turn(
        "forward", l,
        [&] {
          kernels_.Gemm(x, packed.data(), l.bias.data(), true, false, {y.data(), rows, n, n});
        },
        ForwardProduct(&one_, l, &y1),
        Matmul(&one_, OneDnn::Plain(rows, k), l.x, OneDnn::Plain(k, n), l.w, false, &l.bias, &y2));
    ExpectNear(y, y1, "inner product");
    ExpectNear(y, y2, "matmul");

    AlignedFloats dx(int64_t{rows} * k), dx1(dx.size()), dx2(dx.size());
    Turn(
        "dX", l,
        [&] {
          kernels_.Gemm(dy, packed_transposed.data(), nullptr, false, false, {dx.data(), rows, k, k});
        },
        DataProduct(&one_, l, &dx1),
        Matmul(&one_, OneDnn::Plain(rows, n), l.dy, OneDnn::Plain(n, k, Tag::ba), l.w, false, nullptr, &dx2));
    ExpectNear(dx, dx1, "inner product's data gradient");
    ExpectNear(dx, dx2, "matmul's data gradient");

    AlignedFloats dw(int64_t{k} * n), dw2(dw.size());
    Turn(
        "dW", l,
        [&] {
          kernels_.GemmTransposed(x, dy, false, {dw.data(), k, n, n});
        },
        WeightProduct(&one_, l),
        Matmul(&one_, OneDnn::Plain(k, rows, Tag::ba), l.x, OneDnn::Plain(rows, n), l.dy, true, nullptr,
               &dw2));
    ExpectNear(dw, dw2, "matmul's weight gradient");
  }

  void Print() {
    report_.Add({{"layer", "geometric mean"},
                 {"ratio", GeometricMean(ratios_)},
                 {"of_peak", GeometricMean(shares_)},
                 {"peer_of_peak", GeometricMean(peer_shares_)}});
    report_.Print(FLAGS_json);
  }

 private:
  void Turn(const std::string& pass, const Layer& l, const std::function<void()>& ours,
            const std::function<void()>& product, const std::function<void()>& matmul) {
    const std::vector<double> seconds =
        MedianSeconds({ours, product, matmul, [this] { FmaTurn(kernels_.name()); }}, FLAGS_repeats, 0.01);
    const double peak = FmaTurnFlops(kernels_.name()) / seconds[3];
    const double flops = 2.0 * l.rows * l.k * l.n;
    const double theirs = std::min(seconds[1], seconds[2]);
    ratios_.push_back(theirs / seconds[0]);
    shares_.push_back(flops / seconds[0] / peak);
    peer_shares_.push_back(flops / theirs / peak);
    report_.Add({{"layer", std::to_string(l.k) + "x" + std::to_string(l.n)},
                 {"pass", pass},
                 {"batch", l.rows},
                 {"tandem GFLOP/s", flops / seconds[0] * 1e-9},
                 {"oneDNN GFLOP/s", flops / theirs * 1e-9},
                 {"oneDNN's best", seconds[1] < seconds[2] ? "inner product" : "matmul"},
                 {"ratio", ratios_.back()},
                 {"of_peak", shares_.back()},
                 {"peer_of_peak", peer_shares_.back()}});
  }

  const Kernels& kernels_;
  OneDnn one_;
  Report report_{{"layer", "pass", "batch", "tandem GFLOP/s", "oneDNN GFLOP/s", "oneDNN's best", "ratio",
                  "of_peak", "peer_of_peak"}};
  std::vector<double> ratios_, shares_, peer_shares_;
};

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  // Before oneDNN's runtime reads it.
  setenv("OMP_NUM_THREADS", "1", 1);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  tandem::bench::Comparison comparison(**tandem::FindKernels("auto"));
  for (int batch : {32, 64, 128, 256, 512}) {
    for (const auto& [k, n] :
         {std::pair(624, 400), std::pair(400, 400), std::pair(624, 128), std::pair(128, 64)}) {
      comparison.Compare(batch, k, n);
    }
  }
  comparison.Print();
  return 0;
}
