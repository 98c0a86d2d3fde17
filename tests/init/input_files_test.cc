// Files are named by one path: with {date} where their names differ by a day.
#include "src/init/input_files.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InputFilesTest : public SampleFilesTest {
 protected:
  InputFiles Found(const std::vector<std::string>& patterns) {
    const auto input = FindInput(FileSystem::Default(), patterns);
    EXPECT_TRUE(input.ok()) << input.status();
    return input.ok() ? *input : InputFiles();
  }
};

TEST_F(InputFilesTest, DaysInNamesBecomeADate) {
  for (const char* day : {"2026-01-01", "2026-01-02", "2026-01-04"})
    Write(absl::StrCat(day, ".tsv"), "a\tb\n");
  Write("holdout.tsv", "a\tb\n");
  const InputFiles input = Found({Path("*.tsv")});
  EXPECT_EQ(input.path, Path("{date}.tsv"));
  EXPECT_THAT(input.days, ElementsAre("2026-01-01", "2026-01-02", "2026-01-04"));
  EXPECT_EQ(input.files.size(), 3u);
  EXPECT_THAT(input.passed_over, ElementsAre(Path("holdout.tsv")));
  EXPECT_EQ(Found({Path("{date}.tsv")}).path, input.path);
}

TEST_F(InputFilesTest, ADayMayBeWrittenOtherwiseAndStandInFolders) {
  for (const char* name : {"20260101/part-0.csv", "20260101/part-1.csv", "20260102/part-0.csv"})
    Write(name, "a,b\n");
  const InputFiles input = Found({Path("*/part-*.csv")});
  EXPECT_EQ(input.path, Path("{date:%Y%m%d}/part-*.csv"));
  EXPECT_EQ(input.files.size(), 3u);
}

TEST_F(InputFilesTest, OneFileIsOneDataSetWhateverItsName) {
  Write("clicks-2026-01-01.csv", "a,b\n");
  const InputFiles input = Found({Path("clicks-2026-01-01.csv")});
  EXPECT_EQ(input.path, Path("clicks-2026-01-01.csv"));
  EXPECT_THAT(input.days, IsEmpty());
}

TEST_F(InputFilesTest, SeveralPathsBecomeTheGlobThatNamesThemAlone) {
  Write("part-a.csv", "a,b\n");
  Write("part-b.csv", "a,b\n");
  EXPECT_EQ(Found({Path("part-a.csv"), Path("part-b.csv")}).path, Path("part-*.csv"));
  Write("part-c.csv", "a,b\n");
  const auto input = FindInput(FileSystem::Default(), {Path("part-a.csv"), Path("part-b.csv")});
  EXPECT_EQ(ExitCode(input.status()), kExitUsage);
  EXPECT_THAT(std::string(input.status().message()), HasSubstr("folder of their own"));
}

TEST_F(InputFilesTest, NumbersThatAreNoDaysStayInTheName) {
  Write("run-20261399.csv", "a,b\n");
  Write("run-20261398.csv", "a,b\n");
  EXPECT_THAT(Found({Path("run-*.csv")}).days, IsEmpty());
}

TEST_F(InputFilesTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(ExitCode(FindInput(FileSystem::Default(), {Path("none*.csv")}).status()), kExitData);
  EXPECT_EQ(ExitCode(FindInput(FileSystem::Default(), {"-"}).status()), kExitUsage);
}

}  // namespace
}  // namespace tandem
