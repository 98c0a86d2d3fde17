// The lines of days, what is read back of them, and that they are there whole or not at all.
#include "src/daily/day_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class DayLedgerTest : public SampleFilesTest {
 protected:
  DayLedgerTest() { EXPECT_TRUE(fs_.CreateDirectories(Path("run")).ok()); }
  static DayLedger::Json Line(const std::string& date, bool published) {
    DayLedger::Json line = {{"date", date}, {"published", published}};
    line["reasons"] = published ? DayLedger::Json::array() : DayLedger::Json::array({"too few rows"});
    return line;
  }

  FaultyFileSystem fs_{FileSystem::Default()};
};

TEST_F(DayLedgerTest, WhatWasAddedIsReadBackAndTheLastThatPassedIsInPlace) {
  DayLedger ledger(fs_, Path("run"));
  ASSERT_TRUE(ledger.Read("2026-01-01").ok()) << "nothing is there yet";
  EXPECT_EQ(ledger.Published(), "");
  ASSERT_TRUE(ledger.Add(Line("2026-01-01", true)).ok());
  ASSERT_TRUE(ledger.Add(Line("2026-01-02", false)).ok());
  EXPECT_EQ(ledger.Published(), "2026-01-01");

  DayLedger again(fs_, Path("run"));
  ASSERT_TRUE(again.Read("2026-01-01").ok());
  ASSERT_EQ(again.days().size(), 2u);
  EXPECT_EQ(again.Published(), "2026-01-01");
  EXPECT_EQ(again.Count([](const DayLedger::Json& day) { return day["date"] == "2026-01-02"; }), 1);
  const std::string lines = FileBytes(Path("run/days.jsonl")), page = FileBytes(Path("run/days.md"));
  ASSERT_TRUE(again.Write().ok());
  EXPECT_EQ(FileBytes(Path("run/days.jsonl")), lines);
  EXPECT_EQ(FileBytes(Path("run/days.md")), page);
}

TEST_F(DayLedgerTest, AnotherFirstDateADamagedLineAndAnotherFormatAreRefused) {
  const auto fault = [&](const std::string& lines) {
    Write("run/days.jsonl", lines);
    return DayLedger(fs_, Path("run")).Read("2026-01-01");
  };
  EXPECT_EQ(ExitCode(fault("{\"date\":\"2026-01-02\",\"format\":2}\n")), kExitUsage);
  EXPECT_THAT(std::string(fault("{\"date\":").message()), HasSubstr("days.jsonl: not a line of days: {"));
  EXPECT_THAT(std::string(fault("{\"date\":\"2026-01-01\",\"format\":3}\n").message()),
              HasSubstr("a newer Tandem"));
  EXPECT_THAT(std::string(fault("{\"date\":\"2026-01-01\"}\n").message()), HasSubstr("an older Tandem"));
}

TEST_F(DayLedgerTest, ACrashLeavesTheLinesOfBeforeOrAllAndPagesFollowThem) {
  for (int64_t operation = 0;; ++operation) {
    ASSERT_TRUE(fs_.RemoveAll(Path("run")).ok());
    ASSERT_TRUE(fs_.CreateDirectories(Path("run")).ok());
    DayLedger ledger(fs_, Path("run"));
    ASSERT_TRUE(ledger.Add(Line("2026-01-01", true)).ok());
    fs_.FailAt(operation, FaultyFileSystem::Fault::kCrash);
    const absl::Status added = ledger.Add(Line("2026-01-02", true));
    const bool reached = fs_.failed();
    fs_.Restart();
    EXPECT_EQ(added.ok(), !reached);
    DayLedger again(fs_, Path("run"));
    ASSERT_TRUE(again.Read("2026-01-01").ok());
    ASSERT_GE(again.days().size(), 1u);
    ASSERT_TRUE(again.Write().ok());
    EXPECT_THAT(FileBytes(Path("run/days.md")), HasSubstr(again.Published()));
    if (!reached) {
      EXPECT_EQ(again.days().size(), 2u);
      break;
    }
  }
}

}  // namespace
}  // namespace tandem
