// Every layer with bfloat16 factors next to itself in float32: outputs and gradients are near, as rounding
// explains, and not the same, for else nothing was rounded.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "src/kernels/mixed_precision.h"
#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"
#include "tandem/mlp.h"
#include "tests/support/interaction_configs.h"
#include "tests/support/random_floats.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr int kRows = 33, kFields = 6, kDim = 4, kWidth = kFields * kDim;
const std::vector<FeatureFields> kFeatures = {
    {"a", 0, 1, false}, {"item", 1, 1, false}, {"c", 2, 1, false}, {"history", 3, 3, true}};

const Kernels& Floats() { return *AvailableKernels().front(); }

// A factor is off by 2^-9 of itself at most, and by a third of that on average; a few layers add up.
constexpr double kTolerance = 0.02;
// Gradients through ReLUs: rounding opens and closes a gate here and there.
constexpr double kGateTolerance = 0.25;

double Norm(const AlignedFloats& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

void ExpectNearButRounded(const AlignedFloats& floats, const AlignedFloats& mixed, double tolerance,
                          const std::string& what) {
  ASSERT_EQ(floats.size(), mixed.size());
  AlignedFloats difference(floats.size());
  for (size_t i = 0; i < floats.size(); ++i) difference[i] = mixed[i] - floats[i];
  EXPECT_LT(Norm(difference), tolerance * Norm(floats)) << what;
  EXPECT_GT(Norm(difference), 1e-5 * Norm(floats)) << what;
}

struct Pass {
  AlignedFloats output, d_x, gradients;
};

Pass PassOf(const proto::Interaction& config, const Kernels& kernels) {
  ParameterLayout layout;
  const auto layer = MakeInteraction(config, {kFields, kDim, kFeatures}, "layer", kernels, &layout);
  const AlignedFloats parameters = RandomFloats(layout.size(), 1, 0.3), x = RandomFloats(kRows * kWidth, 2);
  const int width = layer->width();
  const AlignedFloats upstream = RandomFloats(kRows * width, 3);
  layer->Prepare(parameters.data());
  AlignedFloats workspace(layer->workspace_floats(kRows));
  Pass pass{AlignedFloats(kRows * width), AlignedFloats(x.size()), AlignedFloats(layout.size())};
  const ConstMatrix fields{x.data(), kRows, kWidth, kWidth};
  layer->Forward(fields, workspace.data(), {pass.output.data(), kRows, width, width});
  layer->Backward(fields, workspace.data(), {upstream.data(), kRows, width, width},
                  {pass.d_x.data(), kRows, kWidth, kWidth}, pass.gradients.data());
  return pass;
}

class MixedPrecisionLayersTest : public testing::TestWithParam<const char*> {};

TEST_P(MixedPrecisionLayersTest, OutputsAndGradientsAreThoseOfFloatsButForRounding) {
  const auto config = ParseText<proto::Interaction>(GetParam());
  const Pass floats = PassOf(config, Floats()), mixed = PassOf(config, WithBf16Factors(Floats()));
  if (config.has_fm()) {  // it has no matrices
    EXPECT_EQ(floats.output, mixed.output);
    EXPECT_EQ(floats.d_x, mixed.d_x);
    return;
  }
  const double tolerance = config.cin().activation() == proto::Cin::RELU ? kGateTolerance : kTolerance;
  ExpectNearButRounded(floats.output, mixed.output, kTolerance, "output");
  ExpectNearButRounded(floats.d_x, mixed.d_x, tolerance, "gradient of the fields");
  ExpectNearButRounded(floats.gradients, mixed.gradients, tolerance, "gradient of the parameters");
}

INSTANTIATE_TEST_SUITE_P(Interactions, MixedPrecisionLayersTest, testing::ValuesIn(kInteractionConfigs));

TEST(MixedPrecisionMlpTest, OutputsAndGradientsAreThoseOfFloatsButForRounding) {
  const auto config = ParseText<proto::Mlp>("hidden: 40 hidden: 17");
  Pass passes[2];
  for (const bool bf16 : {false, true}) {
    ParameterLayout layout;
    Mlp mlp(config, kWidth, "mlp", bf16 ? WithBf16Factors(Floats()) : Floats(), &layout);
    AlignedFloats parameters(layout.size());
    mlp.Initialize(5, parameters.data());
    mlp.Prepare(parameters.data());
    const AlignedFloats x = RandomFloats(kRows * kWidth, 2), upstream = RandomFloats(kRows * 17, 3);
    MlpWorkspace workspace = mlp.MakeWorkspace(kRows);
    Pass& pass = passes[bf16];
    mlp.Forward({x.data(), kRows, kWidth, kWidth}, nullptr, &workspace);
    const Matrix hidden = workspace.hidden(1), d_hidden = workspace.HiddenGradient(1);
    for (int r = 0; r < kRows; ++r) {
      pass.output.insert(pass.output.end(), hidden.row(r), hidden.row(r) + 17);
      for (int j = 0; j < 17; ++j) d_hidden.row(r)[j] += upstream[r * 17 + j];
    }
    pass.d_x.resize(x.size());
    pass.gradients.resize(layout.size());
    const Matrix d_x{pass.d_x.data(), kRows, kWidth, kWidth};
    mlp.Backward({x.data(), kRows, kWidth, kWidth}, &workspace, &d_x, pass.gradients.data());
  }
  ExpectNearButRounded(passes[0].output, passes[1].output, kTolerance, "output");
  ExpectNearButRounded(passes[0].d_x, passes[1].d_x, kGateTolerance, "gradient of x");
  ExpectNearButRounded(passes[0].gradients, passes[1].gradients, kGateTolerance,
                       "gradient of the parameters");
}

}  // namespace
}  // namespace tandem
