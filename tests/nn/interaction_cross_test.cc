// Cross networks against their recurrences.
#include "src/nn/interaction_cross.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tandem/experiment.pb.h"
#include "tests/support/gradient_checker.h"
#include "tests/support/random_floats.h"
#include "tests/support/reference.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr FieldShape kShape{9, 7};
constexpr int kWidth = kShape.fields * kShape.dim;
constexpr int kRows = 23;

// A cross network with parameters of the given deviation, and its output for random fields.
class TestCross {
 public:
  explicit TestCross(const std::string& config, double deviation = 0.1)
      : config(ParseText<proto::Interaction>("cross { " + config + " }")),
        layer(MakeInteraction(this->config, kShape, "cross", *FindKernels("auto").value(), &layout)),
        parameters(RandomFloats(layout.size(), 1, deviation)),
        x(RandomFloats(kRows * kWidth, 2)) {}

  AlignedFloats Output() {
    layer->Prepare(parameters.data());
    AlignedFloats workspace(layer->workspace_floats(kRows)), output(x.size());
    layer->Forward({x.data(), kRows, kWidth, kWidth}, workspace.data(),
                   {output.data(), kRows, kWidth, kWidth});
    return output;
  }
  float* block(const std::string& name) { return parameters.data() + layout.Find(name)->offset; }

  proto::Interaction config;
  ParameterLayout layout;
  std::unique_ptr<Interaction> layer;
  AlignedFloats parameters, x;
};

TEST(CrossTest, TheRecurrenceOfV1IsItsDefinition) {
  TestCross test("version: V1 layers: 6");
  const AlignedFloats output = test.Output();
  const reference::Vector values = ToDouble(test.parameters);
  const auto expected =
      reference::Interaction(test.config, kShape, "cross", reference::Parameters(test.layout, values),
                             ToDouble(test.x), kRows, nullptr);
  ExpectSameValues("output", expected, output.data());
}

TEST(CrossTest, LowRankIsFullRankOfTheProduct) {
  TestCross low("layers: 2 rank: 3"), full("layers: 2");
  for (const std::string layer : {"cross/0/", "cross/1/"}) {
    const float *u = low.block(layer + "u"), *v = low.block(layer + "v");
    float* w = full.block(layer + "weight");
    for (int i = 0; i < kWidth; ++i) {
      for (int j = 0; j < kWidth; ++j) {
        w[i * kWidth + j] = 0;
        for (int k = 0; k < 3; ++k) w[i * kWidth + j] += u[i * 3 + k] * v[k * kWidth + j];
      }
    }
    std::copy_n(low.block(layer + "bias"), kWidth, full.block(layer + "bias"));
  }
  const AlignedFloats expected = full.Output();
  ExpectSameValues("output", ToDouble(expected), low.Output().data());
}

TEST(CrossTest, WithoutWeightsXPassesThrough) {
  for (const char* config : {"version: V1", "version: V2", "version: V2 rank: 2"}) {
    TestCross test(config, /*deviation=*/0);
    EXPECT_EQ(test.Output(), test.x) << config;
  }
}

TEST(CrossTest, FirstValuesKeepTheScaleOfX) {
  TestCross test("layers: 1 rank: 16");
  test.layer->Initialize(3, test.parameters.data());
  const auto deviation = [&](const std::string& name) {
    const ParameterBlock& block = *test.layout.Find(name);
    double squares = 0;
    for (int64_t i = 0; i < block.size; ++i) squares += std::pow(test.parameters[block.offset + i], 2);
    return std::sqrt(squares / block.size);
  };
  EXPECT_NEAR(deviation("cross/0/v"), 1 / std::sqrt(kWidth), 0.01);
  EXPECT_NEAR(deviation("cross/0/u"), 1 / std::sqrt(16), 0.02);
  EXPECT_EQ(deviation("cross/0/bias"), 0);
}

}  // namespace
}  // namespace tandem
