// What the axes of a parameter block stand for.
#include "tandem/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(AxisTest, HasTheSizeOfAllItsGroups) {
  EXPECT_EQ(Axis(7).size(), 7);
  EXPECT_EQ(Axis::OfFields(3, 4).size(), 12);
  EXPECT_EQ(Axis::Owned({{1}, {4}, {}}, 5).size(), 15);
  EXPECT_EQ(Axis::Join({Axis(7), Axis::OfFields(3, 4)}).size(), 19);
  EXPECT_EQ(Axis::Owned({}, 4).size(), 0);
}

TEST(AxisTest, AnIndexGoesWithItsField) {
  // Before: a, b. Now: b, a new one, a.
  const std::vector<int> field_before = {1, -1, 0};
  EXPECT_THAT(IndicesBefore(Axis::OfFields(2, 2), Axis::OfFields(3, 2), field_before),
              Optional(ElementsAre(2, 3, -1, -1, 0, 1)));
  // And back again: a field that goes takes its indices along.
  EXPECT_THAT(IndicesBefore(Axis::OfFields(3, 2), Axis::OfFields(2, 2), {2, 0}),
              Optional(ElementsAre(4, 5, 0, 1)));
}

TEST(AxisTest, AnIndexOfTwoFieldsIsNewWithEither) {
  const auto pairs = [](int fields, int floats) {
    std::vector<std::vector<int>> owners;
    for (int i = 0; i < fields; ++i) {
      for (int j = i + 1; j < fields; ++j) owners.push_back({i, j});
    }
    return Axis::Owned(owners, floats);
  };
  // (0, 1) (0, 2) (1, 2) of b, a new one, a: only (b, a) was there, as (a, b).
  EXPECT_THAT(IndicesBefore(pairs(2, 1), pairs(3, 1), {1, -1, 0}), Optional(ElementsAre(-1, 0, -1)));
  EXPECT_THAT(IndicesBefore(pairs(3, 2), pairs(2, 2), {2, 0}), Optional(ElementsAre(2, 3)));
}

TEST(AxisTest, WhatBelongsToNoFieldStays) {
  const Axis before = Axis::Join({Axis(2), Axis::OfFields(1, 2)});
  const Axis after = Axis::Join({Axis(2), Axis::OfFields(2, 2)});
  EXPECT_THAT(IndicesBefore(before, after, {-1, 0}), Optional(ElementsAre(0, 1, -1, -1, 2, 3)));
}

TEST(AxisTest, SegmentsAreNotMixedUp) {
  const Axis before = Axis::Join({Axis::OfFields(1, 2), Axis::OfFields(2, 2)});
  const Axis after = Axis::Join({Axis::OfFields(1, 2), Axis::OfFields(1, 2)});
  EXPECT_THAT(IndicesBefore(before, after, {0}), Optional(ElementsAre(0, 1, 2, 3)));
}

TEST(AxisTest, GroupsOfTheSameOwnersGoOnInTheirOrder) {
  EXPECT_THAT(IndicesBefore(Axis::Owned({{0}, {1}, {0}}, 1), Axis::Owned({{0}, {1}, {1}, {0}}, 1), {1, 0}),
              testing::Eq(std::nullopt))
      << "field 0 of before has two groups where field 1 of now, which it is, has two; field 1 had one";
  EXPECT_THAT(IndicesBefore(Axis::Owned({{0}, {1}, {0}}, 1), Axis::Owned({{1}, {0}, {1}}, 1), {1, 0}),
              Optional(ElementsAre(0, 1, 2)));
}

TEST(AxisTest, ADifferenceThatIsNotOfFieldsIsAnotherArchitecture) {
  const auto fits = [](const Axis& before, const Axis& after) {
    return IndicesBefore(before, after, {0, 1}).has_value();
  };
  EXPECT_FALSE(fits(Axis(4), Axis(3)));
  EXPECT_FALSE(fits(Axis(3), Axis(4)));
  EXPECT_FALSE(fits(Axis(8), Axis::OfFields(2, 4)));
  EXPECT_FALSE(fits(Axis::OfFields(2, 4), Axis(8)));
  EXPECT_FALSE(fits(Axis::OfFields(2, 4), Axis::OfFields(2, 3)));
  EXPECT_FALSE(fits(Axis::Join({Axis(2), Axis(2)}), Axis(4)));
  EXPECT_FALSE(fits(Axis::OfFields(1, 4), Axis::OfFields(2, 4))) << "a field that both have, but one reads";
  EXPECT_TRUE(fits(Axis::OfFields(2, 4), Axis::OfFields(1, 4))) << "a layer may read fewer";
}

TEST(AxisDeathTest, AnEmptyPlainAxisIsAProgrammersError) { EXPECT_DEATH(Axis(0), ""); }

}  // namespace
}  // namespace tandem
