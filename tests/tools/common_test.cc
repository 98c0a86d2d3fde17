// What the subcommands share: where data goes, in which format, and what is refused before.
#include "tools/common.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::KilledBySignal;

class OutputTest : public SampleFilesTest {
 protected:
  // Of the test's folder.
  std::vector<std::string> Names() const { return FileSystem::Default().List(Path("")).value(); }
  static void ExpectRefused(const absl::Status& status, const std::string& says) {
    EXPECT_EQ(ExitCode(status), kExitUsage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
  }
};

TEST_F(OutputTest, AFileIsInItsPlaceWholeOnceItIsFinished) {
  const std::string path = Write("scores.tsv", "before");
  {
    absl::StatusOr<Output> output = Output::Open(path);
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write("one ").ok());
    EXPECT_EQ(FileBytes(path), "before");
    Output moved = *std::move(output);
    ASSERT_TRUE(moved.Write("two").ok());
    ASSERT_TRUE(moved.Finish().ok());
  }
  EXPECT_EQ(FileBytes(path), "one two");
  EXPECT_THAT(Names(), ElementsAre("scores.tsv"));
}

TEST_F(OutputTest, WithoutFinishThereIsNoFile) {
  {
    absl::StatusOr<Output> output = Output::Open(Path("scores.tsv"));
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write("half").ok());
    EXPECT_THAT(Names(), testing::SizeIs(1)) << "it is written aside";
  }
  EXPECT_THAT(Names(), IsEmpty());
}

// A child's whole life; what it leaves is looked at by the test.
[[noreturn]] void WriteAndBeKilled(const std::string& path, int signal_number) {
  absl::StatusOr<Output> output = Output::Open(path);
  if (!output.ok() || !output->Write("half").ok()) std::exit(1);
  std::raise(signal_number);
  std::exit(2);
}

TEST_F(OutputTest, KilledItLeavesNoFile) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(WriteAndBeKilled(Path("scores.tsv"), signal_number), KilledBySignal(signal_number), "");
    EXPECT_THAT(Names(), IsEmpty()) << signal_number;
  }
}

[[noreturn]] void WriteOnceAndBeStopped(const std::string& path, int signals) {
  const std::atomic<int>& stop = CatchStopSignals();
  absl::StatusOr<Output> output = Output::Open(path);
  if (!output.ok()) std::exit(1);
  for (int i = 0; i < signals; ++i) std::raise(SIGTERM);
  std::exit(stop == SIGTERM && output->Write("whole").ok() && output->Finish().ok() ? 0 : 2);
}

TEST_F(OutputTest, WhoCatchesTheSignalFinishesItAndASecondOneKills) {
  EXPECT_EXIT(WriteOnceAndBeStopped(Path("scores.tsv"), 1), testing::ExitedWithCode(0), "");
  EXPECT_EQ(FileBytes(Path("scores.tsv")), "whole");
  EXPECT_EXIT(WriteOnceAndBeStopped(Path("others.tsv"), 2), KilledBySignal(SIGTERM), "");
  EXPECT_FALSE(FileSystem::Default().Exists(Path("others.tsv")));
}

TEST_F(OutputTest, APipeAndADeviceAreWrittenToAndNotReplaced) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] {
    std::ifstream pipe(Path("pipe"));
    std::getline(pipe, read);
  });
  {
    absl::StatusOr<Output> output = Output::Open(Path("pipe"));
    EXPECT_TRUE(output.ok() && output->Write("a line\n").ok() && output->Finish().ok());
  }
  reader.join();
  EXPECT_EQ(read, "a line");
  EXPECT_TRUE(std::filesystem::is_fifo(Path("pipe")));
  absl::StatusOr<Output> null = Output::Open("/dev/null");
  ASSERT_TRUE(null.ok()) << null.status();
  EXPECT_TRUE(null->Write("gone").ok() && null->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(OutputTest, AFullDeviceIsAnErrorThatNamesIt) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  absl::StatusOr<Output> output = Output::Open("/dev/full");
  ASSERT_TRUE(output.ok()) << output.status();
  const absl::Status written = output->Write("more");
  EXPECT_TRUE(absl::StrContains(written.message(), "/dev/full: No space")) << written;
}

TEST_F(OutputTest, NothingOrADashIsStandardOutput) {
  for (const char* name : {"", "-"}) {
    testing::internal::CaptureStdout();
    {
      absl::StatusOr<Output> output = Output::Open(name);
      EXPECT_TRUE(output.ok() && output->Write("text").ok() && output->Finish().ok());
    }
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "text");
  }
}

TEST_F(OutputTest, AFolderIsRefused) { ExpectRefused(Output::Open(Path("")).status(), "is a directory"); }

TEST_F(OutputTest, WhatIsReadIsNeverWrittenOver) {
  const std::string input = Write("log.tsv", "rows");
  std::filesystem::create_symlink("log.tsv", Path("link.tsv"));
  ExpectRefused(CheckOutputFile({Path("other.tsv"), input}, input), "is also an input (" + input);
  ExpectRefused(CheckOutputFile({input}, Path("link.tsv")), "is also an input");
  EXPECT_TRUE(CheckOutputFile({input}, Path("scores.tsv")).ok());
  EXPECT_TRUE(CheckOutputFile({"/dev/null"}, "/dev/null").ok());
  EXPECT_TRUE(CheckOutputFile({input}, "").ok());
}

TEST_F(OutputTest, ANameOfACompressedFileIsRefused) {
  for (const std::string ending : {".gz", ".zst", ".bz2", ".xz", ".zip"})
    ExpectRefused(CheckOutputFile({}, Path("scores.tsv" + ending)), "leave " + ending + " off");
}

TEST_F(OutputTest, TheFormatIsTheOneAskedForElseGoesByWhereItIsWritten) {
  const gflags::FlagSaver saver;
  for (const char* output : {"", "-"}) {
    FLAGS_output = output;
    EXPECT_EQ(ChosenFormat().value(), OutputFormat::kText);
  }
  FLAGS_output = "metrics.json";
  EXPECT_EQ(ChosenFormat().value(), OutputFormat::kJson);
  FLAGS_format = "text";
  EXPECT_EQ(ChosenFormat().value(), OutputFormat::kText);
  FLAGS_output = "";
  FLAGS_format = "json";
  EXPECT_EQ(ChosenFormat().value(), OutputFormat::kJson);
  FLAGS_format = "xml";
  ExpectRefused(ChosenFormat().status(), "--format=xml: 'text' or 'json'");
}

TEST_F(OutputTest, FilesAndValuesThatAFlagHasTwiceAreRefused) {
  const std::string file = Write("a.pbtxt", "");
  std::filesystem::create_symlink("a.pbtxt", Path("b.pbtxt"));
  ExpectRefused(FilesGivenOnce("config", file + "," + file).status(),
                "--config: " + file + " is there twice");
  ExpectRefused(FilesGivenOnce("config", file + "," + Path("b.pbtxt")).status(),
                "is the same file as " + file);
  EXPECT_THAT(FilesGivenOnce("config", file + ",none.pbtxt").value(), ElementsAre(file, "none.pbtxt"));
  ExpectRefused(CheckNoneTwice("methods", {"A", "B", "A"}), "--methods: A is there twice");
  EXPECT_TRUE(CheckNoneTwice("methods", SplitList("A,,B")).ok());
}

}  // namespace
}  // namespace tandem
