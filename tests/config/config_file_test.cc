// A run's stored configuration: its format, read before its keys.
#include "src/config/config_file.h"

#include <gtest/gtest.h>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

TEST(ConfigFileTest, IsAConfigurationLikeAnyOtherUnderALineWithItsFormat) {
  const std::string text = ConfigFileText(Example());
  EXPECT_EQ(text, "# tandem format 2\n" + ExperimentText(Example()));
  const absl::StatusOr<proto::Experiment> parsed = ParseExperiment(text, "config.pbtxt");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(ExperimentText(*parsed), ExperimentText(Example()));
}

TEST(ConfigFileTest, AnotherFormatIsRefusedBeforeItsKeysAreRead) {
  const absl::Status newer =
      ParseExperiment("# tandem format 3\nkey_of_tomorrow: 1\n", "run/config.pbtxt").status();
  EXPECT_EQ(ExitCode(newer), kExitModel);
  EXPECT_EQ(newer.message(),
            "run/config.pbtxt: was written by a newer Tandem (format 3, this one reads up to 2). "
            "Nothing was loaded.");
  EXPECT_EQ(ExitCode(ParseExperiment("# tandem format 1\n", "run/config.pbtxt").status()), kExitModel);
}

TEST(ConfigFileTest, WhatAPersonWroteNeedsNoLine) {
  EXPECT_TRUE(ParseExperiment("", "mine.pbtxt").ok());
  EXPECT_TRUE(ParseExperiment("# tandem formats well\ntrain { seed: 2 }", "mine.pbtxt").ok());
  EXPECT_TRUE(ParseExperiment("train { seed: 2 }  # tandem format 9", "mine.pbtxt").ok());
}

}  // namespace
}  // namespace tandem
