// When a student that learns online starts over from a newer base.
#include "src/online/base_follower.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "src/util/links.h"
#include "tandem/model_directory.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

// Two checkpoints, "one" and "two", and the link "latest", to "one".
class BaseFollowerTest : public testing::Test {
 protected:
  BaseFollowerTest() {
    for (const auto& [name, steps] : {std::make_pair("one", 1), {"two", 2}}) {
      WriteTrainedCheckpoint(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"), steps,
                             scratch_ / name);
    }
    Point("one");
  }
  void Point(const std::string& target) const {
    EXPECT_TRUE(PointLink(fs_, scratch_ / "latest", target).ok());
  }
  std::string IdOf(const std::string& name) const { return FindBase(fs_, scratch_ / name)->id; }
  BaseFollower Follow(const std::string& name, bool replays = true) {
    BaseFollower follower(fs_, clock_, scratch_ / name, replays);
    follower.Taken();
    return follower;
  }

  FileSystem& fs_ = FileSystem::Default();
  ManualClock clock_;
  const ScratchDirectory scratch_;
};

TEST_F(BaseFollowerTest, ALinkThatLeadsToAnotherModelGivesIt) {
  BaseFollower follower = Follow("latest");
  EXPECT_TRUE(follower.follows());
  EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
  Point("two");
  clock_.Advance(BaseFollower::kLookSeconds);
  const std::optional<Base> next = follower.Look(IdOf("one"));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->id, IdOf("two"));
  follower.Taken();
  clock_.Advance(60);
  EXPECT_FALSE(follower.Look(IdOf("two")).has_value());
}

TEST_F(BaseFollowerTest, ItLooksOnceASecond) {
  BaseFollower follower = Follow("latest");
  EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
  Point("two");
  clock_.Advance(BaseFollower::kLookSeconds / 2);
  EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
  clock_.Advance(BaseFollower::kLookSeconds / 2);
  EXPECT_TRUE(follower.Look(IdOf("one")).has_value());
}

TEST_F(BaseFollowerTest, TheSameModelElsewhereIsNoNewBase) {
  std::filesystem::copy(scratch_ / "one", scratch_ / "copy");
  BaseFollower follower = Follow("latest");
  Point("copy");
  EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
}

TEST_F(BaseFollowerTest, OneThatCantBeReadIsLookedAtAgain) {
  BaseFollower follower = Follow("latest");
  Point("unfinished");
  EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
  std::filesystem::copy(scratch_ / "two", scratch_ / "unfinished");
  clock_.Advance(BaseFollower::kLookSeconds);
  EXPECT_TRUE(follower.Look(IdOf("one")).has_value());
}

TEST_F(BaseFollowerTest, WhatCantBeReplayedIsOnlyAnnounced) {
  BaseFollower follower = Follow("latest", /*replays=*/false);
  Point("two");
  for (int look = 0; look < 2; ++look) {
    EXPECT_FALSE(follower.Look(IdOf("one")).has_value());
    clock_.Advance(BaseFollower::kLookSeconds);
  }
}

TEST_F(BaseFollowerTest, ADirectoryStaysForEver) {
  BaseFollower follower = Follow("one");
  EXPECT_FALSE(follower.follows());
  EXPECT_FALSE(follower.Look("another id").has_value());
}

TEST(RewindTo, TheFirstDayFromTheCutOnIsReadAgain) {
  proto::OnlineState state;
  for (int day = 0; day < 3; ++day) {
    proto::OnlineState::DayStart& start = *state.add_day_start();
    start.set_time(86400.0 * day);
    start.set_offset(1000 * day);
    start.set_numbers(10 * day);
  }
  state.set_offset(5000);
  state.set_numbers(50);
  Base base;
  RewindTo(base, &state);
  EXPECT_EQ(state.offset(), 5000) << "a base without days has no cut";
  base.cut = 86400 * 3;
  RewindTo(base, &state);
  EXPECT_EQ(state.offset(), 5000) << "no such day was met yet";
  base.cut = 86400 - 1;
  RewindTo(base, &state);
  EXPECT_EQ(state.offset(), 1000);
  EXPECT_EQ(state.numbers(), 10);
}

}  // namespace
}  // namespace tandem
