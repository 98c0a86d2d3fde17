// Names that are written aside: unique, locked, removed only where their writer is gone.
#include "src/util/aside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FileSystem& fs() { return FileSystem::Default(); }

std::vector<std::string> Names(const std::string& directory) { return fs().List(directory).value(); }

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(Aside, ItsNameIsNobodyElses) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) names.insert(AsidePath("runs/b"));
  EXPECT_THAT(names, SizeIs(1000));
  for (const std::string& name : names) {
    EXPECT_EQ(name.substr(0, 9), "runs/tmp-");
    EXPECT_TRUE(IsAside(name.substr(5))) << name;
  }
  for (const char* other :
       {"tmp-b", "tmp-b.tandem-", "tmp-b.tandem-0123456789abcde", "b.tandem-0123456789abcdef",
        "tmp-b.tandem-0123456789abcdeg", "tmp-b-0123456789abcdef", "tmp-0123456789abcdef"}) {
    EXPECT_FALSE(IsAside(other)) << other;
  }
}

TEST(Aside, WhatAUserCallsTmpIsNeverTouched) {
  const ScratchDirectory scratch;
  ASSERT_TRUE(fs().CreateDirectories(scratch / "tmp-b").ok());
  Write(scratch / "tmp-b/mine", "text");
  Write(scratch / "tmp-scores.tsv", "text");
  {
    absl::StatusOr<Aside> directory = Aside::Directory(fs(), scratch / "b");
    absl::StatusOr<Aside> file = Aside::File(fs(), scratch / "scores.tsv");
    ASSERT_TRUE(directory.ok() && file.ok());
    EXPECT_TRUE(directory->Commit().ok());
  }
  EXPECT_THAT(Names(scratch.path()), ElementsAre("b", "tmp-b", "tmp-scores.tsv"));
  EXPECT_TRUE(fs().Exists(scratch / "tmp-b/mine"));
}

TEST(Aside, WhatIsNotCommittedIsRemoved) {
  const ScratchDirectory scratch;
  {
    const absl::StatusOr<Aside> aside = Aside::Directory(fs(), scratch / "b");
    ASSERT_TRUE(aside.ok());
    Write(aside->path() + "/file", "text");
  }
  EXPECT_THAT(Names(scratch.path()), IsEmpty());
}

TEST(Aside, OfTwoDirectoriesTheFirstKeepsThePlaceAndTheOtherIsTold) {
  const ScratchDirectory scratch;
  absl::StatusOr<Aside> first = Aside::Directory(fs(), scratch / "b"),
                        second = Aside::Directory(fs(), scratch / "b");
  ASSERT_TRUE(first.ok() && second.ok());
  Write(first->path() + "/of", "first");
  Write(second->path() + "/of", "second");
  EXPECT_TRUE(first->Commit().ok());
  const absl::Status status = second->Commit();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("never overwritten"));
  EXPECT_EQ(fs().ReadFile(scratch / "b/of").value(), "first");
}

TEST(Aside, AWriterAtWorkIsNoOrphan) {
  const ScratchDirectory scratch;
  const absl::StatusOr<Aside> file = Aside::File(fs(), scratch / "a"),
                              directory = Aside::Directory(fs(), scratch / "b");
  ASSERT_TRUE(file.ok() && directory.ok());
  RemoveOrphans(fs(), scratch.path());
  EXPECT_THAT(Names(scratch.path()), SizeIs(2));
}

// A process that is killed while it writes `path`.
void WriteAndDie(const std::string& path, bool directory) {
  const pid_t child = fork();
  if (child == 0) {
    const absl::StatusOr<Aside> aside = directory ? Aside::Directory(fs(), path) : Aside::File(fs(), path);
    if (aside.ok() && directory) Write(aside->path() + "/half", "a file");
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(Aside, WhatAKilledWriterLeftTheNextOneRemoves) {
  const ScratchDirectory scratch;
  WriteAndDie(scratch / "a", false);
  WriteAndDie(scratch / "b", true);
  const std::vector<std::string> left = Names(scratch.path());
  ASSERT_THAT(left, SizeIs(1)) << "the second one has removed what the first one left";
  ASSERT_TRUE(IsAside(left[0]));
  absl::StatusOr<Aside> next = Aside::File(fs(), scratch / "c");
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(next->Commit().ok());
  EXPECT_THAT(Names(scratch.path()), ElementsAre("c"));
}

TEST(Aside, ALinkThatAKilledWriterLeftIsRemoved) {
  const ScratchDirectory scratch;
  ASSERT_TRUE(fs().CreateLink(AsidePath(scratch / "published"), "bundles/step-1").ok());
  ASSERT_TRUE(fs().CreateLink(scratch / "tmp-mine", "bundles/step-1").ok());
  RemoveOrphans(fs(), scratch.path());
  EXPECT_THAT(Names(scratch.path()), ElementsAre("tmp-mine"));
}

TEST(Aside, WritersAndCleanUpsAtOnceLoseNothing) {
  const ScratchDirectory scratch;
  constexpr int kThreads = 4, kRounds = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string name = "d" + std::to_string(t) + "-" + std::to_string(round);
        absl::StatusOr<Aside> aside = Aside::Directory(fs(), scratch / name);
        ASSERT_TRUE(aside.ok()) << aside.status();
        Write(aside->path() + "/content", name);
        RemoveOrphans(fs(), scratch.path());
        const absl::Status status = aside->Commit();
        ASSERT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Names(scratch.path()), SizeIs(kThreads * kRounds));
  for (const std::string& name : Names(scratch.path()))
    EXPECT_EQ(fs().ReadFile(scratch / (name + "/content")).value(), name);
}

}  // namespace
}  // namespace tandem
