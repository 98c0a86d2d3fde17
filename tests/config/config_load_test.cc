// Reading configuration files: order, overrides, and where a fault is said to be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "tandem/status.h"
#include "tests/config/example.h"
#include "tests/support/faulty_file_system.h"

namespace tandem {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ParseError(absl::string_view text) {
  const absl::Status status = ParseExperiment(text, "a.pbtxt").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

// A folder of its own for a test, removed at the end.
class ConfigLoad : public ::testing::Test {
 protected:
  ConfigLoad() {
    std::string folder = ::testing::TempDir() + "/config_load_XXXXXX";
    CHECK(mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
  }
  ~ConfigLoad() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
};

TEST_F(ConfigLoad, FilesThenOverridesWinInOrder) {
  const std::string base = Write("base.pbtxt", "train { epochs: 1 batch_size: 10 seed: 7 }");
  const std::string over = Write("over.pbtxt", "train { epochs: 2 batch_size: 20 }");
  const auto experiment = LoadExperiment({base, over}, {"train.batch_size=30", "train.batch_size=40"});
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->train().seed(), 7u);
  EXPECT_EQ(experiment->train().epochs(), 2);
  EXPECT_EQ(experiment->train().batch_size(), 40);
}

TEST_F(ConfigLoad, NoFileAtAllIsTheDefaults) {
  const auto experiment = LoadExperiment({}, {});
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->embedding().dim(), 16);
}

TEST_F(ConfigLoad, AMissingFileIsNamedWithTheNearestOne) {
  Write("xdeepfm.pbtxt", "");
  const absl::Status status = LoadExperiment({folder_ + "/xdepfm.pbtxt"}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            folder_ + "/xdepfm.pbtxt: no such file; did you mean '" + folder_ + "/xdeepfm.pbtxt'?");
  EXPECT_EQ(LoadExperiment({"/nowhere/at/all.pbtxt"}, {}).status().message(),
            "/nowhere/at/all.pbtxt: no such file");
}

TEST_F(ConfigLoad, AFolderIsNoConfig) {
  EXPECT_THAT(LoadExperiment({folder_}, {}).status().message(), HasSubstr("is a folder"));
}

TEST_F(ConfigLoad, FilesAreReadThroughTheFileSystemThatIsGiven) {
  const std::string path = Write("small.pbtxt", "train { epochs: 3 }");
  FaultyFileSystem fs(FileSystem::Default());
  EXPECT_EQ(LoadExperiment({path}, {}, fs)->train().epochs(), 3);
  fs.FailAt(0, FaultyFileSystem::Fault::kCrash);
  EXPECT_FALSE(fs.RemoveAll(folder_ + "/elsewhere").ok());
  EXPECT_FALSE(LoadExperiment({path}, {}, fs).ok()) << "the file system is down";
}

TEST_F(ConfigLoad, AFaultInAFileSaysFileLineAndColumn) {
  const std::string path = Write("typo.pbtxt", "# a comment\ntrain {\n  batch_sise: 12\n}\n");
  EXPECT_EQ(LoadExperiment({path}, {}).status().message(),
            path + ":3:3: unknown field 'train.batch_sise'; did you mean 'batch_size'?");
}

TEST(ConfigParse, AnUnknownFieldIsFoundWhereverItStands) {
  EXPECT_EQ(ParseError("trian {}"), "a.pbtxt:1:1: unknown field 'trian'; did you mean 'train'?");
  EXPECT_EQ(ParseError("train { seed: 1\n  epoch   # so\n  : 2 }"),
            "a.pbtxt:2:3: unknown field 'train.epoch'; did you mean 'epochs'?");
  EXPECT_EQ(ParseError("model { teacher < interaction [ { fm {} }, { cin { layer: 3 } } ] > }"),
            "a.pbtxt:1:52: unknown field 'model.teacher.interaction.cin.layer'; did you mean 'layers'?");
  EXPECT_EQ(ParseError("data { path: 'dim' } dim: 3"),
            "a.pbtxt:1:22: unknown field 'dim'; did you mean 'embedding.dim'?");
}

TEST(ConfigParse, AKeyToClearIsCheckedWhereItStands) {
  EXPECT_TRUE(ParseExperiment("clear: ['model.student.mlp', 'feature', 'train.epochs']", "a.pbtxt").ok());
  EXPECT_EQ(ParseError("clear: 'train'\nclear: 'train.epoch'"),
            "a.pbtxt:2:1: clear: unknown field 'train.epoch'; did you mean 'epochs'?");
  EXPECT_EQ(
      ParseError("clear: 'train.student_steps'"),
      "a.pbtxt:1:1: clear: unknown field 'train.student_steps'; it is 'model.distill.replay.steps' now");
  EXPECT_EQ(
      ParseError("clear: 'model.teacher.interaction.cin'"),
      "a.pbtxt:1:1: clear: model.teacher.interaction is a list of messages, which is cleared as a whole");
  EXPECT_EQ(ParseError("clear: 'train.seed.low'"),
            "a.pbtxt:1:1: clear: train.seed is a value and has no field 'low'");
}

TEST(ConfigParse, AnUnknownFieldNearNothingListsTheKnownOnes) {
  EXPECT_EQ(ParseError("runtime { colour: 3 }"),
            "a.pbtxt:1:11: unknown field 'runtime.colour'; known: threads, log_every_steps, "
            "checkpoint_every_steps, "
            "keep_checkpoints, memory_limit");
}

TEST(ConfigParse, AnUnknownEnumValueNamesTheNearestAndAll) {
  EXPECT_EQ(ParseError("feature { name: 'age'\n dense { transform: LOGP } }"),
            "a.pbtxt:2:21: unknown value 'LOGP' of 'feature.dense.transform'; did you mean 'LOG1P'? "
            "accepted: NONE, "
            "LOG1P, STANDARDIZE");
  EXPECT_EQ(ParseError("model { method: 9 }"),
            "a.pbtxt:1:17: unknown value '9' of 'model.method'; accepted: CO_TRAIN, TEACHER_ALONE, "
            "STUDENT_ALONE, ROCKET_LAUNCHING, TWO_STAGE_KD, FEATURE_TRANSFER, TWO_STAGE_FULL");
}

TEST(ConfigParse, EveryOtherFaultHasItsPlace) {
  EXPECT_THAT(ParseError("train { epochs: many }"), StartsWith("a.pbtxt:1:17: Expected integer"));
  EXPECT_THAT(ParseError("train { epochs: 99999999999 }"), StartsWith("a.pbtxt:1:17: Integer out of range"));
  EXPECT_THAT(ParseError("train { epochs: 1 epochs: 2 }"), HasSubstr("specified multiple times"));
  EXPECT_THAT(ParseError("feature { sparse {} dense {} }"), HasSubstr("another member of oneof"));
  EXPECT_THAT(ParseError("data { path: \"open\n }"), StartsWith("a.pbtxt:1:"));
  EXPECT_EQ(ParseError("model { teacher {\n"),
            "a.pbtxt:2:1: the text ends within 'model.teacher'; a '}' is missing");
  EXPECT_THAT(ParseError("train { } }"), StartsWith("a.pbtxt:1:11: "));
  EXPECT_THAT(ParseError("train { [a.b]: 3 }"), StartsWith("a.pbtxt:1:"));
}

TEST(ConfigParse, DamagedTextIsAnErrorOrAConfigNeverACrash) {
  const std::string whole = ExperimentText(Example());
  const std::string bytes = "{}<>[]:,\"'#\\\n\t .-019azZ_\x80";
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (unsigned edits = random() % 4 + 1; edits > 0; --edits) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        default:
          text.insert(at, 1, bytes[random() % bytes.size()]);
      }
    }
    const absl::Status status = ParseExperiment(text, "a.pbtxt").status();
    if (status.ok()) continue;
    ASSERT_THAT(std::string(status.message()), ContainsRegex("^a.pbtxt:[1-9][0-9]*:[1-9][0-9]*: .")) << text;
  }
}

}  // namespace
}  // namespace tandem
