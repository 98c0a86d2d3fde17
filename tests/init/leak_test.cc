// What one column alone says of the label, on profiles made by hand.
#include "src/init/leak.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

constexpr int kRows = 4000;

bool Positive(int row) { return row * 2654435761u % 1000 < 250; }

ColumnProfile Profile(const std::function<std::string(int row)>& cell) {
  ColumnProfile profile("x");
  for (int row = 0; row < kRows; ++row) {
    const std::string text = cell(row);
    if (text.empty()) {
      profile.AddAbsent({row, Positive(row)});
    } else {
      profile.AddCell(text, {row, Positive(row)});
    }
  }
  return profile;
}

TEST(LeakTest, ACopyOfTheLabelExplainsItWhole) {
  const OneColumnScore score = ScoreColumn(Profile([](int row) { return Positive(row) ? "yes" : "no"; }));
  EXPECT_GT(score.auc, 0.999);
  EXPECT_GT(score.explained, 0.98);
  EXPECT_EQ(score.positives + score.negatives, kRows);
  EXPECT_EQ(score.positives, 1000);
  EXPECT_TRUE(IsLeakLike(score));
}

TEST(LeakTest, AColumnOfChanceExplainsNothingWhateverItsValues) {
  const OneColumnScore few = ScoreColumn(Profile([](int row) { return absl::StrCat("v", row / 7 % 5); }));
  EXPECT_NEAR(few.auc, 0.5, 0.06);
  EXPECT_LT(few.explained, 0.01);
  EXPECT_FALSE(IsLeakLike(few));
  const OneColumnScore own = ScoreColumn(Profile([](int row) { return absl::StrCat("id", row); }));
  EXPECT_NEAR(own.auc, 0.5, 0.06) << "a value of one row says nothing of other rows";
  EXPECT_FALSE(IsLeakLike(own));
}

// Every row has a number of its own: only their order tells the label.
TEST(LeakTest, NumbersAreReadByTheirOrderWhereThatSaysMore) {
  const ColumnProfile profile =
      Profile([](int row) { return absl::StrCat(Positive(row) ? 100000 + row : row); });
  EXPECT_LT(ScoreValues(profile).explained, 0.05);
  EXPECT_GT(ScoreBins(profile, 40).explained, 0.8);
  const OneColumnScore score = ScoreColumn(profile);
  EXPECT_GT(score.explained, 0.8);
  EXPECT_GT(score.auc, 0.99);
}

// A moment that is there only where the label is 1.
TEST(LeakTest, ThatThereIsAValueMayTellTheLabel) {
  const OneColumnScore score =
      ScoreColumn(Profile([](int row) { return Positive(row) ? absl::StrCat("at", row) : std::string(); }));
  EXPECT_TRUE(IsLeakLike(score)) << score.auc << " " << score.explained;
}

TEST(LeakTest, FewRowsOfAClassProveNothing) {
  EXPECT_TRUE(IsLeakLike({0.999, 0.9, 20, 20}));
  EXPECT_FALSE(IsLeakLike({0.999, 0.9, 19, 2000}));
  EXPECT_FALSE(IsLeakLike({0.999, 0.9, 2000, 19}));
  EXPECT_FALSE(IsLeakLike({0.98, 0.9, 2000, 2000}));
  EXPECT_FALSE(IsLeakLike({0.999, 0.8, 2000, 2000}));
}

TEST(LeakTest, WhatOneHalfSaysTheOtherMustConfirm) {
  EXPECT_TRUE(TellsNothing(Profile([](int row) { return absl::StrCat("id", row / 2); })));
  EXPECT_FALSE(TellsNothing(Profile([](int row) { return Positive(row) || row % 3 == 0 ? "a" : "b"; })));
}

TEST(LeakTest, OrderAndValuesAreTwoReadingsOfANumber) {
  // A number whose value is a code: neighbours have nothing in common.
  const OrderOrValues codes = CompareOrderAndValues(
      Profile([](int row) { return absl::StrCat(2 * (row % 50) + (Positive(row) ? 1 : 0)); }), 5);
  EXPECT_TRUE(codes.values_better);
  EXPECT_GT(codes.by_values, codes.by_order + 0.5);
  const OrderOrValues order = CompareOrderAndValues(
      Profile([](int row) { return absl::StrCat(Positive(row) ? 5000 + row : row); }), 20);
  EXPECT_FALSE(order.values_better);
  EXPECT_GT(order.by_order, 0.8);
}

}  // namespace
}  // namespace tandem
