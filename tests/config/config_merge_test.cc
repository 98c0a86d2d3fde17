// One configuration over another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/example.h"

namespace tandem {
namespace {

// `over` merged over `base`, in text.
std::string Merged(absl::string_view base, absl::string_view over) {
  proto::Experiment experiment = ParseExperiment(base, "base").value();
  const absl::Status status = MergeOver(ParseExperiment(over, "over").value(), &experiment);
  EXPECT_TRUE(status.ok()) << status;
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

TEST(ConfigMerge, AFormatReplacesAnother) {
  EXPECT_EQ(Merged("data { delimited { delimiter: ',' } }", "data { delimited { header: false } }"),
            "data { delimited { delimiter: \",\" header: false } }");
}

TEST(ConfigMerge, WhatIsClearedIsTakenFromEarlierFilesAlone) {
  EXPECT_EQ(Merged("model { student { linear: true mlp { hidden: [1, 2] dropout: 0.5 } } }",
                   "clear: 'model.student.mlp' model { student { mlp { hidden: 4 } } }"),
            "model { student { linear: true mlp { hidden: 4 } } }");
  EXPECT_EQ(Merged("train { epochs: 5 optimizer { ftrl { l1: 2 } } } feature { name: 'a' }",
                   "clear: 'train.epochs' clear: 'train.optimizer.ftrl' clear: 'feature'"),
            "train { optimizer { } }");
}

TEST(ConfigMerge, ClearingWhatIsNotSetSetsNothing) {
  EXPECT_EQ(Merged("data { path: 'x' }", "clear: ['model.student.mlp', 'train.optimizer.adam.lr', 'online']"),
            "data { path: \"x\" }");
}

TEST(ConfigMerge, AnUnknownKeyToClearIsAnError) {
  proto::Experiment over, experiment = Example();
  over.add_clear("model.student.mpl");
  EXPECT_EQ(MergeOver(over, &experiment).message(), "unknown field 'model.student.mpl'; did you mean 'mlp'?");
}

TEST(ConfigMerge, AnEmptyMessageIsSet) {
  EXPECT_EQ(Merged("", "model { teacher {} }"), "model { teacher { } }");
}

TEST(ConfigMerge, AValueEqualToTheDefaultWinsToo) {
  EXPECT_EQ(Merged("train { epochs: 5 }", "train { epochs: 1 }"), "train { epochs: 1 }");
}

TEST(ConfigMerge, OverItselfOrNothingChangesNothing) {
  proto::Experiment experiment = Example();
  ASSERT_TRUE(MergeOver(Example(), &experiment).ok());
  EXPECT_EQ(experiment.DebugString(), Example().DebugString());
  ASSERT_TRUE(MergeOver(proto::Experiment(), &experiment).ok());
  EXPECT_EQ(experiment.DebugString(), Example().DebugString());
}

}  // namespace
}  // namespace tandem
