// Where the time went, by stage.
#include "src/util/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "src/util/machine_peak.h"
#include "tests/support/manual_clock.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void Spend(Stage stage, int milliseconds, int64_t units) {
  StageTimer timer(stage, units);
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

nlohmann::json Find(const nlohmann::json& profile, const std::string& stage) {
  for (const nlohmann::json& entry : profile["stages"]) {
    if (entry["stage"] == stage) return entry;
  }
  return nullptr;
}

TEST(ProfileTest, ATimerWithoutAProfileDoesNothing) {
  EXPECT_EQ(Profile::Current(), nullptr);
  Spend(Stage::kGather, 0, 1);
  Profile profile(ProfiledCommand::kTrain, 1, {});
  EXPECT_EQ(Profile::Current(), &profile);
  EXPECT_TRUE(nlohmann::json::parse(profile.Json())["stages"].empty());
}

TEST(ProfileTest, StagesAddUpOverCallsAndThreads) {
  Profile profile(ProfiledCommand::kTrain, 2, {1e9, 1e9});
  profile.SetCost(Stage::kGather, {10, 100});
  Spend(Stage::kGather, 2, 3);
  std::thread other([] { Spend(Stage::kGather, 4, 5); });
  other.join();
  const nlohmann::json json = nlohmann::json::parse(profile.Json());
  EXPECT_EQ(json["format"], 2);
  EXPECT_EQ(json["command"], "train");
  EXPECT_EQ(json["threads"], 2);
  const nlohmann::json gather = Find(json, "gather");
  EXPECT_EQ(gather["calls"], 2);
  EXPECT_EQ(gather["units"], 8);
  EXPECT_EQ(gather["flops"], 80);
  EXPECT_EQ(gather["bytes"], 800);
  EXPECT_GE(gather["seconds"].get<double>(), 0.006);
  EXPECT_GE(json["seconds"].get<double>(), gather["seconds"].get<double>());
}

TEST(ProfileTest, TimesAreThoseOfTheClock) {
  ManualClock clock;
  const Profile profile(ProfiledCommand::kTrain, 1, {}, clock);
  for (int call = 0; call < 2; ++call) {
    const StageTimer timer(Stage::kGather, 1);
    clock.Advance(0.25);
  }
  clock.Advance(1);
  const nlohmann::json json = nlohmann::json::parse(profile.Json());
  EXPECT_EQ(Find(json, "gather")["seconds"], 0.5);
  EXPECT_EQ(json["seconds"], 1.5);
}

TEST(ProfileTest, AStageWithinAnotherIsCountedOnce) {
  ManualClock clock;
  Profile profile(ProfiledCommand::kTrain, 1, {}, clock);
  {
    StageTimer progress(Stage::kProgress);
    clock.Advance(1);
    {
      StageTimer checkpoint(Stage::kCheckpoint);
      clock.Advance(2);
      StageTimer update(Stage::kEmbeddingUpdate);
      clock.Advance(4);
    }
    clock.Advance(8);
    {
      StageTimer checkpoint(Stage::kCheckpoint);
      clock.Advance(16);
    }
  }
  const nlohmann::json json = nlohmann::json::parse(profile.Json());
  EXPECT_EQ(Find(json, "progress")["seconds"], 9);
  EXPECT_EQ(Find(json, "checkpoint")["seconds"], 18);
  EXPECT_EQ(json["seconds"], 31);
  // Of shards a profile takes what its workers did, elsewhere.
  {
    StageTimer shards(Stage::kShards);
    StageTimer gather(Stage::kGather);
    clock.Advance(32);
  }
  EXPECT_EQ(Find(nlohmann::json::parse(profile.Json()), "shards")["seconds"], 32);
}

TEST(ProfileTest, UnitsMayComeAtTheEnd) {
  const Profile profile(ProfiledCommand::kPredict, 1, {});
  {
    StageTimer timer(Stage::kRead, 1);
    timer.AddUnits(41);
  }
  EXPECT_EQ(Find(nlohmann::json::parse(profile.Json()), "read")["units"], 42);
}

// A thread outlives a profile: its record must not be the old one's.
TEST(ProfileTest, EveryProfileStartsFromZero) {
  for (int round = 0; round < 3; ++round) {
    const Profile profile(ProfiledCommand::kTrain, 1, {});
    Spend(Stage::kLoss, 0, 7);
    EXPECT_EQ(Find(nlohmann::json::parse(profile.Json()), "loss")["units"], 7);
  }
}

TEST(ProfileTest, TheTableNamesStagesAndSharesOfThePeak) {
  Profile profile(ProfiledCommand::kTrain, 1, {1e9, 0});
  profile.SetCost(Stage::kTeacherForward, {1e6, 0});
  Spend(Stage::kTeacherForward, 5, 1);
  Spend(Stage::kRead, 1, 1);
  const std::string table = profile.Table();
  EXPECT_THAT(table, HasSubstr("teacher forward"));
  EXPECT_THAT(table, HasSubstr("everything else"));
  EXPECT_THAT(table, HasSubstr("in all                      100.0 %"));
  EXPECT_THAT(table, HasSubstr("beside it"));
  EXPECT_THAT(table, Not(HasSubstr("student"))) << "a stage without a call";
  EXPECT_THAT(table, Not(HasSubstr("nan")));
  EXPECT_THAT(table, Not(HasSubstr("inf")));
}

TEST(ProfileTest, ParsingIsAWorkersStageWhenPredicting) {
  for (const ProfiledCommand command : {ProfiledCommand::kTrain, ProfiledCommand::kPredict}) {
    const Profile profile(command, 1, {});
    Spend(Stage::kParse, 1, 1);
    if (command == ProfiledCommand::kTrain) {
      EXPECT_THAT(profile.Table(), HasSubstr("beside it"));
    } else {
      EXPECT_THAT(profile.Table(), Not(HasSubstr("beside it")));
    }
  }
}

TEST(MachinePeakTest, IsThatOfAProcessorOfThisCentury) {
  const MachinePeak peak = MeasureMachinePeak(1, /*wide=*/false);
#if defined(__x86_64__)
  EXPECT_GT(peak.flops, 1e9);
  EXPECT_LT(peak.flops, 1e12);
#endif
  EXPECT_GT(peak.bytes, 1e8);
  EXPECT_LT(peak.bytes, 1e12);
}

}  // namespace
}  // namespace tandem
