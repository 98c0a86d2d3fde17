// Finding sample files: dates, globs, windows.
#include "tandem/day_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DayFilesTest : public SampleFilesTest {
 protected:
  // "2000-11-30: a b; 2000-12-01: c", names below the test's folder.
  std::string Shown(const absl::StatusOr<std::vector<Day>>& days) const {
    if (!days.ok()) return std::string(days.status().message());
    std::vector<std::string> parts;
    for (const Day& day : *days) {
      std::vector<std::string> files;
      for (const std::string& file : day.files) files.push_back(file.substr(Path("").size()));
      parts.push_back(absl::StrCat(day.date, ": ", absl::StrJoin(files, " ")));
    }
    return absl::StrJoin(parts, "; ");
  }
  std::vector<std::string> missing_;
};

TEST_F(DayFilesTest, EveryDayOfARangeHasItsFilesAndMissingDaysAreTold) {
  Write("2000-11-29.tsv", "");
  Write("2000-11-30.tsv", "");
  Write("2000-12-02.tsv", "");
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("{date}.tsv"), "2000-11-30", "2000-12-02", &missing_)),
            "2000-11-30: 2000-11-30.tsv; 2000-12-02: 2000-12-02.tsv");
  EXPECT_THAT(missing_, ElementsAre("2000-12-01"));
}

TEST_F(DayFilesTest, AWindowIsTheDaysThatEndOnADay) {
  for (const char* day : {"2000-02-27", "2000-02-28", "2000-02-29", "2000-03-01"})
    Write(absl::StrCat(day, ".tsv"), "");
  EXPECT_EQ(Shown(FindWindow(FileSystem::Default(), Path("{date}.tsv"), "2000-03-01", 3, &missing_)),
            "2000-02-28: 2000-02-28.tsv; 2000-02-29: 2000-02-29.tsv; 2000-03-01: 2000-03-01.tsv");
  EXPECT_THAT(missing_, IsEmpty());
  EXPECT_EQ(Shown(FindWindow(FileSystem::Default(), Path("{date}.tsv"), "2000-03-01", 1, &missing_)),
            "2000-03-01: 2000-03-01.tsv");
}

TEST_F(DayFilesTest, ADateMayHaveAFormatStandInAFolderAndStandTwice) {
  Write("dt=20001130/part-0", "");
  Write("dt=20001130/part-1", "");
  Write("2000/11/30/2000-11-30.tsv", "");
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("dt={date:%Y%m%d}/part-*"), "2000-11-30", "2000-11-30",
                           &missing_)),
            "2000-11-30: dt=20001130/part-0 dt=20001130/part-1");
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("{date:%Y}/{date:%m}/{date:%d}/{date}.tsv"),
                           "2000-11-30", "2000-11-30", &missing_)),
            "2000-11-30: 2000/11/30/2000-11-30.tsv");
}

TEST_F(DayFilesTest, FilesOfADayAreInNameOrder) {
  for (const char* name : {"b", "B", "a", "10", "9", "_"}) Write(absl::StrCat("2000-11-30/", name), "");
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("{date}/*"), "2000-11-30", "2000-11-30", &missing_)),
            "2000-11-30: 2000-11-30/10 2000-11-30/9 2000-11-30/B 2000-11-30/_ 2000-11-30/a 2000-11-30/b");
}

TEST_F(DayFilesTest, APathWithoutADateIsOneDay) {
  Write("x1", "");
  Write("x2", "");
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("x?"), "", "", &missing_)), ": x1 x2");
  EXPECT_EQ(Shown(FindWindow(FileSystem::Default(), Path("x[1]"), "", 30, &missing_)), ": x1");
  EXPECT_TRUE(HasDate("a/{date}"));
  EXPECT_TRUE(HasDate("{date:%Y%m%d}/x"));
  EXPECT_FALSE(HasDate("a/date.tsv"));
}

TEST_F(DayFilesTest, NoFileAtAllIsADataErrorThatSaysWhatWasLookedFor) {
  const absl::Status window =
      FindWindow(FileSystem::Default(), Path("{date}.tsv"), "2000-12-01", 30, &missing_).status();
  EXPECT_EQ(ExitCode(window), kExitData);
  EXPECT_THAT(std::string(window.message()),
              AllOf(HasSubstr("2000-11-02..2000-12-01"), HasSubstr(Path("{date}.tsv")),
                    HasSubstr(Path("2000-12-01.tsv"))));
  const absl::Status whole = FindDays(FileSystem::Default(), Path("x*"), "", "", &missing_).status();
  EXPECT_EQ(ExitCode(whole), kExitData);
  EXPECT_THAT(std::string(whole.message()), HasSubstr(Path("x*")));
}

TEST_F(DayFilesTest, MalformedDatesAreConfigErrors) {
  for (const char* date :
       {"", "2000-12", "2000-13-01", "2000-02-30", "2000-1-2", "01.12.2000", "2000-12-01x", " 2000-12-01"}) {
    const absl::Status status =
        FindDays(FileSystem::Default(), Path("{date}"), "2000-01-01", date, &missing_).status();
    EXPECT_EQ(ExitCode(status), kExitUsage) << date;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("end_date"), HasSubstr(absl::StrCat("'", date, "'"))));
  }
  EXPECT_EQ(ExitCode(FindDays(FileSystem::Default(), Path("{date}"), "x", "2000-01-01", &missing_).status()),
            kExitUsage);
  EXPECT_EQ(
      ExitCode(
          FindDays(FileSystem::Default(), Path("{date}"), "2000-01-02", "2000-01-01", &missing_).status()),
      kExitUsage);
}

TEST_F(DayFilesTest, MalformedPatternsAreConfigErrors) {
  for (const char* pattern : {"{date", "{date:}", "{date:%Y", "{dates}", "{date%Y}"}) {
    const absl::Status status =
        FindDays(FileSystem::Default(), Path(pattern), "2000-01-01", "2000-01-02", &missing_).status();
    EXPECT_EQ(ExitCode(status), kExitUsage) << pattern;
    EXPECT_THAT(std::string(status.message()), HasSubstr(pattern));
  }
}

TEST_F(DayFilesTest, APatternThatNamesAFileForTwoDaysIsAConfigError) {
  Write("2000-11", "");
  const absl::Status status =
      FindDays(FileSystem::Default(), Path("{date:%Y-%m}"), "2000-11-01", "2000-11-02", &missing_).status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("2000-11-01 and 2000-11-02"), HasSubstr("%d")));
}

TEST_F(DayFilesTest, AListOfGlobsKeepsItsOrder) {
  Write("a1", "");
  Write("a2", "");
  Write("b", "");
  Write("odd[1]", "");
  Write("x,1", "");
  Write("x,2", "");
  const auto found = FindFiles(FileSystem::Default(),
                               {Path("b"), "-", Path("a*"), Path("odd[1]"), Path("x,1"), Path("x,[2]")});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found,
              ElementsAre(Path("b"), "-", Path("a1"), Path("a2"), Path("odd[1]"), Path("x,1"), Path("x,2")));
  const absl::Status absent = FindFiles(FileSystem::Default(), {Path("b"), Path("c*")}).status();
  EXPECT_EQ(ExitCode(absent), kExitData);
  EXPECT_THAT(std::string(absent.message()), HasSubstr(Path("c*")));
  EXPECT_EQ(ExitCode(FindFiles(FileSystem::Default(), {}).status()), kExitData);
}

TEST_F(DayFilesTest, AFileOfSeveralNamesIsReadOnceAndTold) {
  Write("may-1", "");
  Write("may-2", "");
  std::filesystem::create_symlink("may-2", Path("newest"));
  testing::internal::CaptureStderr();
  const auto found =
      FindFiles(FileSystem::Default(), {Path("may-*"), Path("may-1"), Path("./may-2"), Path("newest")});
  const std::string told = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, ElementsAre(Path("may-1"), Path("may-2")));
  EXPECT_THAT(told, AllOf(HasSubstr(Path("may-1") + " is named twice"),
                          HasSubstr(Path("newest") + " is the same file as " + Path("may-2"))));
  EXPECT_EQ(Shown(FindDays(FileSystem::Default(), Path("*"), "", "", &missing_)), ": may-1 may-2");
  EXPECT_EQ(ExitCode(FindFiles(FileSystem::Default(), {"-", "-"}).status()), kExitUsage);
}

TEST_F(DayFilesTest, DaysAreToldAsRanges) {
  EXPECT_EQ(DayRanges({}), "");
  EXPECT_EQ(DayRanges({"2000-02-28", "2000-02-29", "2000-03-01", "2000-03-03", "2000-12-31", "2001-01-01"}),
            "2000-02-28..2000-03-01 2000-03-03 2000-12-31..2001-01-01");
  EXPECT_EQ(DayRanges({""}), "");
}

TEST_F(DayFilesTest, AFileOfTwoDaysIsRefused) {
  Write("2000-11-30.tsv", "");
  std::filesystem::create_symlink("2000-11-30.tsv", Path("2000-12-01.tsv"));
  const absl::Status status =
      FindDays(FileSystem::Default(), Path("{date}.tsv"), "2000-11-30", "2000-12-01", &missing_).status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("2000-12-01.tsv, of 2000-12-01"), HasSubstr("of 2000-11-30")));
}

TEST(DayFilesOfNoDiskTest, DaysAndInputsAreThoseOfTheFileSystemThatIsGiven) {
  MemoryFileSystem fs;
  for (const char* name :
       {"logs/2000-11-30/part-1", "logs/2000-11-30/part-2", "logs/2000-12-02/part-1", "logs/x"})
    fs.Put(name, "");
  ASSERT_TRUE(fs.CreateLink("logs/same", "x").ok());
  std::vector<std::string> missing;
  const auto days = FindDays(fs, "logs/{date}/part-*", "2000-11-30", "2000-12-02", &missing).value();
  ASSERT_EQ(days.size(), 2u);
  EXPECT_THAT(days[0].files, ElementsAre("logs/2000-11-30/part-1", "logs/2000-11-30/part-2"));
  EXPECT_THAT(days[1].files, ElementsAre("logs/2000-12-02/part-1"));
  EXPECT_THAT(missing, ElementsAre("2000-12-01"));
  EXPECT_THAT(FindFiles(fs, {"logs/x", "logs/2000-12-*/*"}).value(),
              ElementsAre("logs/x", "logs/2000-12-02/part-1"));
  EXPECT_THAT(FindFiles(fs, {"logs/x", "logs/same"}).value(), ElementsAre("logs/x")) << "a link, read once";
  EXPECT_FALSE(FindFiles(fs, {"logs/y"}).ok());
}

TEST_F(DayFilesTest, ALogThatCantBeLookedAtIsNoMissingDay) {
  Write("2000-11-30.tsv", "");
  FaultyFileSystem fs(FileSystem::Default());
  fs.FailAt(0, FaultyFileSystem::Fault::kReadFails);
  const absl::Status status = FindDays(fs, Path("{date}*"), "2000-11-30", "2000-12-02", &missing_).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()), HasSubstr("injected"));
}

}  // namespace
}  // namespace tandem
