// What a run remembers of its log's files, and what it says when they changed.
#include "src/train/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LogFilesTest : public SampleFilesTest {
 protected:
  LogFilesTest() {
    Write("april/01/a", "one\n");
    Write("april/01/b", "two\n");
    Write("april/02/a", "three\n");
  }
  Day First() const { return {"2026-04-01", {Path("april/01/a"), Path("april/01/b")}}; }
  Day Second() const { return {"2026-04-02", {Path("april/02/a")}}; }

  // What a run that has read the first day knows.
  proto::RunState Read() {
    proto::RunState state;
    LogFiles log(FileSystem::Default(), "shop", state);
    EXPECT_TRUE(log.Begin(First()).ok());
    EXPECT_TRUE(log.End(First()).ok());
    log.Note(First(), &state);
    log.Note(First(), &state);
    return state;
  }
  // Of a run that goes on from there.
  std::string Refusal(const proto::RunState& state, const Day& day) {
    LogFiles log(FileSystem::Default(), "shop", state);
    const absl::Status status = log.Begin(day);
    if (status.ok()) return "";
    EXPECT_EQ(ExitCode(status), kExitData);
    return std::string(status.message());
  }
};

TEST_F(LogFilesTest, ARecordHoldsNoPath) {
  const proto::RunState state = Read();
  ASSERT_EQ(state.log_file_size(), 2);
  EXPECT_EQ(state.log_file(0).path(), "a");
  EXPECT_EQ(state.log_file(1).path(), "b");
  EXPECT_EQ(state.log_file(1).bytes(), 4);
  EXPECT_EQ(state.log_file(1).day(), "2026-04-01");
  EXPECT_NE(state.log_file(0).hash(), state.log_file(1).hash());
  // What tells files apart stays.
  proto::RunState both;
  LogFiles log(FileSystem::Default(), "shop", both);
  const Day day{"", {Path("april/01/a"), Path("april/02/a")}};
  ASSERT_TRUE(log.Begin(day).ok());
  log.Note(day, &both);
  EXPECT_EQ(both.log_file(0).path(), "01/a");
  EXPECT_EQ(both.log_file(1).path(), "02/a");
}

TEST_F(LogFilesTest, TheSameLogIsFineWhereverItLies) {
  const proto::RunState state = Read();
  EXPECT_EQ(Refusal(state, First()), "");
  std::filesystem::rename(Path("april"), Path("archive"));
  Day moved = First();
  for (std::string& file : moved.files) file.replace(file.rfind("april"), 5, "archive");
  EXPECT_EQ(Refusal(state, moved), "");
}

TEST_F(LogFilesTest, AFileThatIsLongerShorterOrOtherIsNamed) {
  const proto::RunState state = Read();
  Write("april/01/b", "two\nmore\n");
  EXPECT_THAT(Refusal(state, First()), AllOf(HasSubstr(Path("april/01/b") + ": has changed"),
                                             HasSubstr("4 bytes then, 9 now"), HasSubstr("remove shop")));
  Write("april/01/b", "tw\n");
  EXPECT_THAT(Refusal(state, First()), HasSubstr("4 bytes then, 3 now"));
  Write("april/01/b", "TWO\n");
  EXPECT_THAT(Refusal(state, First()), HasSubstr("as many bytes, 4, but others"));
  Write("april/01/b", "two\n");
  EXPECT_EQ(Refusal(state, First()), "");
}

TEST_F(LogFilesTest, ADayThatWasReadKeepsItsFiles) {
  const proto::RunState state = Read();
  Day day = First();
  day.files.push_back(Write("april/01/c", "late\n"));
  EXPECT_THAT(Refusal(state, day), AllOf(HasSubstr("april/01/c: is new"), HasSubstr("2026-04-01")));
  day = First();
  day.files.pop_back();
  EXPECT_THAT(Refusal(state, day), AllOf(HasSubstr("b, a file of the log"), HasSubstr("is gone")));
}

TEST_F(LogFilesTest, ADayThatIsNotReachedMayStillArrive) {
  const proto::RunState state = Read();
  Write("april/02/a", "three\nand four\n");
  EXPECT_EQ(Refusal(state, Second()), "");
  const LogFiles log(FileSystem::Default(), "shop", state);
  EXPECT_TRUE(log.CheckSizes({First(), Second()}).ok());
}

TEST_F(LogFilesTest, SizesOfAllThatWasReadAreLookedAtWhenARunGoesOn) {
  const proto::RunState state = Read();
  Write("april/01/a", "one and more\n");
  const LogFiles log(FileSystem::Default(), "shop", state);
  EXPECT_THAT(std::string(log.CheckSizes({First(), Second()}).message()),
              HasSubstr("april/01/a: has changed"));
}

TEST_F(LogFilesTest, WhatIsWrittenWhileTheDayIsReadIsToldAtItsEnd) {
  LogFiles log(FileSystem::Default(), "shop", proto::RunState());
  ASSERT_TRUE(log.Begin(First()).ok());
  Write("april/01/a", "one\nmore\n");
  EXPECT_THAT(std::string(log.End(First()).message()), HasSubstr("while this run read it"));
}

TEST_F(LogFilesTest, TheFileSystemThatIsGivenIsTheOneThatIsAsked) {
  MemoryFileSystem fs;
  const Day day{"2026-04-01", {"box:/a"}};
  fs.Put("box:/a", "one\n");
  LogFiles log(fs, "shop", proto::RunState());
  ASSERT_TRUE(log.Begin(day).ok());
  ASSERT_TRUE(log.End(day).ok());
  ASSERT_TRUE((*fs.OpenForAppend("box:/a", 0))->Append("ONE\n").ok());
  EXPECT_THAT(std::string(log.End(day).message()), HasSubstr("as many bytes, 4, but others"));
  FaultyFileSystem faulty(fs);
  faulty.FailAt(0, FaultyFileSystem::Fault::kReadFails);
  EXPECT_EQ(ExitCode(LogFiles(faulty, "shop", proto::RunState()).Begin(day)), kExitData);
}

TEST_F(LogFilesTest, AFileThatWasOnlyTouchedIsTheSame) {
  LogFiles log(FileSystem::Default(), "shop", proto::RunState());
  ASSERT_TRUE(log.Begin(First()).ok());
  std::filesystem::last_write_time(Path("april/01/a"), std::filesystem::file_time_type::clock::now());
  EXPECT_TRUE(log.End(First()).ok());
  Write("april/01/a", "one\n");
  EXPECT_TRUE(log.Begin(First()).ok());
}

}  // namespace
}  // namespace tandem
