// A run's stored configuration: its format, read before its keys.
#include "src/config/config_file.h"

#include <gtest/gtest.h>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

TEST(ConfigFileTest, IsAConfigurationLikeAnyOtherUnderLinesWithItsFormatAndAChecksum) {
  const std::string text = ConfigFileText(Example());
  const std::string head = "# tandem format 2\n# checksum ";
  EXPECT_EQ(text.substr(0, head.size()), head);
  EXPECT_EQ(text.substr(text.find('\n', head.size()) + 1), ExperimentText(Example()));
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

TEST(ConfigFileTest, EveryFlippedBitOfItIsFound) {
  const std::string good = ConfigFileText(Example());
  EXPECT_TRUE(CheckConfigUnchanged(good, "run/config.pbtxt").ok());
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const absl::Status unchanged = CheckConfigUnchanged(bad, "run/config.pbtxt");
      const bool found = !unchanged.ok() || !ParseExperiment(bad, "run/config.pbtxt").ok();
      EXPECT_TRUE(found) << "bit " << bit << " of byte " << i;
    }
  }
}

TEST(ConfigFileTest, AnEditIsRefusedByTheFilesName) {
  std::string text = ConfigFileText(Example());
  text.replace(text.find("epochs: 1"), 9, "epochs: 2");
  const absl::Status edited = CheckConfigUnchanged(text, "run/config.pbtxt");
  EXPECT_EQ(ExitCode(edited), kExitModel);
  EXPECT_EQ(edited.message().substr(0, 31), "run/config.pbtxt: was edited, o");
  EXPECT_TRUE(CheckConfigUnchanged("# tandem format 2\n" + ExperimentText(Example()), "of before").ok());
}

}  // namespace
}  // namespace tandem
