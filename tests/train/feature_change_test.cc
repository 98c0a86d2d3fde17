// What a tower keeps when features come and go, whatever its layers: the layers only say their axes.
#include "tandem/feature_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/interaction_configs.h"
#include "tests/support/random_floats.h"

namespace tandem {
namespace {

constexpr char kFew[] = R"(
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  feature { name: "query" sparse {} }
  feature { name: "age" dense { transform: LOG1P } } )";
// Another feature, and those of before in another order.
constexpr char kMany[] = R"(
  feature { name: "query" sparse {} }
  feature { name: "tags" sparse { multi_valued: true } }
  feature { name: "item" sparse {} }
  feature { name: "age" dense { transform: LOG1P } }
  feature { name: "user" sparse {} } )";
constexpr char kHistory[] =
    "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'item' } } ";
constexpr int kRows = 6;
constexpr int kDim = 4;

DualModel MakeModel(const std::string& teacher, const std::string& features) {
  return DualModel(ExperimentOf(absl::StrCat(
                       "data { path: 'unused' } embedding { dim: ", kDim, " } train { average_decay: 0.9 } ",
                       "model { method: TEACHER_ALONE teacher { ", teacher, " } } ", features)),
                   *FindKernels("auto").value(), /*trained=*/true);
}

std::vector<std::string> Names(const DualModel& model) {
  std::vector<std::string> names;
  for (const int f : model.teacher_input().fields) names.push_back(model.schema().fields()[f].name);
  return names;
}

// Logits of rows whose fields are functions of (row, name); zero where `absent` says so.
std::vector<float> Logits(const DualModel& model, const std::string& absent) {
  const std::vector<std::string> names = Names(model);
  const int width = static_cast<int>(names.size()) * kDim;
  AlignedFloats x(kRows * width, 0.0f);
  for (size_t f = 0; f < names.size(); ++f) {
    if (names[f] == absent) continue;
    uint64_t seed = 0;
    for (const char c : names[f]) seed = seed * 131 + c;
    const AlignedFloats values = RandomFloats(kRows * kDim, seed);
    for (int r = 0; r < kRows; ++r)
      std::copy_n(values.begin() + r * kDim, kDim, x.begin() + r * width + f * kDim);
  }
  CommitteeWorkspace workspace = model.teacher().MakeWorkspace(kRows);
  std::vector<float> logits(kRows);
  const AlignedFloats linear(kRows, 0.5f);
  model.teacher().Forward({x.data(), kRows, width, width}, model.teacher().linear() ? linear.data() : nullptr,
                          nullptr, &workspace, logits.data());
  return logits;
}

// Values, slots and averages that differ from each other; statistics are positive.
void Randomize(DualModel* model) {
  DenseParameters& parameters = model->teacher_parameters();
  uint64_t seed = 1;
  for (AlignedFloats* part : {&parameters.values, &parameters.slots, &parameters.averages})
    *part = RandomFloats(static_cast<int64_t>(part->size()), seed++, 0.4);
  for (const ParameterBlock& block : model->teacher().layout().blocks()) {
    if (block.kind != ParameterKind::kStatistic) continue;
    for (int64_t i = block.offset; i < block.offset + block.size; ++i)
      parameters.values[i] = 1 + parameters.values[i] * parameters.values[i];
  }
  model->Prepare();
}

std::vector<std::string> Towers() {
  std::vector<std::string> towers = {
      "mlp { hidden: 7 hidden: 5 normalize_input: true } linear: true", "combine: STACKED",
      "linear: true combine: PARALLEL",
      "heads: 2 interaction { fm {} } mlp { hidden: 7 normalize_input: true }",
      ("heads: 3 head_weights: RANK_ONE linear: true mlp { hidden: 7 hidden: 5 "
       "normalize_input: true }")};
  for (const char* layer : kInteractionConfigs) {
    for (const char* rest : {"mlp { hidden: 7 normalize_input: true }", "combine: STACKED",
                             "combine: PARALLEL", "mlp { hidden: 7 } combine: PARALLEL"})
      towers.push_back(absl::StrCat("interaction { ", layer, " } interaction { fm {} } ", rest));
  }
  return towers;
}

class FeatureChangeTest : public testing::TestWithParam<std::string> {
 protected:
  std::string Features(const char* features) const {
    return absl::StrCat(features, " ", GetParam().find("history") != std::string::npos ? kHistory : "");
  }
};

TEST_P(FeatureChangeTest, ANewFeatureWhoseVectorIsZeroChangesNoScore) {
  DualModel before = MakeModel(GetParam(), Features(kFew)), after = MakeModel(GetParam(), Features(kMany));
  ASSERT_LT(before.teacher_input().fields.size(), after.teacher_input().fields.size());
  before.Initialize();
  after.Initialize();
  Randomize(&before);
  const absl::Status copied = CopySharedParameters(before, &after);
  ASSERT_TRUE(copied.ok()) << copied;
  const std::vector<float> old_logits = Logits(before, ""), new_logits = Logits(after, "tags");
  for (int r = 0; r < kRows; ++r)
    EXPECT_NEAR(old_logits[r], new_logits[r], 1e-4 + 1e-5 * std::abs(old_logits[r])) << "row " << r;
}

TEST_P(FeatureChangeTest, AFeatureThatComesAndGoesLeavesNoTrace) {
  DualModel before = MakeModel(GetParam(), Features(kFew)), between = MakeModel(GetParam(), Features(kMany)),
            after = MakeModel(GetParam(), Features(kFew));
  for (DualModel* model : {&before, &between, &after}) model->Initialize();
  Randomize(&before);
  ASSERT_TRUE(CopySharedParameters(before, &between).ok());
  ASSERT_TRUE(CopySharedParameters(between, &after).ok());
  const DenseParameters &a = before.teacher_parameters(), &b = after.teacher_parameters();
  const auto size = static_cast<int64_t>(a.values.size());
  for (const ParameterBlock& block : before.teacher().layout().blocks()) {
    for (int64_t i = block.offset; i < block.offset + block.size; ++i) {
      ASSERT_EQ(a.values[i], b.values[i]) << block.name;
      ASSERT_EQ(a.averages[i], b.averages[i]) << block.name;
      for (const int slot : {0, 1})
        ASSERT_EQ(a.slots[slot * size + i], b.slots[slot * size + i]) << block.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Towers, FeatureChangeTest, testing::ValuesIn(Towers()));

TEST(FeatureChangeTest, AnotherArchitectureIsRefusedWithTheNameOfTheBlock) {
  DualModel before = MakeModel("mlp { hidden: 7 }", kFew);
  before.Initialize();
  for (const auto& [tower, block] : std::vector<std::pair<std::string, std::string>>{
           {"mlp { hidden: 6 }", "mlp/0/weight"},
           {"mlp { hidden: 7 hidden: 7 }", "mlp/1/weight"},
           {"interaction { fm {} } mlp { hidden: 7 }", "mlp/0/weight"}}) {
    DualModel after = MakeModel(tower, kMany);
    after.Initialize();
    const absl::Status refused = CopySharedParameters(before, &after);
    EXPECT_EQ(ExitCode(refused), kExitUsage) << tower;
    EXPECT_NE(refused.message().find(absl::StrCat("'", block, "'")), std::string::npos) << refused;
  }
}

}  // namespace
}  // namespace tandem
