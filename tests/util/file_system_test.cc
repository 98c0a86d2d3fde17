// Files through the one interface, and what syncing promises.
#include "tandem/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tandem/durable_files.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using Fault = FaultyFileSystem::Fault;
using Names = std::vector<std::string>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Content and names, or a word that no test expects.
std::string Content(FileSystem& fs, const std::string& path) {
  return fs.ReadFile(path).value_or("unreadable");
}
Names List(FileSystem& fs, const std::string& path) { return fs.List(path).value_or(Names{"unreadable"}); }

class FilesTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& bytes) { std::ofstream(path) << bytes; }

  ScratchDirectory scratch_;
  FileSystem& fs_ = FileSystem::Default();
};

TEST_F(FilesTest, WhatIsAppendedIsReadBack) {
  const std::string path = scratch_ / "file";
  auto file = *fs_.Create(path);
  std::string expected;
  // Below, at and above the size of the buffer, so that every way through it is taken.
  for (const int size : {1, 1000, 65535, 65536, 3, 200000, 0, 7}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    expected += piece;
    ASSERT_TRUE(file->Append(piece).ok());
  }
  ASSERT_TRUE(file->Close().ok());
  EXPECT_TRUE(Content(fs_, path) == expected);
  EXPECT_EQ(*fs_.Size(path), expected.size());
}

TEST_F(FilesTest, ALockThatIsSharedKeepsOutTheOneThatIsNot) {
  const std::string path = scratch_ / "held";
  ASSERT_TRUE(fs_.CreateDirectories(path).ok());
  std::unique_ptr<FileLock> one = fs_.TryLockShared(path).value();
  std::unique_ptr<FileLock> two = fs_.TryLockShared(path).value();
  EXPECT_NE(one, nullptr);
  EXPECT_NE(two, nullptr);
  EXPECT_EQ(fs_.TryLock(path).value(), nullptr);
  one.reset();
  EXPECT_EQ(fs_.TryLock(path).value(), nullptr);
  two.reset();
  const std::unique_ptr<FileLock> alone = fs_.TryLock(path).value();
  EXPECT_NE(alone, nullptr);
  EXPECT_EQ(fs_.TryLockShared(path).value(), nullptr);
  EXPECT_EQ(fs_.TryLockShared(scratch_ / "missing").value(), nullptr);
}

TEST_F(FilesTest, WhatIsNoFileIsRefusedRatherThanWaitedForOrReadWithoutEnd) {
  ASSERT_EQ(mkfifo((scratch_ / "pipe").c_str(), 0600), 0);
  for (const std::string& path : {scratch_ / "pipe", std::string("/dev/zero")}) {
    const absl::Status status = fs_.ReadFile(path).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("where a file is wanted")) << path;
  }
  EXPECT_FALSE(fs_.OpenForReading("/dev/zero").ok());
}

TEST_F(FilesTest, SyncPutsBytesWhereOthersSeeThem) {
  auto file = *fs_.Create(scratch_ / "file");
  ASSERT_TRUE(file->Append("small").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(Content(fs_, scratch_ / "file"), "small");
}

TEST_F(FilesTest, AFileThatIsNotClosedIsAbandoned) {
  {
    auto file = *fs_.Create(scratch_ / "file");
    ASSERT_TRUE(file->Append("never flushed").ok());
  }
  EXPECT_EQ(Content(fs_, scratch_ / "file"), "");
}

TEST_F(FilesTest, CreateReplacesWhatWasThere) {
  Write(scratch_ / "file", "something longer");
  ASSERT_TRUE((*fs_.Create(scratch_ / "file"))->Close().ok());
  EXPECT_EQ(Content(fs_, scratch_ / "file"), "");
}

TEST_F(FilesTest, OpenForAppendCutsAndGoesOn) {
  const std::string path = scratch_ / "log";
  Write(path, "kept, dropped");
  auto file = *fs_.OpenForAppend(path, 4);
  ASSERT_TRUE(file->Append(" and more").ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_EQ(Content(fs_, path), "kept and more");
}

TEST_F(FilesTest, OpenForAppendRefusesToInventBytes) {
  Write(scratch_ / "log", "1234");
  EXPECT_EQ(fs_.OpenForAppend(scratch_ / "log", 5).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(fs_.OpenForAppend(scratch_ / "absent", 0).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Content(fs_, scratch_ / "log"), "1234");
}

TEST_F(FilesTest, ReadRangeStopsAtTheEnd) {
  const std::string path = scratch_ / "file";
  Write(path, "0123456789");
  const auto read = [&](int64_t offset, int64_t length) {
    std::string bytes(length, '-');
    bytes.resize(*fs_.ReadRange(path, offset, length, &bytes[0]));
    return bytes;
  };
  EXPECT_EQ(read(0, 4), "0123");
  EXPECT_EQ(read(8, 4), "89");
  EXPECT_EQ(read(10, 4), "");
  EXPECT_EQ(read(99, 4), "");
  EXPECT_EQ(read(2, 0), "");
  EXPECT_EQ(read(1, 100), "123456789");
}

TEST_F(FilesTest, ReadFileReadsStreamsThatAreNamedAsSuch) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string sent(700001, 'p');
  std::thread writer([&] {
    Write("/dev/fd/" + std::to_string(ends[1]), sent);
    close(ends[1]);
  });
  const std::string received = Content(fs_, "/dev/fd/" + std::to_string(ends[0]));
  writer.join();
  close(ends[0]);
  EXPECT_TRUE(received == sent) << received.size() << " bytes";
}

TEST_F(FilesTest, ListIsSortedAndWhole) {
  for (const char* name : {"b", "a", ".hidden", "A"}) Write(scratch_ / name, "");
  ASSERT_TRUE(fs_.CreateDirectories(scratch_ / "c/d").ok());
  EXPECT_THAT(List(fs_, scratch_.path()), ElementsAre(".hidden", "A", "a", "b", "c"));
}

TEST_F(FilesTest, CreateDirectoriesMakesParentsAndIsContentWithWhatIsThere) {
  EXPECT_TRUE(fs_.CreateDirectories(scratch_ / "x/y/z").ok());
  EXPECT_TRUE(fs_.CreateDirectories(scratch_ / "x/y/z/").ok());
  EXPECT_TRUE(fs_.CreateDirectories(scratch_ / "x/new/").ok());
  EXPECT_TRUE(fs_.IsDirectory(scratch_ / "x/y/z"));
  EXPECT_TRUE(fs_.IsDirectory(scratch_ / "x/new"));
  Write(scratch_ / "file", "");
  EXPECT_FALSE(fs_.CreateDirectories(scratch_ / "file").ok());
  EXPECT_FALSE(fs_.CreateDirectories(scratch_ / "file/below").ok());
}

TEST_F(FilesTest, RemoveAllRemovesTreesAndIsContentWithNothing) {
  ASSERT_TRUE(fs_.CreateDirectories(scratch_ / "x/y").ok());
  Write(scratch_ / "x/y/file", "1");
  EXPECT_TRUE(fs_.RemoveAll(scratch_ / "x").ok());
  EXPECT_FALSE(fs_.Exists(scratch_ / "x"));
  EXPECT_TRUE(fs_.RemoveAll(scratch_ / "x").ok());
}

TEST_F(FilesTest, ErrorsNameTheFileAndTheReason) {
  const std::string path = scratch_ / "absent/file";
  char byte;
  for (const absl::Status& status :
       {fs_.ReadFile(path).status(), fs_.ReadRange(path, 0, 1, &byte).status(), fs_.Size(path).status(),
        fs_.List(path).status(), fs_.ReadFile(scratch_.path()).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  }
  for (const absl::Status& status : {fs_.Create(path).status(), fs_.OpenForAppend(path, 0).status(),
                                     fs_.Rename(path, scratch_ / "to"), fs_.SyncDirectory(path)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr("No such file or directory"));
  }
}

TEST_F(FilesTest, AFullDeviceIsReportedAndStaysReported) {
  if (!fs_.Exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto file = *fs_.Create("/dev/full");
  ASSERT_TRUE(file->Append("fits the buffer").ok());
  const absl::Status status = file->Sync();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/dev/full: cannot write: No space left on device"));
  EXPECT_EQ(file->Append("more"), status);
  EXPECT_EQ(file->Close(), status);
}

TEST_F(FilesTest, CloseReportsWhatTheBufferHeldBack) {
  if (!fs_.Exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto file = *fs_.Create("/dev/full");
  ASSERT_TRUE(file->Append("fits the buffer").ok());
  EXPECT_FALSE(file->Close().ok());
}

// Writes over "old" with every fault at every operation; what is read afterwards must be old or new, and a
// retry must work.
void SweepAtomicWrite(Fault fault, const std::string& old) {
  bool reached = true;
  for (int64_t operation = 0; reached; ++operation) {
    SCOPED_TRACE(testing::Message() << "fault at operation " << operation);
    ScratchDirectory scratch;
    const std::string path = scratch / "file";
    if (!old.empty()) std::ofstream(path) << old;
    FaultyFileSystem fs(FileSystem::Default());
    fs.FailAt(operation, fault);
    const absl::Status status = WriteFileAtomically(fs, path, "the new content");
    reached = fs.failed();
    EXPECT_EQ(status.ok(), !reached) << status;
    fs.Restart();
    const std::string seen = fs.Exists(path) ? Content(fs, path) : "";
    EXPECT_TRUE(seen == "the new content" || (!status.ok() && seen == old)) << "'" << seen << "'";
    EXPECT_TRUE(WriteFileAtomically(fs, path, "second").ok());
    EXPECT_EQ(Content(fs, path), "second");
    EXPECT_THAT(List(fs, scratch.path()), ElementsAre("file"));
  }
}

TEST(WriteFileAtomicallyTest, AReaderSeesTheOldFileOrTheNewWhateverFails) {
  for (const Fault fault : {Fault::kFail, Fault::kDiskFull, Fault::kCrash}) {
    for (const char* old : {"", "the old content"}) SweepAtomicWrite(fault, old);
  }
}

TEST(WriteFileAtomicallyTest, ASuccessSurvivesTheLossOfPower) {
  ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  ASSERT_TRUE(WriteFileAtomically(fs, scratch / "file", "content").ok());
  fs.Restart(FaultyFileSystem::Renames::kLost);
  EXPECT_EQ(Content(fs, scratch / "file"), "content");
}

TEST(WriteFileAtomicallyTest, AFailureLeavesNothingBehind) {
  ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  fs.FailAt(0, Fault::kDiskFull);
  EXPECT_FALSE(WriteFileAtomically(fs, scratch / "file", "content").ok());
  EXPECT_THAT(List(fs, scratch.path()), ElementsAre());
}

// The model of lost power itself: a test that it can see a missing sync.
TEST(FaultyFileSystemTest, WhatWasNotSyncedIsLost) {
  ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  const auto write = [&](const std::string& name, bool sync) {
    auto file = *fs.Create(scratch / name);
    ASSERT_TRUE(file->Append("durable").ok());
    ASSERT_TRUE(!sync || file->Sync().ok());
    ASSERT_TRUE(file->Append(", not durable").ok());
    ASSERT_TRUE(file->Close().ok());
  };
  write("synced", true);
  write("unsynced", false);
  ASSERT_TRUE(fs.SyncDirectory(scratch.path()).ok());
  write("nameless", true);
  ASSERT_TRUE(fs.Rename(scratch / "synced", scratch / "renamed").ok());
  fs.Restart(FaultyFileSystem::Renames::kLost);
  EXPECT_THAT(List(fs, scratch.path()), ElementsAre("synced", "unsynced"));
  EXPECT_EQ(Content(fs, scratch / "synced"), "durable");
  EXPECT_EQ(Content(fs, scratch / "unsynced"), "");
}

TEST(SyncFilesTest, WhatWasSyncedIsKept) {
  const ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  for (const char* name : {"a", "b", "c"}) {
    auto file = *fs.Create(scratch / name);
    ASSERT_TRUE(file->Append(name).ok());
    ASSERT_TRUE(file->Close().ok());
  }
  ASSERT_TRUE(fs.SyncDirectory(scratch.path()).ok());
  ASSERT_TRUE(fs.SyncFiles({scratch / "a", scratch / "c"}).ok());
  fs.Restart();
  EXPECT_EQ(Content(fs, scratch / "a"), "a");
  EXPECT_EQ(Content(fs, scratch / "b"), "");
  EXPECT_EQ(Content(fs, scratch / "c"), "c");
}

TEST(SyncFilesTest, AFileThatIsGoneIsNamedWhereverItStands) {
  const ScratchDirectory scratch;
  FileSystem& disk = FileSystem::Default();
  std::vector<std::string> paths;
  for (int i = 0; i < 30; ++i) {
    paths.push_back(scratch / absl::StrCat("file", i));
    ASSERT_TRUE((*disk.Create(paths.back()))->Close().ok());
  }
  EXPECT_TRUE(disk.SyncFiles(paths).ok());
  EXPECT_TRUE(disk.SyncFiles({}).ok());
  FaultyFileSystem one_by_one(disk);
  for (const int gone : {0, 7, 29}) {
    std::vector<std::string> some = paths;
    some[gone] += "-gone";
    for (FileSystem* fs : {&disk, static_cast<FileSystem*>(&one_by_one)})
      EXPECT_THAT(fs->SyncFiles(some).message(), testing::HasSubstr(some[gone]));
  }
}

}  // namespace
}  // namespace tandem
