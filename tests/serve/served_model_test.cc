// A served model: one version in place, others loaded beside it and swapped in while requests are under way.
#include "tandem/served_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/util/links.h"
#include "tandem/export.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

class ServedModelTest : public testing::Test {
 protected:
  ServedModelTest() {
    WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/3, one_);
    WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/9, two_);
    EXPECT_TRUE(ExportBundle(FileSystem::Default(), one_, scratch_ / "bundle-one", {}).ok());
    EXPECT_TRUE(ExportBundle(FileSystem::Default(), two_, scratch_ / "bundle-two", {}).ok());
  }

  std::vector<float> ScoresOf(const Predictor& version) const {
    Scores scores;
    EXPECT_TRUE(version.Score(RandomBatch(version.schema(), 40, 17), &scores).ok());
    return scores.student;
  }
  static void Damage(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(100);
    const char byte = static_cast<char>(file.get() ^ 0x40);
    file.seekp(100);
    file.put(byte);
  }

  ScratchDirectory scratch_;
  const std::string one_ = scratch_ / "one", two_ = scratch_ / "two";
};

TEST_F(ServedModelTest, ServesACheckpointAndABundleWithTheBitsOfAPredictor) {
  PredictorOptions options;
  options.towers = TowerChoice::kStudent;
  for (const std::string& model : {one_, scratch_ / "bundle-one"}) {
    const auto served = ServedModel::Open(model, options);
    ASSERT_TRUE(served.ok()) << served.status();
    EXPECT_EQ(ScoresOf(*(*served)->current()), ScoresOf(*Predictor::Load(model, options).value())) << model;
  }
}

TEST_F(ServedModelTest, AVersionKnowsWhichModelItIs) {
  const auto checkpoint = ServedModel::Open(one_, {}),
             bundle = ServedModel::Open(scratch_ / "bundle-one", {}),
             other = ServedModel::Open(scratch_ / "bundle-two", {});
  ASSERT_TRUE(checkpoint.ok() && bundle.ok() && other.ok());
  EXPECT_EQ((*checkpoint)->current()->model_id(), (*bundle)->current()->model_id());
  EXPECT_NE((*other)->current()->model_id(), (*bundle)->current()->model_id());
}

TEST_F(ServedModelTest, WhoHoldsAVersionScoresWithItToTheEndAndTheLastOneFreesIt) {
  const auto served = ServedModel::Open(scratch_ / "bundle-one", {});
  ASSERT_TRUE(served.ok()) << served.status();
  std::shared_ptr<const Predictor> held = (*served)->current();
  const std::weak_ptr<const Predictor> watched = held;
  const std::vector<float> before = ScoresOf(*held);
  ASSERT_TRUE((*served)->Swap(scratch_ / "bundle-two").ok());
  EXPECT_EQ(ScoresOf(*held), before);
  EXPECT_NE(ScoresOf(*(*served)->current()), before);
  EXPECT_NE((*served)->current()->model_id(), held->model_id());
  held.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(ServedModelTest, AModelThatFailsVerificationLeavesTheOldOneServing) {
  const auto served = ServedModel::Open(scratch_ / "bundle-one", {});
  ASSERT_TRUE(served.ok()) << served.status();
  const std::shared_ptr<const Predictor> before = (*served)->current();
  Damage(scratch_ / "bundle-two/embedding.bin");
  EXPECT_EQ(ExitCode((*served)->Swap(scratch_ / "bundle-two")), kExitModel);
  EXPECT_EQ((*served)->current(), before);
  EXPECT_EQ(ExitCode((*served)->Swap(scratch_ / "nowhere")), kExitModel);
  EXPECT_EQ((*served)->current(), before);
  EXPECT_EQ(ExitCode(ServedModel::Open(scratch_ / "bundle-two", {}).status()), kExitModel);
}

TEST_F(ServedModelTest, RefreshFollowsALinkAndOnlyThat) {
  const std::string link = scratch_ / "published";
  ASSERT_TRUE(PointLink(FileSystem::Default(), link, "bundle-one").ok());
  const auto served = ServedModel::Open(link, {});
  ASSERT_TRUE(served.ok()) << served.status();
  const std::shared_ptr<const Predictor> first = (*served)->current();
  EXPECT_FALSE((*served)->Refresh().value());
  EXPECT_EQ((*served)->current(), first);

  // A target that can't be read is an error each time, and the first model stays.
  ASSERT_TRUE(PointLink(FileSystem::Default(), link, "bundle-none").ok());
  EXPECT_EQ(ExitCode((*served)->Refresh().status()), kExitModel);
  EXPECT_EQ(ExitCode((*served)->Refresh().status()), kExitModel);
  EXPECT_EQ((*served)->current(), first);

  ASSERT_TRUE(PointLink(FileSystem::Default(), link, "bundle-two").ok());
  EXPECT_TRUE((*served)->Refresh().value());
  EXPECT_NE((*served)->current()->model_id(), first->model_id());
  EXPECT_FALSE((*served)->Refresh().value());

  // Named without a link there is nothing to follow.
  const auto fixed = ServedModel::Open(scratch_ / "bundle-one", {});
  ASSERT_TRUE(fixed.ok()) << fixed.status();
  EXPECT_FALSE((*fixed)->Refresh().value());
}

TEST_F(ServedModelTest, SwappedUnderLoadEveryRequestIsOfOneVersion) {
  const auto served = ServedModel::Open(scratch_ / "bundle-one", {});
  ASSERT_TRUE(served.ok()) << served.status();
  std::map<std::string, std::vector<float>> expected;
  for (const char* bundle : {"bundle-one", "bundle-two"}) {
    const auto version = Predictor::Load(scratch_ / bundle, {});
    ASSERT_TRUE(version.ok()) << version.status();
    expected[(*version)->model_id()] = ScoresOf(**version);
  }
  ASSERT_EQ(expected.size(), 2u);
  std::atomic<bool> stop{false};
  std::atomic<int> scored{0}, wrong{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&] {
      while (!stop) {
        const std::shared_ptr<const Predictor> version = (*served)->current();
        if (ScoresOf(*version) != expected.at(version->model_id())) ++wrong;
        ++scored;
      }
    });
  }
  for (int swap = 0; swap < 20; ++swap)
    EXPECT_TRUE((*served)->Swap(scratch_ / (swap % 2 == 0 ? "bundle-two" : "bundle-one")).ok());
  while (scored < 100) std::this_thread::yield();
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ServedModelTest, AModelIsReadThroughTheFileSystemItIsGiven) {
  FaultyFileSystem fs(FileSystem::Default());
  PredictorOptions options;
  options.file_system = &fs;
  ASSERT_TRUE(ServedModel::Open(scratch_ / "bundle-one", options).ok());
  fs.FailAt(0, FaultyFileSystem::Fault::kCrash);
  EXPECT_FALSE(fs.RemoveAll(scratch_ / "anything").ok());
  for (const std::string& model : {one_, scratch_ / "bundle-one"})
    EXPECT_FALSE(ServedModel::Open(model, options).ok()) << model;
}

}  // namespace
}  // namespace tandem
