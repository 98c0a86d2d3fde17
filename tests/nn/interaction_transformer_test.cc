// Attention over a sequence: absent places, order, independence of rows.
#include "src/nn/interaction_transformer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tandem/experiment.pb.h"
#include "tests/support/random_floats.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr char kConfig[] = "sequence: 'history' target: 'item' heads: 2 hidden: 9 blocks: 2";
constexpr int kDim = 4;
constexpr int kPlaces = 4;               // three of the history, and the target
constexpr int kWidth = (2 + 3) * kDim;   // a user, the target, the history
constexpr int kOutput = kPlaces * kDim;  // most recent place first, the target last
const std::vector<FeatureFields> kFeatures = {
    {"user", 0, 1, false}, {"item", 1, 1, false}, {"history", 2, 3, true}};

class TestTransformer {
 public:
  explicit TestTransformer(int rows) : rows(rows), x(RandomFloats(rows * kWidth, 1)) {
    layer = MakeLayer(ParseText<proto::Transformer>(kConfig), {5, kDim, kFeatures}, "t",
                      *FindKernels("auto").value(), &layout);
    parameters = RandomFloats(layout.size(), 2, 0.5);
    layer->Prepare(parameters.data());
  }
  void Empty(int row, int field) { std::fill_n(x.begin() + row * kWidth + field * kDim, kDim, 0.0f); }
  ConstMatrix fields(int row, int count) const { return {x.data() + row * kWidth, count, kWidth, kWidth}; }
  AlignedFloats Output(int first, int count) {
    AlignedFloats workspace(layer->workspace_floats(count)), output(count * kOutput, -1.0f);
    layer->Forward(fields(first, count), workspace.data(), {output.data(), count, kOutput, kOutput});
    return output;
  }

  int rows;
  ParameterLayout layout;
  std::unique_ptr<Interaction> layer;
  AlignedFloats parameters, x;
};

AlignedFloats RowOf(const AlignedFloats& output, int row) {
  return {output.begin() + row * kOutput, output.begin() + (row + 1) * kOutput};
}

TEST(TransformerTest, AnAbsentPlaceIsZeroAndChangesNothingElse) {
  TestTransformer test(2);
  test.Empty(0, 3);
  test.Empty(0, 4);
  const AlignedFloats output = test.Output(0, 1);
  EXPECT_TRUE(std::all_of(output.begin() + kDim, output.begin() + 3 * kDim, [](float v) { return v == 0; }));
  EXPECT_TRUE(std::all_of(output.begin(), output.begin() + kDim, [](float v) { return v != 0; }));
  EXPECT_TRUE(std::all_of(output.begin() + 3 * kDim, output.end(), [](float v) { return v != 0; }));
}

TEST(TransformerTest, ARowDoesNotDependOnTheRowsAroundIt) {
  constexpr int kRows = 23;
  TestTransformer test(kRows);
  for (int row = 0; row < kRows; ++row) {
    for (int place = 0; place < row % 4; ++place) test.Empty(row, 2 + (row + place) % 3);
    if (row % 5 == 4) test.Empty(row, 1);
  }
  const AlignedFloats all = test.Output(0, kRows);
  for (int row = 0; row < kRows; ++row) {
    EXPECT_EQ(test.Output(row, 1), RowOf(all, row)) << row;
    EXPECT_EQ(RowOf(test.Output(row, kRows - row), 0), RowOf(all, row)) << row;
  }
}

TEST(TransformerTest, ABatchWithoutTokensGivesZerosAndNoGradients) {
  TestTransformer test(3);
  std::fill(test.x.begin(), test.x.end(), 0.0f);
  AlignedFloats workspace(test.layer->workspace_floats(3)), output(3 * kOutput, -1.0f);
  AlignedFloats d_x(3 * kWidth), gradients(test.layout.size(), -1.0f),
      upstream = RandomFloats(3 * kOutput, 4);
  test.layer->Forward(test.fields(0, 3), workspace.data(), {output.data(), 3, kOutput, kOutput});
  test.layer->Backward(test.fields(0, 3), workspace.data(), {upstream.data(), 3, kOutput, kOutput},
                       {d_x.data(), 3, kWidth, kWidth}, gradients.data());
  EXPECT_EQ(output, AlignedFloats(output.size()));
  EXPECT_EQ(d_x, AlignedFloats(d_x.size()));
  for (const ParameterBlock& block : test.layout.blocks()) {
    for (int64_t i = 0; i < block.size; ++i) ASSERT_EQ(gradients[block.offset + i], 0) << block.name;
  }
}

TEST(TransformerTest, TheOrderOfTheSequenceCounts) {
  TestTransformer test(2);
  std::copy_n(test.x.begin(), kWidth, test.x.begin() + kWidth);
  std::swap_ranges(test.x.begin() + kWidth + 2 * kDim, test.x.begin() + kWidth + 3 * kDim,
                   test.x.begin() + kWidth + 3 * kDim);
  const AlignedFloats output = test.Output(0, 2);
  const auto target = [&](int row) {
    return std::vector<float>(output.begin() + (row + 1) * kOutput - kDim,
                              output.begin() + (row + 1) * kOutput);
  };
  EXPECT_NE(target(0), target(1));
}

TEST(TransformerTest, OtherFieldsAreNotRead) {
  TestTransformer test(1);
  const AlignedFloats before = test.Output(0, 1);
  test.x[0] += 1;  // the user
  EXPECT_EQ(test.Output(0, 1), before);
}

TEST(TransformerTest, BlocksHaveTheirDocumentedNamesAndShapes) {
  const TestTransformer test(1);
  const auto shape = [&](const char* name) {
    return test.layout.Find(name) != nullptr ? test.layout.Find(name)->shape : std::vector<int>();
  };
  EXPECT_EQ(shape("t/position"), (std::vector<int>{kPlaces, kDim}));
  EXPECT_EQ(shape("t/0/qkv/weight"), (std::vector<int>{kDim, 3 * kDim}));
  EXPECT_EQ(shape("t/0/out/bias"), (std::vector<int>{kDim}));
  EXPECT_EQ(shape("t/1/ffn1/weight"), (std::vector<int>{kDim, 9}));
  EXPECT_EQ(shape("t/1/ffn2/weight"), (std::vector<int>{9, kDim}));
  EXPECT_EQ(shape("t/1/norm2/scale"), (std::vector<int>{kDim}));
  EXPECT_EQ(test.layer->width(), kOutput);
}

}  // namespace
}  // namespace tandem
