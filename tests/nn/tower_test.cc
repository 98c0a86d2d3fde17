// A whole tower in all its combinations: rows alone and together, first values, allocations.
#include "tandem/tower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/interaction_configs.h"
#include "tests/support/random_floats.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

const std::vector<FeatureFields> kFeatures = {{"a", 0, 1, false},
                                              {"b", 1, 1, false},
                                              {"item", 2, 1, false},
                                              {"d", 3, 1, false},
                                              {"history", 4, 3, true}};
constexpr FieldShape kShape{7, 5};
const FieldShape kLongShape{7, 5, kFeatures};  // the last three fields are a sequence
constexpr int kWidth = kShape.fields * kShape.dim;
constexpr int kMaxRows = 40;
constexpr char kDeep[] = "linear: true mlp { hidden: 37 hidden: 18 }";

const Kernels& BestKernels() { return *FindKernels("auto").value(); }

// A tower with random parameters, and a batch of kMaxRows rows.
class TestTower {
 public:
  explicit TestTower(const std::string& config, const Kernels& kernels = BestKernels(),
                     const std::string& name = "teacher")
      : tower(ParseText<proto::Tower>(config), absl::StrContains(config, "transformer") ? kLongShape : kShape,
              name, kernels),
        parameters(RandomFloats(tower.layout().size(), 1, 0.3)),
        x(RandomFloats(kMaxRows * kWidth, 2)),
        linear(RandomFloats(kMaxRows, 3)),
        workspace(tower.MakeWorkspace(kMaxRows)) {
    for (const ParameterBlock& block : tower.layout().blocks()) {
      if (block.kind != ParameterKind::kStatistic) continue;
      for (int64_t i = block.offset; i < block.offset + block.size; ++i)
        parameters[i] = 1 + std::abs(parameters[i]);
    }
    // Row r has r % 4 places of the last three.
    for (int r = 0; r < kMaxRows; ++r)
      std::fill_n(x.data() + (r + 1) * kWidth - r % 4 * kShape.dim, r % 4 * kShape.dim, 0.0f);
    tower.Prepare(parameters.data());
  }

  ConstMatrix rows(int first, int count) const { return {x.data() + first * kWidth, count, kWidth, kWidth}; }
  std::vector<float> Logits(int first, int count, const TrainingPass* pass = nullptr) {
    std::vector<float> logits(count);
    tower.Forward(rows(first, count), tower.linear() ? linear.data() + first : nullptr, pass, &workspace,
                  logits.data());
    return logits;
  }

  Tower tower;
  AlignedFloats parameters, x, linear;
  TowerWorkspace workspace;
};

std::vector<std::string> Configs() {
  std::vector<std::string> configs = {
      kDeep,
      "linear: true combine: PARALLEL",
      "combine: STACKED",
      "interaction { fm {} } mlp { hidden: 37 hidden: 18 }",
      "interaction { cin { layers: 9 layers: 6 bias: true } } mlp { hidden: 20 }",
      "interaction { cin { layers: 8 layers: 6 activation: RELU split_half: true } } combine: PARALLEL",
      ("interaction { cross { version: V1 } } interaction { fm {} } mlp { hidden: 20 } combine: PARALLEL "
       "linear: true"),
      ("interaction { cross {} } interaction { cross { rank: 3 layers: 2 } } mlp { hidden: 20 "
       "normalize_input: true }"),
      ("interaction { transformer { sequence: 'history' target: 'item' heads: 5 blocks: 2 hidden: 9 } } "
       "interaction { fm {} } mlp { hidden: 20 } linear: true"),
      ("interaction { fm {} } mlp { hidden: 20 dropout: 0.2 normalize_input: true } linear: true heads: 3 "
       "combine: PARALLEL"),
      "interaction { fm {} } mlp { hidden: 20 hidden: 9 } heads: 4 head_weights: RANK_ONE",
  };
  for (const char* layer : kInteractionConfigs) {
    // Their heads don't divide this dimension, which is odd to show how kernels end a row.
    if (absl::StrContains(layer, "transformer")) continue;
    configs.push_back(absl::StrCat("interaction { ", layer, " } mlp { hidden: 20 }"));
  }
  return configs;
}

class TowerTest : public testing::TestWithParam<std::string> {};

TEST_P(TowerTest, ARowsLogitDoesNotDependOnTheRowsAroundIt) {
  for (const Kernels* kernels : AvailableKernels()) {
    TestTower test(GetParam(), *kernels);
    const std::vector<float> all = test.Logits(0, kMaxRows);
    for (int rows = 1; rows <= kMaxRows; ++rows) {
      for (const int first : {0, kMaxRows - rows}) {
        const std::vector<float> some = test.Logits(first, rows);
        for (int r = 0; r < rows; ++r) {
          ASSERT_EQ(some[r], all[first + r])
              << kernels->name() << ": row " << first + r << " in rows " << first << ".." << first + rows - 1;
        }
      }
    }
  }
}

TEST_P(TowerTest, ForwardAndBackwardAllocateNothing) {
  TestTower test(GetParam());
  AlignedFloats logits(kMaxRows), gradients(test.tower.layout().size()), d_x(kMaxRows * kWidth);
  const Matrix d_input{d_x.data(), kMaxRows, kWidth, kWidth};
  const TrainingPass pass{1, 2, 0};
  const float* linear = test.tower.linear() ? test.linear.data() : nullptr;
  const int64_t before = AllocationCount();
  test.tower.Forward(test.rows(0, kMaxRows), linear, &pass, &test.workspace, logits.data());
  test.tower.Backward(test.rows(0, kMaxRows), logits.data(), &test.workspace, &d_input, gradients.data());
  EXPECT_EQ(AllocationCount() - before, 0);
}

INSTANTIATE_TEST_SUITE_P(Configs, TowerTest, testing::ValuesIn(Configs()));

TEST(TowerTest, TeacherAndStudentStartFromDifferentValuesOfOneSeed) {
  TestTower teacher(kDeep, BestKernels(), "teacher"), student(kDeep, BestKernels(), "student");
  teacher.tower.Initialize(1, teacher.parameters.data());
  student.tower.Initialize(1, student.parameters.data());
  EXPECT_NE(teacher.parameters[0], student.parameters[0]);
}

TEST(TowerTest, FirstValuesAreAFunctionOfTheSeed) {
  TestTower one(kDeep), again(kDeep), other(kDeep);
  one.tower.Initialize(1, one.parameters.data());
  again.tower.Initialize(1, again.parameters.data());
  other.tower.Initialize(2, other.parameters.data());
  EXPECT_EQ(one.parameters[0], again.parameters[0]);
  EXPECT_NE(one.parameters[0], other.parameters[0]);
}

TEST(TowerTest, DropoutIsKeyedByTheTowersName) {
  constexpr char kConfig[] = "mlp { hidden: 30 dropout: 0.5 }";
  TestTower teacher(kConfig, BestKernels(), "teacher"), student(kConfig, BestKernels(), "student");
  const TrainingPass pass{1, 2, 0};
  EXPECT_EQ(teacher.Logits(0, 9), student.Logits(0, 9)) << "equal parameters";
  EXPECT_NE(teacher.Logits(0, 9, &pass), student.Logits(0, 9, &pass));
  EXPECT_EQ(teacher.Logits(0, 9, &pass), teacher.Logits(0, 9, &pass));
}

TEST(TowerTest, ATowerOfNothingButItsLinearPartIsLogisticRegression) {
  TestTower test("linear: true combine: PARALLEL");
  ASSERT_EQ(test.tower.layout().trained(), 1);
  const std::vector<float> logits = test.Logits(0, 5);
  for (int r = 0; r < 5; ++r) EXPECT_EQ(logits[r], test.parameters[0] + test.linear[r]);
}

TEST(TowerTest, BlocksHaveTheirDocumentedNamesAndShapes) {
  const TestTower parallel(
      "interaction { cin { layers: 4 } } interaction { fm {} } interaction { cross { layers: 1 } } mlp { "
      "hidden: 6 } "
      "combine: PARALLEL");
  const ParameterLayout& layout = parallel.tower.layout();
  const auto shape = [&](const char* name) {
    return layout.Find(name) != nullptr ? layout.Find(name)->shape : std::vector<int>();
  };
  EXPECT_EQ(shape("interaction/0/0/weight"), (std::vector<int>{4, 7, 7}));
  EXPECT_EQ(shape("interaction/2/0/weight"), (std::vector<int>{kWidth, kWidth}));
  EXPECT_EQ(shape("mlp/0/weight"), (std::vector<int>{kWidth, 6}));
  EXPECT_EQ(shape("head/weight"), (std::vector<int>{6}));
  EXPECT_EQ(shape("readout/0/weight"), (std::vector<int>{4}));
  EXPECT_EQ(shape("readout/1/weight"), (std::vector<int>{})) << "FM's is its plain sum";
  EXPECT_EQ(shape("readout/2/weight"), (std::vector<int>{kWidth}));
  EXPECT_EQ(shape("bias"), (std::vector<int>{1}));
}

TEST(TowerTest, StatisticsAreOfWhatTheMlpReads) {
  const TestTower stacked("interaction { fm {} } mlp { hidden: 6 normalize_input: true }");
  EXPECT_EQ(stacked.tower.statistics_size(), 2 * (kShape.dim + kWidth));
  const TestTower parallel("interaction { fm {} } mlp { hidden: 6 normalize_input: true } combine: PARALLEL");
  EXPECT_EQ(parallel.tower.statistics_size(), 2 * kWidth);
}

TEST(TowerTest, FlopsAreThoseOfTheDenseLayersAndTheReadOut) {
  const TestTower test("mlp { hidden: 10 hidden: 4 }");
  EXPECT_EQ(test.tower.flops_per_sample(), 2 * (kWidth * 10 + 10 * 4 + 4));
}

TEST(TowerTest, TheWayBackIsTwoProductsForOneAndSavesWhatNobodyWants) {
  const TestTower plain("mlp { hidden: 10 hidden: 4 }"), read_out("combine: STACKED"),
      stacked("interaction { fm {} } mlp { hidden: 10 }"),
      parallel("interaction { fm {} } mlp { hidden: 10 } combine: PARALLEL");
  for (const TestTower* test : {&plain, &read_out, &stacked, &parallel}) {
    EXPECT_EQ(test->tower.backward_flops_per_sample(/*d_x=*/true), 2 * test->tower.flops_per_sample());
  }
  const auto saved = [](const TestTower& test) {
    return 2 * test.tower.flops_per_sample() - test.tower.backward_flops_per_sample(/*d_x=*/false);
  };
  EXPECT_EQ(saved(plain), 2 * kWidth * 10);
  EXPECT_EQ(saved(parallel), 2 * kWidth * 10);
  EXPECT_EQ(saved(stacked), 0) << "the interaction wants the gradient of what the MLP reads";
  EXPECT_EQ(saved(read_out), 0);
}

}  // namespace
}  // namespace tandem
