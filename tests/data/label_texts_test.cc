// What the text of a label means.
#include "src/data/label_texts.h"

#include <gtest/gtest.h>

#include <optional>

namespace tandem {
namespace {

TEST(LabelTextsTest, WithoutTextsALabelIsANumberThatIs0Or1InAnySpelling) {
  const LabelTexts labels({}, {});
  EXPECT_TRUE(labels.plain());
  EXPECT_EQ(labels.Read("1"), true);
  EXPECT_EQ(labels.Read("1.0"), true);
  EXPECT_EQ(labels.Read("0e5"), false);
  EXPECT_EQ(labels.Read("2"), std::nullopt);
  EXPECT_EQ(labels.Read("yes"), std::nullopt);
  EXPECT_EQ(labels.Read("nan"), std::nullopt);
}

TEST(LabelTextsTest, WherePositiveAloneIsSetEveryOtherTextMeans0) {
  const LabelTexts labels({"yes", "2"}, {});
  EXPECT_FALSE(labels.plain());
  EXPECT_EQ(labels.Read("yes"), true);
  EXPECT_EQ(labels.Read("2.00"), true) << "a number in another spelling";
  EXPECT_EQ(labels.Read("1"), false);
  EXPECT_EQ(labels.Read("Yes"), false) << "texts are bytes";
}

TEST(LabelTextsTest, WithNegativeTextsAllOthersAreNoLabelsButFor0And1) {
  const LabelTexts labels({"yes"}, {"no", "-1"});
  EXPECT_EQ(labels.Read("yes"), true);
  EXPECT_EQ(labels.Read("no"), false);
  EXPECT_EQ(labels.Read("-1.0"), false);
  EXPECT_EQ(labels.Read("perhaps"), std::nullopt);
  EXPECT_EQ(labels.Read("1"), true);
  EXPECT_EQ(LabelTexts({}, {"no"}).Read("yes"), std::nullopt);
}

TEST(LabelTextsTest, ATextGoesBeforeTheNumberThatItIs) {
  const LabelTexts labels({"0"}, {"1", "0.0"});
  EXPECT_EQ(labels.Read("0"), true);
  EXPECT_EQ(labels.Read("1"), false);
  EXPECT_EQ(labels.Read("0.0"), false) << "named as it stands";
  EXPECT_EQ(labels.Read("0.00"), true) << "the number of `positive`'s text";
}

}  // namespace
}  // namespace tandem
