// Quarantine: malformed rows are counted, reported, set aside, and judged.
#include "tandem/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class QuarantineTest : public SampleFilesTest {
 protected:
  QuarantineTest() { std::filesystem::create_directories(Path("run")); }
  std::string Directory() const { return Path("run/quarantine"); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Directory()))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(QuarantineTest, RowsComeUnderTheFilesHeader) {
  Quarantine quarantine(FileSystem::Default(), Directory(), 1);
  EXPECT_TRUE(quarantine.BeginFile("logs/2000-11-20.tsv.gz", "label\tuser\n").ok());
  quarantine.GoodRows(5);
  const std::string bytes("2\t\xff\0\n", 5);
  EXPECT_TRUE(quarantine.BadRow(7, RowFault::kLabel, "label '2'", bytes).ok());
  EXPECT_TRUE(quarantine.BadRow(8, RowFault::kColumnCount, "1 columns", "\n").ok());
  EXPECT_TRUE(quarantine.EndFile().ok());
  EXPECT_EQ(FileBytes(Directory() + "/2000-11-20.tsv"), "label\tuser\n" + bytes + "\n");
  EXPECT_EQ(quarantine.rows_read(), 7);
  EXPECT_EQ(quarantine.rows_bad(), 2);
  EXPECT_EQ(FaultCounts(quarantine.by_fault()), "column count 1, label 1");
}

TEST_F(QuarantineTest, AFileWithoutMalformedRowsLeavesNothing) {
  Quarantine quarantine(FileSystem::Default(), Directory(), 0);
  EXPECT_TRUE(quarantine.BeginFile("a.tsv", "label").ok());
  quarantine.GoodRows(5);
  EXPECT_TRUE(quarantine.EndFile().ok());
  EXPECT_FALSE(std::filesystem::exists(Directory()));
}

TEST_F(QuarantineTest, WhatAnEarlierReadingLeftIsReplaced) {
  for (int reading = 0; reading < 2; ++reading) {
    Quarantine quarantine(FileSystem::Default(), Directory(), 1);
    EXPECT_TRUE(quarantine.BeginFile("a.tsv", "").ok());
    EXPECT_TRUE(quarantine.BadRow(1, RowFault::kLabel, "", "row\n").ok());
    EXPECT_TRUE(quarantine.EndFile().ok());
    EXPECT_EQ(FileBytes(Directory() + "/a.tsv"), "row\n");
  }
  Quarantine repaired(FileSystem::Default(), Directory(), 1);
  EXPECT_TRUE(repaired.BeginFile("a.tsv", "").ok());
  repaired.GoodRows(1);
  EXPECT_TRUE(repaired.EndFile().ok());
  EXPECT_TRUE(Names().empty());
}

TEST_F(QuarantineTest, FilesOfOtherFoldersAndDaysKeepTheirOwn) {
  const std::pair<const char*, const char*> cases[] = {
      {"logs/2000-11-20.tsv.gz", "2000-11-20.tsv"},
      {"/data/2024/2000-11-21.tsv.zst", "2000-11-21.tsv"},
      {"logs/dt=2000-11-20/part-00000.gz", "dt=2000-11-20_part-00000"},
      {"logs/dt=2000-11-21/part-00000.gz", "dt=2000-11-21_part-00000"},
      {"dt=20001122/hour=01/part-0", "dt=20001122_hour=01_part-0"},
      {"logs/2000/11/20/part-0.tsv", "2000_11_20_part-0.tsv"},
      {"logs/2000/12/20/part-0.tsv", "2000_12_20_part-0.tsv"},
      {"clicks/a.tsv", "a.tsv"},
      {"views/a.tsv", "a.tsv-2"},
      {"views/a.tsv.gz", "a.tsv-3"},
      {"-", "standard-input"},
  };
  for (int reading = 0; reading < 2; ++reading) {
    Quarantine quarantine(FileSystem::Default(), Directory(), 1);
    for (const auto& [file, name] : cases) {
      EXPECT_TRUE(quarantine.BeginFile(file, "").ok());
      EXPECT_TRUE(quarantine.BadRow(1, RowFault::kLabel, "", absl::StrCat(file, "\n")).ok());
      EXPECT_TRUE(quarantine.EndFile().ok());
    }
    EXPECT_EQ(Names().size(), std::size(cases));
    for (const auto& [file, name] : cases) {
      ASSERT_TRUE(std::filesystem::exists(absl::StrCat(Directory(), "/", name))) << name;
      EXPECT_EQ(FileBytes(absl::StrCat(Directory(), "/", name)), absl::StrCat(file, "\n"));
    }
  }
}

// Begins a file and reads rows, bad ones last.
absl::Status ReadFile(Quarantine* quarantine, int good, int bad, const std::string& file = "a.tsv") {
  TANDEM_RETURN_IF_ERROR(quarantine->BeginFile(file, ""));
  quarantine->GoodRows(good);
  for (int row = 0; row < bad; ++row) {
    TANDEM_RETURN_IF_ERROR(
        quarantine->BadRow(good + row + 1, RowFault::kLabel, "label 'x' is not 0 or 1", "x\n"));
  }
  return quarantine->EndFile();
}

TEST_F(QuarantineTest, ASmallFileIsJudgedAtItsEnd) {
  Quarantine quarantine(FileSystem::Default(), "", 0.01);
  EXPECT_TRUE(ReadFile(&quarantine, 99, 1).ok()) << "not more than the share";
  EXPECT_TRUE(quarantine.BeginFile("b.tsv", "").ok());
  EXPECT_TRUE(quarantine.BadRow(2, RowFault::kLabel, "label 'x' is not 0 or 1", "x\n").ok())
      << "too early to judge";
  quarantine.GoodRows(98);
  const absl::Status status = quarantine.EndFile();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("b.tsv: 1 of 99 rows"), HasSubstr("label 1"), HasSubstr("max_bad_fraction 0.01"),
            HasSubstr("the first is b.tsv:2: label 'x' is not 0 or 1")));
}

TEST_F(QuarantineTest, ALargeFileIsJudgedFromAThousandRowsOn) {
  Quarantine quarantine(FileSystem::Default(), "", 0.01);
  EXPECT_TRUE(quarantine.BeginFile("a.tsv", "").ok());
  for (int row = 0; row < 20; ++row) EXPECT_TRUE(quarantine.BadRow(row, RowFault::kNumber, "", "").ok());
  quarantine.GoodRows(978);
  EXPECT_TRUE(quarantine.BadRow(999, RowFault::kNumber, "", "").ok());
  EXPECT_TRUE(quarantine.JudgeSoFar().ok()) << "999 rows";
  EXPECT_TRUE(quarantine.BadRow(1000, RowFault::kNumber, "", "").ok());
  const absl::Status status = quarantine.JudgeSoFar();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a.tsv: 22 of 1,000 rows"));

  Quarantine borderline(FileSystem::Default(), "", 0.01);
  EXPECT_TRUE(ReadFile(&borderline, 990, 10).ok());
  EXPECT_FALSE(ReadFile(&borderline, 989, 11).ok());
}

TEST_F(QuarantineTest, EveryFileIsJudgedByItself) {
  Quarantine quarantine(FileSystem::Default(), "", 0.5);
  EXPECT_TRUE(ReadFile(&quarantine, 1000, 0).ok());
  EXPECT_FALSE(ReadFile(&quarantine, 1, 2).ok()) << "good rows of another file are no excuse";
  EXPECT_EQ(quarantine.rows_read(), 1003);
  EXPECT_EQ(quarantine.rows_bad(), 2);
}

TEST_F(QuarantineTest, TheBorderlineIsExact) {
  for (int percent = 1; percent < 100; ++percent) {
    const double fraction = std::stod(absl::StrCat("0.", percent < 10 ? "0" : "", percent));
    Quarantine quarantine(FileSystem::Default(), "", fraction);
    EXPECT_TRUE(ReadFile(&quarantine, 100 - percent, percent).ok()) << percent;
    EXPECT_FALSE(ReadFile(&quarantine, 99 - percent, percent).ok()) << percent;
  }
  Quarantine none(FileSystem::Default(), "", 0);
  EXPECT_TRUE(ReadFile(&none, 0, 0).ok()) << "an empty file has no bad share";
  EXPECT_FALSE(ReadFile(&none, 1000000, 1).ok());
  Quarantine all(FileSystem::Default(), "", 1);
  EXPECT_TRUE(ReadFile(&all, 0, 2000).ok());
}

TEST_F(QuarantineTest, AQuarantineThatCannotBeWrittenIsAnInternalError) {
  Quarantine quarantine(FileSystem::Default(), Write("file", "") + "/quarantine", 1);
  const absl::Status status = quarantine.BeginFile("a.tsv", "");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/file"));
}

TEST_F(QuarantineTest, ReportsAreLimited) {
  testing::internal::CaptureStderr();
  Quarantine quarantine(FileSystem::Default(), Directory(), 1);
  EXPECT_TRUE(ReadFile(&quarantine, 0, 500).ok());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log,
              AllOf(HasSubstr("a.tsv:1: label 'x' is not 0 or 1; row set aside in " + Directory() + "/a.tsv"),
                    HasSubstr("500 of 500 rows are malformed")));
  EXPECT_LT(std::count(log.begin(), log.end(), '\n'), 16) << log;
}

// Whatever operation fails: an error, never a row that is lost unsaid.
TEST_F(QuarantineTest, AFailingFileSystemIsSaid) {
  for (int64_t operation = 0;; ++operation) {
    std::filesystem::remove_all(Directory());
    FaultyFileSystem fs(FileSystem::Default());
    fs.FailAt(operation, FaultyFileSystem::Fault::kFail);
    Quarantine quarantine(fs, Directory(), 1);
    const absl::Status status = ReadFile(&quarantine, 1, 2);
    if (!fs.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_EQ(FileBytes(Directory() + "/a.tsv"), "x\nx\n");
      EXPECT_GT(operation, 4);
      break;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << operation;
  }
}

TEST_F(QuarantineTest, WhatWasSetAsideIsThereWhenTheRunIsGivenUp) {
  {
    Quarantine quarantine(FileSystem::Default(), Directory(), 0);
    ASSERT_TRUE(quarantine.BeginFile("a.tsv", "").ok());
    quarantine.GoodRows(1000);
    EXPECT_TRUE(quarantine.BadRow(7, RowFault::kLabel, "label '2'", "2\n").ok());
    EXPECT_FALSE(quarantine.JudgeSoFar().ok());
  }
  EXPECT_EQ(FileBytes(Directory() + "/a.tsv"), "2\n");
}

}  // namespace
}  // namespace tandem
