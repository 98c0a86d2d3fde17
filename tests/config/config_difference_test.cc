// What a run that is resumed is told of a configuration that isn't its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

std::string Differing(const std::string& a, const std::string& b) {
  return ConfigDifferences(ParseExperiment(a, "a").value(), ParseExperiment(b, "b").value(), "a", "b");
}

TEST(ConfigDifferencesTest, AllAreTold) {
  EXPECT_EQ(Differing("train { seed: 1 batch_size: 64 } embedding { dim: 8 }",
                      "train { seed: 2 batch_size: 32 } embedding { dim: 8 }"),
            "a has train.batch_size 64, b 32; train.seed 1, b 2");
  EXPECT_EQ(Differing("train { seed: 1 }", "train { seed: 1 }"), "");
  EXPECT_EQ(Differing("runtime { threads: 1 } daily { gate { min_auc: 0.5 } }",
                      "runtime { threads: 2 } daily { gate { min_auc: 0.6 } }"),
            "")
      << "no trained bit depends on these";
}

TEST(ConfigDifferencesTest, ASectionStandsForWhatIsInIt) {
  EXPECT_EQ(Differing("model { teacher { mlp { hidden: 8 } } }", "model { teacher { linear: true } }"),
            "a has model.teacher.linear false, b true; model.teacher.mlp (a section), b none");
  EXPECT_EQ(Differing("embedding { optimizer { sgd {} } }", "embedding { optimizer { ftrl {} } }"),
            "a has embedding.optimizer.sgd (a section), b none; no embedding.optimizer.ftrl, b (a section)");
}

TEST(ConfigDifferencesTest, EntriesOfListsAreToldApart) {
  EXPECT_EQ(Differing("feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }",
                      "feature { name: 'user' sparse {} } feature { name: 'brand' sparse {} }"),
            "a has feature[1].name \"item\", b \"brand\"");
  EXPECT_EQ(Differing("feature { name: 'user' sparse {} }",
                      "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }"),
            "a has no feature[1], b (a section)");
}

TEST(ConfigDifferencesTest, OfManyTheRestIsCounted) {
  EXPECT_THAT(
      Differing("",
                "train { window_days: 1 epochs: 2 batch_size: 3 shard_rows: 4 shuffle_rows: 5 seed: 6 l2: 7 "
                "weight_decay: 8 clip_norm: 9 average_decay: 0.5 }"),
      testing::EndsWith("; and 2 more"));
}

}  // namespace
}  // namespace tandem
