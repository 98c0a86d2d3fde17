// The decision, its error, and what is written.
#include "src/tune/tune_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tandem/experiment.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using testing::HasSubstr;

RowLosses Losses(std::vector<float> losses) {
  RowLosses rows;
  rows.weights.assign(losses.size(), 1);
  rows.losses = std::move(losses);
  return rows;
}

Trial Done(int id, double logloss, Settings settings = {}) {
  Trial trial;
  trial.id = id;
  trial.state = Trial::kDone;
  trial.logloss = logloss;
  trial.settings = std::move(settings);
  return trial;
}

TEST(GainTest, TheErrorIsThatOfPairedRowsAndOfSeeds) {
  const Gain one = GainOf({Losses({1, 2, 3, 4})}, {Losses({0, 2, 2, 4})}, true);
  EXPECT_DOUBLE_EQ(one.gain, 0.5);
  EXPECT_DOUBLE_EQ(one.error, std::sqrt(4 * 0.25 / 16)) << "differences of 1, 0, 1, 0";
  EXPECT_EQ(one.rows, 4);
  // The rows agree on 1; the rounds differ by 1.
  const std::vector<RowLosses> base = {Losses({1, 1}), Losses({1, 1})},
                               other = {Losses({0.5, 0.5}), Losses({-0.5, -0.5})};
  const Gain two = GainOf(base, other, /*same_rows=*/true);
  EXPECT_DOUBLE_EQ(two.gain, 1);
  EXPECT_DOUBLE_EQ(two.error, 0.5);
  EXPECT_EQ(two.rows, 2);
}

TEST(GainTest, RoundsWithRowsOfTheirOwnAreOneSampleAndNoSurerThanTheRounds) {
  const std::vector<RowLosses> base = {Losses({1, 2}), Losses({3, 4, 5})},
                               other = {Losses({0, 2}), Losses({2, 4, 4.5F})};
  const Gain gain = GainOf(base, other, /*same_rows=*/false);
  EXPECT_EQ(gain.rows, 5);
  EXPECT_EQ(gain.rounds, 2);
  EXPECT_DOUBLE_EQ(gain.gain, 0.5) << "differences of 1, 0, 1, 0, 0.5";
  EXPECT_DOUBLE_EQ(gain.error, std::sqrt(4 * 0.25 / 25));
  EXPECT_DOUBLE_EQ(gain.base, 3);
  EXPECT_DOUBLE_EQ(gain.other, 2.5);
  const Gain apart = GainOf({Losses({1, 1}), Losses({1, 1})}, {Losses({0, 0}), Losses({2, 2})}, false);
  EXPECT_DOUBLE_EQ(apart.error, 1) << "of the rounds, of which one is better and one worse";
}

TEST(GainTest, RowsCountByTheirWeights) {
  RowLosses base = Losses({1, 5}), other = Losses({0, 9});
  base.weights = other.weights = {1, 0};
  EXPECT_DOUBLE_EQ(GainOf({base}, {other}, false).gain, 1);
  EXPECT_DOUBLE_EQ(GainOf({base}, {other}, false).error, 0);
}

TEST(RowLossesTest, TheyAreReadBack) {
  ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(WriteRowLosses(fs, Losses({0.25, 1.5}), scratch / "losses.bin").ok());
  const auto read = ReadRowLosses(fs, scratch / "losses.bin");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->losses, (std::vector<float>{0.25, 1.5}));
  EXPECT_EQ(read->weights, (std::vector<float>{1, 1}));
}

TEST(JudgeTest, TheBestOfTheSearchIsNoWinnerUntilItIsTrainedAgain) {
  const std::vector<Trial> trials = {Done(0, 0.5), Done(1, 0.4)};
  const TuneVerdict verdict = Judge(trials, {}, false);
  EXPECT_EQ(verdict.kind, TuneVerdict::kNotConfirmed);
  EXPECT_EQ(verdict.trial, 1);
  EXPECT_THAT(VerdictText(verdict, trials), HasSubstr("Not decided"));
  // A round that trial 0 wasn't in tells nothing.
  EXPECT_EQ(Judge(trials, {{0, {{1, Losses({1, 1})}}}, {1, {{2, Losses({0, 0})}}}}, false).kind,
            TuneVerdict::kNotConfirmed);
}

TEST(JudgeTest, ALeadWithinTheErrorIsNone) {
  const std::vector<Trial> trials = {Done(0, 0.5), Done(1, 0.4), Done(2, 0.3)};
  const std::map<int, std::map<int, RowLosses>> confirmed = {{0, {{1, Losses({1, 1, 1, 1})}}},
                                                             {1, {{1, Losses({0.9F, 0.9F, 0.9F, 0.8F})}}},
                                                             {2, {{1, Losses({0, 2, 0, 1.9F})}}}};
  const TuneVerdict verdict = Judge(trials, confirmed, false);
  EXPECT_EQ(verdict.kind, TuneVerdict::kBetter);
  EXPECT_EQ(verdict.trial, 1) << "not the search's best";
  EXPECT_THAT(VerdictText(verdict, trials),
              HasSubstr("Better than the configuration as it is: trial 1, by 0.1"));
  const TuneVerdict noise = Judge(trials, {{0, confirmed.at(0)}, {2, confirmed.at(2)}}, false);
  EXPECT_EQ(noise.kind, TuneVerdict::kNotBetter);
  EXPECT_THAT(VerdictText(noise, trials), HasSubstr("Nothing was clearly better"));
}

TEST(JudgeTest, OneRoundMustLeadByTwoErrors) {
  const std::vector<Trial> trials = {Done(0, 0.5), Done(1, 0.4)};
  const RowLosses base = Losses({1, 1, 1, 1}), other = Losses({0, 1, 1, 0.5F});  // 0.375 +- 0.207
  EXPECT_EQ(Judge(trials, {{0, {{1, base}}}, {1, {{1, other}}}}, false).kind, TuneVerdict::kNotBetter);
  EXPECT_EQ(Judge(trials, {{0, {{1, base}, {2, base}}}, {1, {{1, other}, {2, other}}}}, false).kind,
            TuneVerdict::kBetter);
}

TEST(JudgeTest, NothingAheadIsSaid) {
  const std::vector<Trial> trials = {Done(0, 0.3), Done(1, 0.4)};
  EXPECT_EQ(Judge(trials, {}, false).kind, TuneVerdict::kNothingAhead);
}

TEST(TrialsTableTest, TheBestIsFirstAndTrialZeroIsAlwaysThere) {
  std::vector<Trial> trials = {Done(0, 0.9)};
  for (int trial = 1; trial < 20; ++trial)
    trials.push_back(Done(trial, 0.5 - 0.01 * trial, {{"embedding.dim", "16"}}));
  trials.push_back(trials.back());
  trials.back().state = Trial::kStopped;
  const std::string table = TrialsTable(trials, {{19, 1, 0.25, std::nullopt, 1}});
  EXPECT_LT(table.find("0.31000"), table.find("0.32000"));
  EXPECT_THAT(table, HasSubstr("0.90000"));
  EXPECT_THAT(table, HasSubstr("0.25000 (1)"));
  EXPECT_THAT(table, HasSubstr("9 worse ones, 1 stopped early"));
}

TEST(TunedConfigurationTest, ItSaysWhatDiffersAndIsReadBack) {
  const proto::Experiment base =
      SmallExperiment("teacher { interaction { fm {} } mlp { hidden: 16 } } student { mlp { hidden: 8 } }",
                      "embedding { dim: 8 } drop_feature: \"age\"");
  const SearchSpace space = SearchSpace::Around(base);
  const Settings settings = {{"embedding.dim", "16"}, {kTeachersKind, "cross"}};
  proto::Experiment tuned = base;
  ASSERT_TRUE(ApplySettings(settings, &tuned).ok());
  const std::string text = TunedConfiguration(tuned, space, settings, {"A fact."}, "tandem train");
  EXPECT_THAT(text, HasSubstr("# A fact.\n"));
  EXPECT_THAT(text, HasSubstr("#   embedding.dim: 8 -> 16\n"));
  EXPECT_THAT(text, HasSubstr("#   model.teacher.interaction: fm -> cross\n"));
  const auto read = ParseExperiment(text, "tuned");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ConfigDifferences(tuned, *read, "a", "b"), "");
  EXPECT_EQ(read->drop_feature_size(), 1);
}

}  // namespace
}  // namespace tandem
