// Several heads of a tower: each as the MLP of a tower with one. Their gradients are in gradient_test.cc.
#include "tandem/heads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/serve/student_scorer.h"
#include "tandem/experiment.pb.h"
#include "tandem/tower.h"
#include "tests/support/random_floats.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr FieldShape kShape{6, 4};
constexpr int kWidth = kShape.fields * kShape.dim;
constexpr int kRows = 30;
constexpr char kMlp[] = "linear: true mlp { hidden: 12 hidden: 7 normalize_input: true dropout: 0.2 } ";

const Kernels& BestKernels() { return *FindKernels("auto").value(); }

struct TestTower {
  explicit TestTower(const std::string& config)
      : tower(ParseText<proto::Tower>(config), kShape, "student", BestKernels()),
        parameters(tower.layout().size()),
        x(RandomFloats(kRows * kWidth, 2)),
        linear(RandomFloats(kRows, 3)),
        workspace(tower.MakeWorkspace(kRows)) {
    tower.Initialize(1, parameters.data(), -0.5f);
  }

  // Weights that are nobody's first ones, statistics of some steps.
  void Disturb() {
    const AlignedFloats noise = RandomFloats(parameters.size(), 7, 0.3);
    for (size_t i = 0; i < parameters.size(); ++i) parameters[i] += std::abs(noise[i]);
  }
  std::vector<float> Logits(const TrainingPass* pass = nullptr) {
    tower.Prepare(parameters.data());
    std::vector<float> logits(kRows);
    tower.Forward({x.data(), kRows, kWidth, kWidth}, tower.linear() ? linear.data() : nullptr, pass,
                  &workspace, logits.data());
    return logits;
  }
  std::vector<float> HeadLogits(int k) {
    return {workspace.heads.logits(k), workspace.heads.logits(k) + kRows};
  }
  std::vector<float> Block(const std::string& name) const {
    const ParameterBlock& block = *tower.layout().Find(name);
    return {parameters.begin() + block.offset, parameters.begin() + block.offset + block.size};
  }
  void SetBlock(const std::string& name, const std::vector<float>& values) {
    const ParameterBlock& block = *tower.layout().Find(name);
    std::copy(values.begin(), values.end(), parameters.begin() + block.offset);
  }

  Tower tower;
  AlignedFloats parameters, x, linear;
  TowerWorkspace workspace;
};

TEST(Heads, OfHeadsWithWeightsOfTheirOwnEachScoresAsTheTowerWithOne) {
  TestTower heads(absl::StrCat(kMlp, "heads: 3"));
  heads.Disturb();
  const std::vector<float> mean = heads.Logits();
  std::vector<double> sums(kRows, 0);
  for (int k = 0; k < 3; ++k) {
    TestTower one(kMlp);
    for (const ParameterBlock& block : one.tower.layout().blocks()) {
      const std::string prefix = block.name == "bias" ? "" : absl::StrCat("heads/", k, "/");
      one.SetBlock(block.name, heads.Block(prefix + block.name));
    }
    const std::vector<float> logits = one.Logits();
    EXPECT_EQ(heads.HeadLogits(k), logits) << k;
    for (int r = 0; r < kRows; ++r) sums[r] += logits[r];
  }
  for (int r = 0; r < kRows; ++r) EXPECT_EQ(mean[r], static_cast<float>(sums[r] / 3));
}

TEST(Heads, TheFirstBeginsAndDropsOutAsOneAloneAndNoneAsAnother) {
  TestTower heads(absl::StrCat(kMlp, "heads: 3")), one(kMlp);
  const TrainingPass pass{5, 2, 0};
  heads.Logits(&pass);
  EXPECT_EQ(heads.HeadLogits(0), one.Logits(&pass));
  std::set<std::vector<float>> weights, readouts;
  for (const char* k : {"0", "1", "2"}) {
    weights.insert(heads.Block(absl::StrCat("heads/", k, "/mlp/0/weight")));
    readouts.insert(heads.Block(absl::StrCat("heads/", k, "/head/weight")));
  }
  EXPECT_EQ(weights.size(), 3u);
  EXPECT_EQ(readouts.size(), 3u);
  // Of equal weights they would still drop out differently.
  for (const ParameterBlock& block : one.tower.layout().blocks()) {
    if (block.name == "bias") continue;
    for (const char* k : {"1", "2"})
      heads.SetBlock(absl::StrCat("heads/", k, "/", block.name), one.Block(block.name));
  }
  heads.Logits(&pass);
  EXPECT_NE(heads.HeadLogits(0), heads.HeadLogits(1));
  EXPECT_NE(heads.HeadLogits(1), heads.HeadLogits(2));
}

TEST(Heads, RankOneHeadsAreTheFoldedMlps) {
  TestTower heads(absl::StrCat(kMlp, "heads: 3 head_weights: RANK_ONE"));
  heads.Disturb();
  heads.Logits();
  for (int k = 0; k < 3; ++k) {
    TestTower one(kMlp);
    for (const ParameterBlock& block : one.tower.layout().blocks()) {
      const auto size = static_cast<size_t>(block.size);
      std::vector<float> values = heads.Block(block.name);
      if (block.kind == ParameterKind::kMatrix) {
        const std::vector<float> r = heads.Block(block.name + "_inputs"),
                                 s = heads.Block(block.name + "_outputs");
        const int inputs = block.shape[0], outputs = block.shape[1];
        for (size_t i = 0; i < size; ++i)
          values[i] *= r[k * inputs + i / outputs] * s[k * outputs + i % outputs];
      } else if (values.size() > size) {
        values.assign(values.begin() + k * size, values.begin() + (k + 1) * size);
      }
      one.SetBlock(block.name, values);
    }
    const std::vector<float> expected = one.Logits(), logits = heads.HeadLogits(k);
    for (int r = 0; r < kRows; ++r) EXPECT_NEAR(logits[r], expected[r], 1e-4 * (1 + std::abs(expected[r])));
  }
}

TEST(Heads, RankOneFactorsBeginAsSignsOfTheInputsAndOnes) {
  const TestTower heads(absl::StrCat(kMlp, "heads: 3 head_weights: RANK_ONE"));
  int negative = 0;
  for (const float factor : heads.Block("mlp/0/weight_inputs")) {
    EXPECT_EQ(std::abs(factor), 1);
    negative += factor < 0;
  }
  EXPECT_GT(negative, 3 * kWidth / 4);
  EXPECT_LT(negative, 3 * kWidth * 3 / 4);
  for (const char* name : {"mlp/0/weight_outputs", "mlp/1/weight_inputs", "mlp/1/weight_outputs"}) {
    for (const float factor : heads.Block(name)) EXPECT_EQ(factor, 1) << name;
  }
  for (const ParameterBlock& block : heads.tower.layout().blocks()) {
    const bool factors = block.name.find("weight_") != std::string::npos;
    if (factors) {
      EXPECT_EQ(block.kind, ParameterKind::kBias) << block.name << ": decay would pull it to zero";
    }
  }
}

TEST(Heads, AScorerOfHeadsHasTheTowersBits) {
  for (const char* weights : {"heads: 3", "heads: 3 head_weights: RANK_ONE"}) {
    TestTower heads(absl::StrCat(kMlp, weights));
    heads.Disturb();
    const std::vector<float> expected = heads.Logits();
    const std::vector<PlainStudent> plain = PlainStudentsOf(heads.tower, heads.parameters.data());
    ASSERT_EQ(plain.size(), 3u);
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      const std::unique_ptr<StudentScorer> scorer = MakeStudentScorer(plain, precision, BestKernels());
      AlignedFloats workspace(scorer->workspace_floats(kRows)), x = heads.x;
      std::vector<float> logits(kRows);
      scorer->Score({x.data(), kRows, kWidth, kWidth}, heads.linear.data(), workspace.data(), logits.data());
      if (precision == Precision::kF32) {
        EXPECT_EQ(logits, expected) << weights;
      }
      for (int r = 0; r < kRows; ++r) EXPECT_NEAR(logits[r], expected[r], 0.05 * (1 + std::abs(expected[r])));
    }
  }
}

TEST(Heads, CostAsManyMlps) {
  const TestTower one("mlp { hidden: 10 hidden: 4 }"), heads("mlp { hidden: 10 hidden: 4 } heads: 5"),
      shared("mlp { hidden: 10 hidden: 4 } heads: 5 head_weights: RANK_ONE");
  EXPECT_EQ(heads.tower.flops_per_sample(), 5 * one.tower.flops_per_sample());
  EXPECT_EQ(shared.tower.flops_per_sample(), 5 * one.tower.flops_per_sample());
  EXPECT_EQ(heads.tower.layout().trained() - 1, 5 * (one.tower.layout().trained() - 1));
  const int64_t factors = kWidth + 10 + 10 + 4, own = 10 + 4 + 4;
  EXPECT_EQ(shared.tower.layout().trained(), kWidth * 10 + 10 * 4 + 5 * (factors + own) + 1);
}

}  // namespace
}  // namespace tandem
