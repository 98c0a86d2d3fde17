// What a misspelt name may have meant.
#include "src/util/nearest_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem {
namespace {

TEST(NearestName, FindsTyposButNotStrangers) {
  const std::vector<std::string> known = {"batch_size", "epochs", "l2", "lr", "hidden", "weight_decay"};
  EXPECT_EQ(NearestName("batch_sise", known), "batch_size");
  EXPECT_EQ(NearestName("EPOCHS", known), "epochs");
  EXPECT_EQ(NearestName("epcohs", known), "epochs");
  EXPECT_EQ(NearestName("l1", known), "l2");
  EXPECT_EQ(NearestName("hidden_layers", known), "hidden");
  EXPECT_EQ(NearestName("decay", known), "weight_decay");
  EXPECT_EQ(NearestName("xy", known), "");
  EXPECT_EQ(NearestName("colour", known), "");
  EXPECT_EQ(NearestName("", known), "");
  EXPECT_EQ(NearestName("epochs", {}), "");
}

TEST(DidYouMean, ListsWhatIsKnownWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("usr", {"user", "movie"}), "; did you mean 'user'?");
  EXPECT_EQ(DidYouMean("colour", {"user", "movie"}), "; known: user, movie");
  EXPECT_EQ(DidYouMean("colour", {}), "");
  EXPECT_THAT(DidYouMean("colour", std::vector<std::string>(21, "x")), ::testing::EndsWith("x, ..."));
}

}  // namespace
}  // namespace tandem
