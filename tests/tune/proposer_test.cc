// Draws of settings: reproducible, new, and close to the good ones later on.
#include "src/tune/proposer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/experiments.h"

namespace tandem {
namespace {

class ProposerTest : public testing::Test {
 protected:
  ProposerTest()
      : space_(SearchSpace::Around(SmallExperiment(
            "teacher { interaction { fm {} } mlp { hidden: 16 } } student { mlp { hidden: 8 } }",
            "embedding { dim: 8 }"))) {}

  static bool Any(const Settings& /*settings*/) { return true; }

  const SearchSpace space_;
};

TEST_F(ProposerTest, ADrawIsAFunctionOfSeedTrialAndWhatWasThere) {
  const Proposer proposer(&space_, 1, Any), same(&space_, 1, Any), other(&space_, 2, Any);
  int differ = 0;
  for (int trial = 1; trial <= 10; ++trial) {
    const auto a = proposer.Draw(trial, {}, {}), b = same.Draw(trial, {}, {}), c = other.Draw(trial, {}, {});
    ASSERT_TRUE(a.has_value() && b.has_value() && c.has_value());
    EXPECT_EQ(a->settings, b->settings);
    differ += a->settings == c->settings ? 0 : 1;
  }
  EXPECT_GT(differ, 5);
}

TEST_F(ProposerTest, TheFirstOnesDependOnNoResult) {
  const Proposer proposer(&space_, 1, Any);
  const std::vector<FinishedTrial> finished = {{0, {}, 0.5}, {1, {{"embedding.dim", "16"}}, 0.4}};
  for (int trial = 1; trial <= 6; ++trial)
    EXPECT_EQ(proposer.Draw(trial, {}, {})->settings, proposer.Draw(trial, {}, finished)->settings);
}

TEST_F(ProposerTest, NothingIsDrawnTwiceNorTheConfigurationAsItIs) {
  const Proposer proposer(&space_, 1, Any);
  std::vector<Settings> before = {{}};
  for (int trial = 1; trial <= 60; ++trial) {
    const auto drawn = proposer.Draw(trial, before, {{0, {}, 0.5}});
    ASSERT_TRUE(drawn.has_value());
    EXPECT_EQ(std::count(before.begin(), before.end(), drawn->settings), 0);
    before.push_back(drawn->settings);
  }
}

TEST_F(ProposerTest, LaterOnesMoveOneToThreeSettingsOfAGoodOneByAStep) {
  const Proposer proposer(&space_, 1, Any);
  std::vector<FinishedTrial> finished;
  for (int trial = 0; trial < 8; ++trial)
    finished.push_back({trial, {{"embedding.dim", trial % 2 == 0 ? "4" : "16"}}, 0.5 + 0.01 * trial});
  int local = 0;
  for (int trial = 7; trial < 40; ++trial) {
    const auto drawn = proposer.Draw(trial, {}, finished);
    ASSERT_TRUE(drawn.has_value());
    if (drawn->parent < 0) continue;
    ++local;
    EXPECT_LT(drawn->parent, 2) << "the best quarter of eight";
    const std::vector<int> from = space_.ChoicesOf(finished[drawn->parent].settings);
    const std::vector<int> to = space_.ChoicesOf(drawn->settings);
    int moved = 0;
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i] == to[i]) continue;
      ++moved;
      if (space_.dimensions()[i].ordered) {
        EXPECT_EQ(std::abs(from[i] - to[i]), 1);
      }
    }
    EXPECT_GE(moved, 1);
    EXPECT_LE(moved, 3);
  }
  EXPECT_EQ(local, 22) << "two of three";
}

TEST_F(ProposerTest, WhatIsInvalidIsNotProposed) {
  const Proposer proposer(&space_, 1, [](const Settings& settings) {
    return std::none_of(settings.begin(), settings.end(),
                        [](const Setting& setting) { return setting.key == "train.batch_size"; });
  });
  for (int trial = 1; trial <= 40; ++trial) {
    const std::optional<Proposal> drawn = proposer.Draw(trial, {}, {{0, {}, 0.5}});
    ASSERT_TRUE(drawn.has_value());
    for (const Setting& setting : drawn->settings) EXPECT_NE(setting.key, "train.batch_size");
  }
  const Proposer none(&space_, 1, [](const Settings& /*settings*/) { return false; });
  EXPECT_FALSE(none.Draw(1, {}, {}).has_value());
}

}  // namespace
}  // namespace tandem
