// A recipe fits the rows: small tables get coarse numbers, small batches and short averages; a day of a daily
// log tells when to stop.
#include "src/init/recipe.h"

#include <gtest/gtest.h>

#include "src/train/memory_estimate.h"

namespace tandem {
namespace {

TEST(RecipeTest, KnotsBatchesAndAveragesGrowWithTheRows) {
  const Recipe small = RecipeFor({/*rows=*/640, /*positives=*/200, /*fields=*/20});
  EXPECT_EQ(small.knots, 4);
  EXPECT_EQ(small.settings.train().batch_size(), 32);
  EXPECT_NEAR(small.settings.train().average_decay(), 1 - 1 / 120.0, 1e-4);
  EXPECT_EQ(RecipeFor({7000, 200, 20}).settings.train().batch_size(), 128);
  const Recipe large = RecipeFor({/*rows=*/50000, /*positives=*/5000, /*fields=*/20});
  EXPECT_EQ(large.knots, 128);
  EXPECT_EQ(large.settings.train().batch_size(), 256);
  EXPECT_NEAR(large.settings.train().average_decay(), 0.999, 1e-9);
  EXPECT_EQ(large.settings.embedding().slow_copy().decay(), large.settings.train().average_decay());
}

TEST(RecipeTest, PassesAreFewerWhereRowsAreMany) {
  EXPECT_EQ(RecipeFor({10000, 1000, 20}).settings.train().epochs(), 60);
  EXPECT_EQ(RecipeFor({400e3, 1e5, 20}).settings.train().epochs(), 6);
  EXPECT_EQ(RecipeFor({1e9, 1e8, 20}).settings.train().epochs(), 3);
  EXPECT_EQ(RecipeFor({10000, 1000, 20}).settings.model().distill().phase().fraction(), 20);
  EXPECT_EQ(RecipeFor({200e3, 1000, 20}).settings.model().distill().phase().fraction(), 4);
  EXPECT_EQ(RecipeFor({1e9, 1e8, 20}).settings.model().distill().phase().fraction(), 2);
}

TEST(RecipeTest, FewRowsAreLearnedLongerUnderAStrongerPullAndWithMoreHeldOut) {
  const proto::Experiment few = RecipeFor({600, 180, 20}).settings;
  const proto::Experiment some = RecipeFor({4000, 2000, 20}).settings;
  const proto::Experiment many = RecipeFor({30000, 10000, 20}).settings;
  EXPECT_EQ(few.train().epochs(), 200);
  EXPECT_EQ(some.train().epochs(), 75);
  EXPECT_EQ(many.train().epochs(), 60);
  EXPECT_GT(few.embedding().l2(), some.embedding().l2());
  EXPECT_GT(some.embedding().l2(), many.embedding().l2());
  RecipeInput ids{4000, 2000, 20};
  ids.distinct_ids = 3000;
  EXPECT_EQ(RecipeFor(ids).settings.embedding().l2(), many.embedding().l2()) << "ids tell";
  EXPECT_EQ(few.train().validation().share(), 0.25);
  EXPECT_EQ(some.train().validation().share(), 0.12);
  EXPECT_EQ(RecipeFor({4000, 3700, 20}).settings.train().validation().share(), 0.2)
      << "the rarer class counts";
  EXPECT_EQ(RecipeFor({30000, 100, 20}).settings.train().validation().share(), 0.25);
  EXPECT_EQ(RecipeFor({1e6, 100, 20}).settings.train().validation().share(), 0.03);
}

TEST(RecipeTest, RowsOrTheLastDayTellWhenToStop) {
  RecipeInput input{10000, 1000, 20};
  EXPECT_TRUE(RecipeFor(input).settings.train().validation().has_share());
  input.days = 1;
  EXPECT_TRUE(RecipeFor(input).settings.train().validation().has_share());
  input.days = 30;
  const Recipe daily = RecipeFor(input);
  EXPECT_EQ(daily.settings.train().window_days(), 30);
  EXPECT_EQ(daily.settings.train().validation().days(), 1);
  EXPECT_TRUE(daily.settings.train().validation().then_learn());
}

TEST(RecipeTest, LargeTablesArePulledAtWhereTheyAreRead) {
  RecipeInput input{1e6, 1e5, 20};
  input.distinct_ids = 1000;
  EXPECT_EQ(RecipeFor(input).settings.embedding().l2_scope(), proto::Embedding::TABLE);
  input.distinct_ids = 1e6;
  EXPECT_EQ(RecipeFor(input).settings.embedding().l2_scope(), proto::Embedding::TOUCHED);
}

TEST(RecipeTest, AHistoryGetsATransformer) {
  RecipeInput input{1e5, 1e4, 20};
  input.sequences = {{"viewed_in_order", "movie"}};
  const proto::Tower teacher = RecipeFor(input).settings.model().teacher();
  ASSERT_EQ(teacher.interaction_size(), 1);
  EXPECT_EQ(teacher.interaction(0).transformer().target(), "movie");
}

std::vector<int> Copies(const proto::Committee& committee) {
  std::vector<int> copies;
  for (const proto::CommitteeMember& member : committee.member()) copies.push_back(member.copies());
  return copies;
}

TEST(RecipeTest, ACommitteeTeachesWhereItsVectorsFit) {
  RecipeInput input{1e5, 1e4, 20};
  const proto::Committee committee = RecipeFor(input).settings.model().committee();
  EXPECT_EQ(Copies(committee), (std::vector<int>{3, 3, 2}));
  EXPECT_EQ(committee.weights(), proto::Committee::LEARNED);
  EXPECT_TRUE(RecipeFor(input).settings.model().distill().switches().own_embedding());
  input.distinct_ids = 1e6;
  EXPECT_EQ(Copies(RecipeFor(input).settings.model().committee()), (std::vector<int>{2, 1, 1}));
  input.fields = 100;
  EXPECT_EQ(Copies(RecipeFor(input).settings.model().committee()), (std::vector<int>{2, 2}))
      << "products of so many fields cost too much";
  input.distinct_ids = 5e6;
  EXPECT_FALSE(RecipeFor(input).settings.model().has_committee());
  EXPECT_TRUE(RecipeFor(input).settings.model().has_teacher());
}

TEST(MemoryEstimateTest, TablesGrowWithTheirRowsAndTheShuffleWithTheLog) {
  const proto::Experiment experiment = RecipeFor({1e5, 1e4, 20}).settings;
  const MemoryEstimate few = EstimateMemory(experiment, {{"user", 1000}}, 1e5);
  const MemoryEstimate many = EstimateMemory(experiment, {{"user", 1001000}}, 1e5);
  // Eight vectors of 8, and the student's of 16, each with two slots of Adam and the average, and the index.
  EXPECT_NEAR(many.tables - few.tables, 1e6 * ((8 * 8 + 16) * 4 * 4 + 40), 1e6);
  EXPECT_EQ(many.towers, few.towers);
  EXPECT_LT(EstimateMemory(experiment, {}, 1000).shuffle, few.shuffle);
}

}  // namespace
}  // namespace tandem
