// The gradients of every layer and of the tower in all its combinations, against finite differences of the
// double-precision reference. The loss and the dual model have their own tests of this kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"
#include "tandem/mlp.h"
#include "tandem/random.h"
#include "tandem/tower.h"
#include "tests/support/gradient_checker.h"
#include "tests/support/interaction_configs.h"
#include "tests/support/random_floats.h"
#include "tests/support/reference.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

using reference::Vector;

constexpr FieldShape kShape{3, 4};
constexpr int kWidth = kShape.fields * kShape.dim;
// The same fields, and a sequence of three places behind them.
const std::vector<FeatureFields> kFeatures = {
    {"a", 0, 1, false}, {"item", 1, 1, false}, {"c", 2, 1, false}, {"history", 3, 3, true}};
const FieldShape kLongShape{6, 4, kFeatures};
constexpr int kRows = 5;
constexpr uint64_t kSeed = 7;
// Differences of kDifferenceStep must not cross a ReLU's kink, nor float32's rounding.
constexpr double kNearestKink = 1e-4;
constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

const Kernels& BestKernels() { return *FindKernels("auto").value(); }

// Empties places of a sequence: none in the first row, one and two of the next ones, all of the fourth.
template <typename Values>
void EmptyPlaces(const FieldShape& shape, Values* x) {
  if (shape.features.empty()) return;
  const int width = shape.fields * shape.dim;
  constexpr std::pair<int, int> kEmpty[] = {{1, 5}, {2, 3}, {2, 5}, {3, 3}, {3, 4}, {3, 5}};  // row, field
  for (const auto& [row, field] : kEmpty)
    std::fill_n(x->begin() + row * width + field * shape.dim, shape.dim, 0);
}

double Dot(const Vector& x, const AlignedFloats& y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

// Values for all blocks, statistics included: variances must be positive.
AlignedFloats RandomParameters(const ParameterLayout& layout) {
  AlignedFloats parameters = RandomFloats(layout.size(), kSeed, 0.4);
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.kind != ParameterKind::kStatistic) continue;
    for (int64_t i = 0; i < block.size; ++i) {
      float& value = parameters[block.offset + i];
      value = 1 + value * value;
    }
  }
  return parameters;
}

// NaN where a trained value belongs: a gradient that isn't overwritten shows.
AlignedFloats PoisonedGradients(const ParameterLayout& layout) {
  return AlignedFloats(layout.size(), kPoison);
}

class InteractionGradientTest : public testing::TestWithParam<const char*> {};

TEST_P(InteractionGradientTest, MatchesFiniteDifferences) {
  const auto config = ParseText<proto::Interaction>(GetParam());
  const FieldShape shape = config.has_transformer() ? kLongShape : kShape;
  const int x_width = shape.fields * shape.dim;
  ParameterLayout layout;
  const auto layer = MakeInteraction(config, shape, "layer", BestKernels(), &layout);
  AlignedFloats parameters = RandomParameters(layout), x = RandomFloats(kRows * x_width, 1);
  // A place that is empty stays so while the others are moved a little. The last row's target is empty, too.
  const auto empty = [&](auto* values) {
    EmptyPlaces(shape, values);
    if (config.has_transformer()) std::fill_n(values->end() - x_width + shape.dim, shape.dim, 0);
  };
  empty(&x);
  const AlignedFloats upstream = RandomFloats(kRows * layer->width(), 2);
  layer->Prepare(parameters.data());
  AlignedFloats workspace(layer->workspace_floats(kRows)), output(upstream.size(), kPoison);
  const int width = layer->width();
  const Matrix fields{x.data(), kRows, x_width, x_width};
  layer->Forward(fields, workspace.data(), {output.data(), kRows, width, width});

  double kink = 1;
  const Vector wide_parameters = ToDouble(parameters), wide_x = ToDouble(x);
  const auto outputs = [&](const Vector& p, Vector input) {
    empty(&input);
    return reference::Interaction(config, shape, "layer", reference::Parameters(layout, p), input, kRows,
                                  &kink);
  };
  ExpectSameValues("output", outputs(wide_parameters, wide_x), output.data());
  EXPECT_GT(kink, kNearestKink) << "an input too near a ReLU's kink: choose another seed";

  // Backward adds to d_fields, and overwrites the gradients.
  AlignedFloats d_x(x.size(), 1.0f), gradients = PoisonedGradients(layout);
  const ConstMatrix d_output{upstream.data(), kRows, width, width};
  layer->Backward(fields, workspace.data(), d_output, {d_x.data(), kRows, x_width, x_width},
                  gradients.data());
  Vector expected =
      NumericGradient([&](const Vector& v) { return Dot(outputs(wide_parameters, v), upstream); }, wide_x);
  for (double& value : expected) value += 1;
  ExpectSameValues("d_fields + 1", expected, d_x.data());
  ExpectSameGradient(
      layout,
      NumericGradient([&](const Vector& v) { return Dot(outputs(v, wide_x), upstream); }, wide_parameters),
      gradients.data());

  // Without the data gradient, the parameters' are the same bits.
  AlignedFloats alone = PoisonedGradients(layout);
  layer->Forward(fields, workspace.data(), {output.data(), kRows, width, width});
  layer->Backward(fields, workspace.data(), d_output, Matrix(), alone.data());
  for (const ParameterBlock& block : layout.blocks()) {
    for (int64_t i = block.offset; i < block.offset + block.size; ++i)
      ASSERT_EQ(alone[i], gradients[i]) << block.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, InteractionGradientTest, testing::ValuesIn(kInteractionConfigs));

// The multipliers that an Mlp documents for its dropout.
reference::DropoutMasks MasksOf(const proto::Mlp& config, const TrainingPass& pass, int rows) {
  reference::DropoutMasks masks;
  for (int l = 0; l < config.hidden_size(); ++l) {
    const Random random(pass.seed, RandomPurpose::kDropout,
                        {static_cast<uint64_t>(l), static_cast<uint64_t>(pass.step)});
    Vector mask(rows * config.hidden(l));
    for (size_t i = 0; i < mask.size(); ++i) {
      const uint64_t counter = static_cast<uint64_t>(pass.first_row) * config.hidden(l) + i;
      mask[i] =
          random.Uniform(counter) < static_cast<float>(config.dropout()) ? 0 : 1 / (1 - config.dropout());
    }
    masks.push_back(mask);
  }
  return masks;
}

class MlpGradientTest : public testing::TestWithParam<const char*> {};

TEST_P(MlpGradientTest, MatchesFiniteDifferences) {
  const auto config = ParseText<proto::Mlp>(GetParam());
  ParameterLayout layout;
  Mlp mlp(config, kWidth, "mlp", BestKernels(), &layout);
  const AlignedFloats parameters = RandomParameters(layout);
  AlignedFloats x = RandomFloats(kRows * kWidth, 1);
  mlp.Prepare(parameters.data());
  MlpWorkspace workspace = mlp.MakeWorkspace(kRows + 2);
  const Matrix input{x.data(), kRows, kWidth, kWidth};
  const TrainingPass pass{3, 11, 128};
  mlp.Forward(input, &pass, &workspace);

  // The loss reads the last layer and, like a hint, the first.
  const int last = mlp.layers() - 1;
  const std::set<int> read = {0, last};
  std::vector<AlignedFloats> upstream(mlp.layers());
  for (const int l : read) upstream[l] = RandomFloats(kRows * mlp.width(l), 20 + l);
  const auto masks = MasksOf(config, pass, kRows);
  double kink = 1;
  const auto loss = [&](const Vector& p, const Vector& v) {
    const auto hidden =
        reference::Mlp(config, kWidth, "mlp", reference::Parameters(layout, p), v, kRows, masks, &kink);
    double sum = 0;
    for (const int l : read) sum += Dot(hidden[l], upstream[l]);
    return sum;
  };
  for (const int l : read) {
    const Matrix gradient = workspace.HiddenGradient(l);
    ASSERT_EQ(gradient.rows, kRows);
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < mlp.width(l); ++j) gradient.row(r)[j] += upstream[l][r * mlp.width(l) + j];
    }
  }
  AlignedFloats gradients = PoisonedGradients(layout), d_x(x.size(), kPoison);
  const Matrix d_input{d_x.data(), kRows, kWidth, kWidth};
  mlp.Backward(input, &workspace, &d_input, gradients.data());

  const Vector wide_parameters = ToDouble(parameters), wide_x = ToDouble(x);
  ExpectSameValues("d_x", NumericGradient([&](const Vector& v) { return loss(wide_parameters, v); }, wide_x),
                   d_x.data());
  ExpectSameGradient(layout,
                     NumericGradient([&](const Vector& v) { return loss(v, wide_x); }, wide_parameters),
                     gradients.data());
  EXPECT_GT(kink, kNearestKink) << "an input too near a ReLU's kink: choose another seed";
}

INSTANTIATE_TEST_SUITE_P(Options, MlpGradientTest,
                         testing::Values("hidden: 6", "hidden: 7 hidden: 5", "hidden: 9 hidden: 20 hidden: 3",
                                         "hidden: 7 hidden: 5 dropout: 0.4",
                                         "hidden: 7 hidden: 5 normalize_input: true",
                                         "hidden: 20 hidden: 9 dropout: 0.2 normalize_input: true"));

constexpr const char* kInteractions[] = {
    "",
    "interaction { fm {} } ",
    "interaction { cin { layers: 4 layers: 3 } } ",
    "interaction { cross { version: V1 layers: 2 } } ",
    "interaction { cross { version: V2 layers: 2 } } ",
    "interaction { cross { version: V2 layers: 2 rank: 2 } } ",
    "interaction { cin { layers: 4 activation: RELU bias: true } } interaction { fm {} } interaction { cross "
    "{ layers: 1 } } ",
    "interaction { fm {} } interaction { transformer { sequence: 'history' target: 'item' hidden: 5 } } "
    "interaction { cin { layers: 4 } } ",
};
constexpr const char* kMlps[] = {"", "mlp { hidden: 7 hidden: 5 } ",
                                 "mlp { hidden: 7 hidden: 5 dropout: 0.3 normalize_input: true } "};

std::vector<std::string> AllTowers() {
  std::vector<std::string> configs;
  for (const char* combine : {"combine: STACKED ", "combine: PARALLEL "}) {
    for (const char* interactions : kInteractions) {
      for (const char* mlp : kMlps) {
        for (const char* linear : {"", "linear: true"})
          configs.push_back(absl::StrCat(combine, interactions, mlp, linear));
      }
    }
    for (const char* layer : kInteractionConfigs)
      configs.push_back(absl::StrCat(combine, "interaction { ", layer, " } mlp { hidden: 5 }"));
    for (const char* weights : {"heads: 3 head_weights: OWN ", "heads: 3 head_weights: RANK_ONE "}) {
      configs.push_back(absl::StrCat(combine, weights, kMlps[1]));
      configs.push_back(absl::StrCat(combine, weights, kMlps[2], kInteractions[1], "linear: true"));
    }
  }
  return configs;
}

class TowerGradientTest : public testing::TestWithParam<std::string> {};

TEST_P(TowerGradientTest, MatchesFiniteDifferences) {
  const auto config = ParseText<proto::Tower>(GetParam());
  const bool transformer = absl::StrContains(GetParam(), "transformer");
  const FieldShape shape = transformer ? kLongShape : kShape;
  const int x_width = shape.fields * shape.dim;
  Tower tower(config, shape, "teacher", BestKernels());
  const ParameterLayout& layout = tower.layout();
  const AlignedFloats parameters = RandomParameters(layout);
  AlignedFloats x = RandomFloats(kRows * x_width, 1), linear = RandomFloats(kRows, 2);
  EmptyPlaces(shape, &x);
  const AlignedFloats d_logits = RandomFloats(kRows * tower.logits(), 3);  // of each head
  tower.Prepare(parameters.data());
  TowerWorkspace workspace = tower.MakeWorkspace(kRows + 3);
  const Matrix input{x.data(), kRows, x_width, x_width};
  AlignedFloats logits(kRows, kPoison);
  const float* linear_sums = tower.linear() ? linear.data() : nullptr;
  tower.Forward(input, linear_sums, nullptr, &workspace, logits.data());

  // The loss reads the logit and, like a hint, the first hidden layer.
  AlignedFloats hint;
  if (tower.hidden_layers() > 0) hint = RandomFloats(kRows * tower.hidden_width(0), 4);
  double kink = 1;
  const Vector wide_parameters = ToDouble(parameters), wide_x = ToDouble(x), wide_linear = ToDouble(linear);
  const auto output = [&](const Vector& p, Vector v) {
    EmptyPlaces(shape, &v);
    auto result = reference::Tower(config, shape, reference::Parameters(layout, p), v, wide_linear, kRows);
    kink = std::min(kink, result.kink);
    return result;
  };
  const auto loss = [&](const Vector& p, const Vector& v) {
    const auto result = output(p, v);
    Vector logits;
    for (const Vector& head : result.head_logits) logits.insert(logits.end(), head.begin(), head.end());
    return Dot(logits, d_logits) + (hint.empty() ? 0 : Dot(result.hidden[0], hint));
  };
  ExpectSameValues("logits", output(wide_parameters, wide_x).logits, logits.data());

  const auto backward = [&](const Matrix* d_x) {
    AlignedFloats gradients = PoisonedGradients(layout);
    if (!hint.empty()) {
      const Matrix d_hidden = workspace.heads.mlps[0].HiddenGradient(0);
      for (size_t i = 0; i < hint.size(); ++i) d_hidden.row(i / d_hidden.cols)[i % d_hidden.cols] += hint[i];
    }
    AlignedFloats d(d_logits.begin(), d_logits.begin() + kRows);
    for (int k = 0; tower.logits() > 1 && k < tower.logits(); ++k)
      std::copy_n(d_logits.begin() + k * kRows, kRows, workspace.heads.d_logits(k));
    tower.Backward(input, d.data(), &workspace, d_x, gradients.data());
    return gradients;
  };
  AlignedFloats d_x(x.size(), kPoison);
  const Matrix d_input{d_x.data(), kRows, x_width, x_width};
  const AlignedFloats gradients = backward(&d_input);
  ExpectSameValues("d_x", NumericGradient([&](const Vector& v) { return loss(wide_parameters, v); }, wide_x),
                   d_x.data());
  ExpectSameGradient(layout,
                     NumericGradient([&](const Vector& v) { return loss(v, wide_x); }, wide_parameters),
                     gradients.data());
  EXPECT_GT(kink, kNearestKink) << "an input too near a ReLU's kink: choose another seed";

  // A student behind a stop-gradient: no d_x, the same bits for its parameters.
  tower.Forward(input, linear_sums, nullptr, &workspace, logits.data());
  const AlignedFloats alone = backward(nullptr);
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.kind == ParameterKind::kStatistic) continue;
    for (int64_t i = block.offset; i < block.offset + block.size; ++i)
      ASSERT_EQ(alone[i], gradients[i]) << block.name;
  }
}

INSTANTIATE_TEST_SUITE_P(AllCombinations, TowerGradientTest, testing::ValuesIn(AllTowers()));

}  // namespace
}  // namespace tandem
