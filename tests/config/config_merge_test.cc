#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/example.h"

namespace tandem {
namespace {

// `over` merged over `base`, in text.
std::string Merged(absl::string_view base, absl::string_view over) {
  proto::Experiment experiment = ParseExperiment(base, "base").value();
  MergeOver(ParseExperiment(over, "over").value(), &experiment);
  return experiment.ShortDebugString();
}

TEST(ConfigMerge, SingularMessagesMerge) {
  EXPECT_EQ(Merged("train { epochs: 2 seed: 3 }", "train { seed: 4 } runtime { threads: 1 }"),
            "train { epochs: 2 seed: 4 } runtime { threads: 1 }");
}

TEST(ConfigMerge, ARepeatedFieldReplacesTheWhole) {
  EXPECT_EQ(Merged("model { student { mlp { hidden: [1, 2, 3] dropout: 0.5 } } }",
                   "model { student { mlp { hidden: 4 } } }"),
            "model { student { mlp { hidden: 4 dropout: 0.5 } } }");
  EXPECT_EQ(Merged("feature { name: 'a' sparse {} } feature { name: 'b' }", "feature { name: 'c' }"),
            "feature { name: \"c\" }");
}

TEST(ConfigMerge, ARepeatedFieldThatIsNotSetStays) {
  EXPECT_EQ(Merged("data { missing_value: 'NA' }", "data { path: 'x' }"),
            "data { path: \"x\" missing_value: \"NA\" }");
}

TEST(ConfigMerge, AOneofArmReplacesAnotherAndMergesWithItself) {
  EXPECT_EQ(Merged("train { optimizer { adam { lr: 0.5 } } }", "train { optimizer { ftrl { l1: 2 } } }"),
            "train { optimizer { ftrl { l1: 2 } } }");
  EXPECT_EQ(
      Merged("train { optimizer { adam { lr: 0.5 } } }", "train { optimizer { adam { beta1: 0.25 } } }"),
      "train { optimizer { adam { lr: 0.5 beta1: 0.25 } } }");
}

TEST(ConfigMerge, AnEmptyMessageIsSet) {
  EXPECT_EQ(Merged("", "model { teacher {} }"), "model { teacher { } }");
}

TEST(ConfigMerge, AValueEqualToTheDefaultWinsToo) {
  EXPECT_EQ(Merged("train { epochs: 5 }", "train { epochs: 1 }"), "train { epochs: 1 }");
}

TEST(ConfigMerge, OverItselfOrNothingChangesNothing) {
  proto::Experiment experiment = Example();
  MergeOver(Example(), &experiment);
  EXPECT_EQ(experiment.DebugString(), Example().DebugString());
  MergeOver(proto::Experiment(), &experiment);
  EXPECT_EQ(experiment.DebugString(), Example().DebugString());
}

}  // namespace
}  // namespace tandem
