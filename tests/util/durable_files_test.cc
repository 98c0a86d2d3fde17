// Directories that are whole or not there.
#include "tandem/durable_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/util/format_version.h"
#include "tandem/file_system.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

using Fault = FaultyFileSystem::Fault;
using Renames = FaultyFileSystem::Renames;
using Names = std::vector<std::string>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Files = std::map<std::string, std::string>;

// Content and names, or a word that no test expects.
std::string Content(FileSystem& fs, const std::string& path) {
  return fs.ReadFile(path).value_or("unreadable");
}
Names List(FileSystem& fs, const std::string& path) { return fs.List(path).value_or(Names{"unreadable"}); }

// Writes `files` as a checkpoint is written; careless about syncing, which is WriteDirectory's part.
absl::Status WriteFiles(FileSystem& fs, const std::string& path, const Files& files) {
  return WriteDirectory(fs, path, [&](const std::string& aside) -> absl::Status {
    for (const auto& [name, bytes] : files) {
      auto file = fs.Create(absl::StrCat(aside, "/", name));
      if (!file.ok()) return file.status();
      for (const absl::Status& status : {(*file)->Append(bytes), (*file)->Close()}) {
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  });
}

void SetBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class ManifestTest : public testing::Test {
 protected:
  void Write(const Files& files) {
    const absl::Status status = WriteFiles(fs_, path_, files);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string Bytes(const std::string& name) { return Content(fs_, path_ + "/" + name); }

  // The directory, or its file `name`, is named as damaged.
  void ExpectDamaged(const std::string& name = "") {
    const absl::Status status = VerifyDirectory(fs_, path_);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), path_ + name)) << status;
    EXPECT_TRUE(absl::EndsWith(status.message(), "Nothing was loaded.")) << status;
  }

  ScratchDirectory scratch_;
  const std::string path_ = scratch_ / "step-000400";
  FaultyFileSystem fs_{FileSystem::Default()};
  const Files files_ = {{"a.bin", "abc"}, {"empty", ""}, {"with space", "\n \n"}};
};

TEST_F(ManifestTest, WhatIsWrittenVerifies) {
  Write(files_);
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
  EXPECT_TRUE(VerifyDirectory(fs_, path_ + "/").ok());
  EXPECT_THAT(List(fs_, path_), ElementsAre("MANIFEST", "a.bin", "empty", "with space"));
  EXPECT_THAT(List(fs_, scratch_.path()), ElementsAre("step-000400"));
}

TEST_F(ManifestTest, ADirectoryMayHoldNoFile) {
  Write({});
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
}

TEST_F(ManifestTest, FilesLargerThanAChunkVerify) {
  Write({{"large", std::string((1 << 20) + 5, 'x')}, {"one chunk", std::string(256 << 10, 'y')}});
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
  EXPECT_LE(fs_.longest_read(), 256 << 10);
  std::string bytes = Bytes("large");
  bytes.back() = 'z';
  SetBytes(path_ + "/large", bytes);
  ExpectDamaged("/large: checksum differs");
}

// Checksums computed with Python's xxhash and with `xxhsum -H2`.
TEST_F(ManifestTest, TheFormatIsFixed) {
  Write({{"empty", ""}, {"a.bin", "abc"}});
  EXPECT_EQ(Bytes("MANIFEST"),
            "format 2\n"
            "a.bin 3 06b05ab6733a618578af5f94892f3950\n"
            "empty 0 99aa06d3014798d86001c324468d497f\n"
            "MANIFEST 91 cfce756e3beb75513d9ca5e45548758d\n");
}

// As another Tandem would have sealed it; one before versions has no first line.
TEST_F(ManifestTest, AnotherFormatIsRefusedByItsNumber) {
  Write({});
  const auto seal = [&](const std::string& lines) {
    const XXH128_hash_t hash = XXH3_128bits(lines.data(), lines.size());
    SetBytes(path_ + "/MANIFEST", absl::StrCat(lines, "MANIFEST ", lines.size(), " ",
                                               absl::StrFormat("%016x%016x", hash.high64, hash.low64), "\n"));
  };
  seal("format 2\n");
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
  EXPECT_TRUE(CheckDirectoryFormat(fs_, path_).ok());
  seal("format 3\n");
  ExpectDamaged(": was written by a newer Tandem (format 3, this one reads up to 2)");
  EXPECT_EQ(CheckDirectoryFormat(fs_, path_), VerifyDirectory(fs_, path_));
  SetBytes(path_ + "/MANIFEST", "format 3\nsealed in another way\n");
  ExpectDamaged("/MANIFEST: was written by a newer Tandem (format 3, this one reads up to 2)");
  seal("");
  ExpectDamaged(": was written by an older Tandem (format 1, this one reads from 2 on)");
  EXPECT_EQ(CheckDirectoryFormat(fs_, path_), VerifyDirectory(fs_, path_));
  ASSERT_TRUE(fs_.RemoveAll(path_ + "/MANIFEST").ok());
  EXPECT_TRUE(CheckDirectoryFormat(fs_, path_).ok()) << "no format, but no whole directory either";
}

TEST_F(ManifestTest, EqualContentGivesEqualBytesWhereverItLies) {
  Write(files_);
  ASSERT_TRUE(WriteFiles(fs_, scratch_ / "elsewhere/deeper", files_).ok());
  EXPECT_EQ(Bytes("MANIFEST"), Content(fs_, scratch_ / "elsewhere/deeper/MANIFEST"));
}

TEST_F(ManifestTest, EveryChangedByteOfEveryFileIsFound) {
  Write(files_);
  for (const std::string& name : List(fs_, path_)) {
    const std::string whole = Bytes(name);
    for (size_t i = 0; i < whole.size(); ++i) {
      for (const int mask : {0x01, 0x20, 0x80, 0xff}) {
        std::string damaged = whole;
        damaged[i] ^= static_cast<char>(mask);
        SetBytes(path_ + "/" + name, damaged);
        ASSERT_NO_FATAL_FAILURE(ExpectDamaged("/" + name)) << name << ", byte " << i << " ^ " << mask;
      }
    }
    SetBytes(path_ + "/" + name, whole);
  }
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
}

TEST_F(ManifestTest, EveryCutAndEveryAddedByteIsFound) {
  Write(files_);
  for (const std::string& name : List(fs_, path_)) {
    const std::string whole = Bytes(name);
    for (size_t size = 0; size < whole.size(); ++size) {
      SetBytes(path_ + "/" + name, whole.substr(0, size));
      ASSERT_NO_FATAL_FAILURE(ExpectDamaged("/" + name)) << name << " cut to " << size;
    }
    for (const char* more : {"\n", "x", " "}) {
      SetBytes(path_ + "/" + name, whole + more);
      ASSERT_NO_FATAL_FAILURE(ExpectDamaged("/" + name)) << name << " with " << more;
    }
    SetBytes(path_ + "/" + name, whole);
  }
}

TEST_F(ManifestTest, AMissingFileIsNamed) {
  Write(files_);
  ASSERT_TRUE(fs_.RemoveAll(path_ + "/empty").ok());
  ExpectDamaged("/empty: missing");
}

TEST_F(ManifestTest, AnAddedFileOrDirectoryIsNamed) {
  Write(files_);
  SetBytes(path_ + "/b.bin", "");
  ExpectDamaged("/b.bin: not in MANIFEST");
  ASSERT_TRUE(fs_.RemoveAll(path_ + "/b.bin").ok());
  ASSERT_TRUE(fs_.CreateDirectories(path_ + "/more").ok());
  ExpectDamaged("/more: not in MANIFEST");
}

TEST_F(ManifestTest, FilesThatChangedPlacesAreFound) {
  Write({{"a", "content of a"}, {"b", "content of b"}});
  ASSERT_TRUE(fs_.Rename(path_ + "/a", path_ + "/c").ok());
  ASSERT_TRUE(fs_.Rename(path_ + "/b", path_ + "/a").ok());
  ASSERT_TRUE(fs_.Rename(path_ + "/c", path_ + "/b").ok());
  ExpectDamaged("/a: checksum differs");
}

TEST_F(ManifestTest, ADirectoryInPlaceOfAFileIsFound) {
  Write(files_);
  ASSERT_TRUE(fs_.RemoveAll(path_ + "/empty").ok());
  ASSERT_TRUE(fs_.CreateDirectories(path_ + "/empty").ok());
  EXPECT_EQ(VerifyDirectory(fs_, path_).code(), absl::StatusCode::kDataLoss);
}

TEST_F(ManifestTest, WhatIsNoCheckpointIsSaidToBeNone) {
  EXPECT_EQ(VerifyDirectory(fs_, path_).message(), path_ + ": no such directory");
  ASSERT_TRUE(fs_.CreateDirectories(path_).ok());
  ExpectDamaged(": holds no MANIFEST");
}

TEST_F(ManifestTest, WhatExistsIsNeverOverwritten) {
  Write(files_);
  const absl::Status status = WriteFiles(fs_, path_, {{"other", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
  EXPECT_EQ(Bytes("a.bin"), "abc");
}

TEST_F(ManifestTest, WhatACrashLeftAsideIsRemoved) {
  const std::string orphan = scratch_ / "tmp-step-000400.tandem-0123456789abcdef";
  ASSERT_TRUE(fs_.CreateDirectories(orphan + "/nested").ok());
  SetBytes(orphan + "/MANIFEST", "half a line");
  Write(files_);
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok());
  EXPECT_FALSE(fs_.Exists(orphan));
  EXPECT_THAT(List(fs_, path_), ElementsAre("MANIFEST", "a.bin", "empty", "with space"));
}

TEST_F(ManifestTest, TheErrorOfFillingIsPassedOnAndNothingIsLeft) {
  const absl::Status status = WriteDirectory(fs_, path_, [&](const std::string& aside) {
    SetBytes(aside + "/file", "bytes");
    return absl::CancelledError("enough");
  });
  EXPECT_EQ(status, absl::CancelledError("enough"));
  EXPECT_THAT(List(fs_, scratch_.path()), IsEmpty());
}

TEST_F(ManifestTest, WhatAManifestCannotDescribeIsRefused) {
  EXPECT_EQ(WriteFiles(fs_, path_, {{"MANIFEST", ""}}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(WriteFiles(fs_, path_, {{"two\nlines", ""}}).code(), absl::StatusCode::kInternal);
  const absl::Status nested = WriteDirectory(
      fs_, path_, [&](const std::string& aside) { return fs_.CreateDirectories(aside + "/below"); });
  EXPECT_THAT(std::string(nested.message()), HasSubstr("/below: only files go in here"));
  EXPECT_THAT(List(fs_, scratch_.path()), IsEmpty());
}

// One attempt with a fault at one operation, what it leaves, and a second attempt. False if the fault wasn't
// reached.
bool AttemptWith(Fault fault, Renames renames, int64_t operation, const Files& files) {
  SCOPED_TRACE(testing::Message() << "fault at operation " << operation);
  ScratchDirectory scratch;
  const std::string path = scratch / "checkpoints/step-1";
  FaultyFileSystem fs(FileSystem::Default());
  fs.FailAt(operation, fault);
  const absl::Status first = WriteFiles(fs, path, files);
  const bool reached = fs.failed();
  EXPECT_EQ(first.ok(), !reached) << first;
  EXPECT_FALSE(fault != Fault::kCrash && !first.ok() && fs.Exists(path));
  if (fault == Fault::kCrash || first.ok()) fs.Restart(renames);
  fs.FailAt(0, Fault::kNone);

  if (first.ok() || fs.Exists(path)) {
    const absl::Status whole = VerifyDirectory(fs, path);
    EXPECT_TRUE(whole.ok()) << whole;
  } else {
    const absl::Status second = WriteFiles(fs, path, files);
    EXPECT_TRUE(second.ok()) << second;
  }
  EXPECT_TRUE(VerifyDirectory(fs, path).ok());
  for (const auto& [name, bytes] : files) EXPECT_EQ(Content(fs, absl::StrCat(path, "/", name)), bytes);
  return reached;
}

TEST(WriteDirectoryTest, WhateverFailsTheDirectoryIsWholeOrAbsentAndARetrySucceeds) {
  const Files files = {{"graph.pb", "g"}, {"table.bin", std::string(100000, 't')}};
  for (const Fault fault : {Fault::kFail, Fault::kDiskFull, Fault::kCrash}) {
    for (const Renames renames : {Renames::kSurvive, Renames::kLost}) {
      int64_t operation = 0;
      while (AttemptWith(fault, renames, operation, files)) ++operation;
      EXPECT_GE(operation, 5) << "the fault was hardly ever reached";
    }
  }
}

TEST(RemoveDirectoryTest, WhateverFailsTheDirectoryIsWholeOrAbsent) {
  const Files files = {{"a", "1"}, {"b", "2"}};
  for (const Fault fault : {Fault::kFail, Fault::kCrash}) {
    bool reached = true;
    for (int64_t operation = 0; reached; ++operation) {
      SCOPED_TRACE(testing::Message() << "fault at operation " << operation);
      ScratchDirectory scratch;
      const std::string path = scratch / "step-1";
      FaultyFileSystem fs(FileSystem::Default());
      ASSERT_TRUE(WriteFiles(fs, path, files).ok());
      fs.FailAt(operation, fault);
      const absl::Status status = RemoveDirectory(fs, path);
      reached = fs.failed();
      EXPECT_EQ(status.ok(), !reached) << status;
      fs.Restart();
      if (fs.Exists(path)) {
        EXPECT_TRUE(VerifyDirectory(fs, path).ok());
        EXPECT_TRUE(RemoveDirectory(fs, path).ok());
      }
      EXPECT_FALSE(fs.Exists(path));
    }
  }
}

TEST_F(ManifestTest, AFileThatIsALinkOutOfTheDirectoryIsRefused) {
  Write({{"a.bin", "some bytes"}, {"b.bin", "some bytes"}});
  const std::string outside = scratch_ / "outside";
  SetBytes(outside, "some bytes");
  for (const std::string& target : {outside, std::string("../outside")}) {
    ASSERT_TRUE(fs_.RemoveAll(path_ + "/a.bin").ok());
    ASSERT_TRUE(fs_.CreateLink(path_ + "/a.bin", target).ok());
    ExpectDamaged("/a.bin: a link that leads out of its directory");
  }
  ASSERT_TRUE(fs_.RemoveAll(path_ + "/a.bin").ok());
  ASSERT_TRUE(fs_.CreateLink(path_ + "/a.bin", "b.bin").ok());
  EXPECT_TRUE(VerifyDirectory(fs_, path_).ok()) << "to a file beside it";
}

}  // namespace
}  // namespace tandem
