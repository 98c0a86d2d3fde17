// Record files: read back, cut, damaged.
#include "tandem/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "tandem/file_system.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

using Records = std::vector<std::string>;

absl::Status WriteRecords(FileSystem& fs, const std::string& path, const Records& records) {
  auto writer = RecordWriter::Create(fs, path);
  if (!writer.ok()) return writer.status();
  for (const std::string& record : records) {
    absl::Status status = (*writer)->Append(record);
    if (!status.ok()) return status;
  }
  return (*writer)->Close();
}

// Reads `count` records and the end.
absl::StatusOr<Records> ReadRecords(FileSystem& fs, const std::string& path, size_t count) {
  auto reader = RecordReader::Open(fs, path);
  if (!reader.ok()) return reader.status();
  Records records;
  while (records.size() < count) {
    const auto record = (*reader)->Next();
    if (!record.ok()) return record.status();
    records.emplace_back(*record);
  }
  const absl::Status end = (*reader)->ExpectEnd();
  if (!end.ok()) return end;
  return records;
}

class RecordsTest : public testing::Test {
 protected:
  std::string Bytes() { return *fs_.ReadFile(path_); }
  void SetBytes(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  void Write(const Records& records) { ASSERT_TRUE(WriteRecords(fs_, path_, records).ok()); }
  absl::StatusOr<Records> Read(size_t count) { return ReadRecords(fs_, path_, count); }

  // Reading `bytes` as `count` records fails as damage does.
  void ExpectDamaged(const std::string& bytes, size_t count) {
    SetBytes(bytes);
    const auto records = Read(count);
    ASSERT_FALSE(records.ok());
    EXPECT_EQ(records.status().code(), absl::StatusCode::kDataLoss) << records.status();
    EXPECT_TRUE(absl::StartsWith(records.status().message(), path_ + ": ")) << records.status();
    EXPECT_TRUE(absl::EndsWith(records.status().message(), "Nothing was loaded.")) << records.status();
  }

  ScratchDirectory scratch_;
  const std::string path_ = scratch_ / "records.bin";
  FaultyFileSystem fs_{FileSystem::Default()};
  const Records small_ = {"first", "", std::string(300, 'x'), std::string("\0\xff\n", 3)};
};

TEST_F(RecordsTest, WhatIsWrittenIsRead) {
  Write(small_);
  EXPECT_EQ(*Read(small_.size()), small_);
}

TEST_F(RecordsTest, AFileMayHoldNoRecord) {
  Write({});
  EXPECT_TRUE(Read(0).ok());
}

TEST_F(RecordsTest, RecordsAroundAndBeyondTheReadAheadAreRead) {
  Records records;
  for (const int size : {1 << 20, (1 << 20) - 16, (1 << 20) + 1, 5 << 20, 3, 0, 1}) {
    records.emplace_back(size, static_cast<char>('a' + records.size()));
  }
  for (int i = 0; i < 50000; ++i) records.push_back(std::to_string(i));
  Write(records);
  EXPECT_TRUE(*Read(records.size()) == records);
}

// Computed with Python's struct and xxhash from the description in records.h.
TEST_F(RecordsTest, TheFormatIsFixed) {
  Write({"", "abc"});
  EXPECT_EQ(absl::BytesToHexString(Bytes()),
            "54414e44454d5232"
            "0000000000000000b8e42bc7bbe51e12"
            "0300000000000000e63aab30eda1b5a5616263"
            "ffffffffffffffff76c948da0b5e6ff30200000000000000");
}

TEST_F(RecordsTest, EveryFlippedBitIsFound) {
  Write(small_);
  const std::string whole = Bytes();
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] ^= static_cast<char>(1 << bit);
      ASSERT_NO_FATAL_FAILURE(ExpectDamaged(damaged, small_.size())) << "bit " << bit << " of byte " << i;
    }
  }
}

TEST_F(RecordsTest, EveryByteSetToExtremesIsFound) {
  Write(small_);
  const std::string whole = Bytes();
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[i] = value;
      if (damaged == whole) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectDamaged(damaged, small_.size())) << "byte " << i;
    }
  }
}

TEST_F(RecordsTest, EveryCutIsFound) {
  Write(small_);
  const std::string whole = Bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_NO_FATAL_FAILURE(ExpectDamaged(whole.substr(0, size), small_.size())) << "cut to " << size;
  }
}

TEST_F(RecordsTest, EveryDroppedOrDoubledByteIsFound) {
  Write(small_);
  const std::string whole = Bytes();
  for (size_t i = 0; i < whole.size(); ++i) {
    const std::string before = whole.substr(0, i);
    ASSERT_NO_FATAL_FAILURE(ExpectDamaged(before + whole.substr(i + 1), small_.size())) << "without " << i;
    ASSERT_NO_FATAL_FAILURE(ExpectDamaged(before + whole[i] + whole.substr(i), small_.size()))
        << "twice " << i;
  }
}

TEST_F(RecordsTest, BytesAfterTheEndAreFound) {
  Write(small_);
  ExpectDamaged(Bytes() + "x", small_.size());
}

TEST_F(RecordsTest, SwappedRecordsAreFound) {
  Write({"aaaa", "bbbb"});
  std::string bytes = Bytes();
  const std::string first = bytes.substr(8, 20);
  bytes = bytes.substr(0, 8) + bytes.substr(28, 20) + first + bytes.substr(48);
  ExpectDamaged(bytes, 2);
}

TEST_F(RecordsTest, DamageNamesTheFileAndTheRecord) {
  Records records(30, "twelve bytes");
  Write(records);
  std::string bytes = Bytes();
  bytes[8 + 17 * 28 + 16] ^= 1;
  SetBytes(bytes);
  EXPECT_EQ(Read(30).status().message(),
            path_ + ": checksum of record 17 differs; the file is damaged. Nothing was loaded.");
}

TEST_F(RecordsTest, ADamagedLengthCostsNoMemory) {
  Write(small_);
  const std::string whole = Bytes();
  for (const char high : {'\x00', '\x10', '\x7f', '\x80', '\xff'}) {
    std::string bytes = whole;
    bytes.replace(8, 8, std::string(7, '\xfe') + high);
    ExpectDamaged(bytes, small_.size());
  }
  // The read ahead is what a small file costs.
  EXPECT_LE(fs_.longest_read(), 1 << 20);
}

TEST_F(RecordsTest, OtherFilesAreRefused) {
  for (const char* bytes : {"", "T", "TANDEMR", "a text file, perhaps", "TANDEMR2", "TANDEMR/and more"})
    ExpectDamaged(bytes, 0);
  EXPECT_EQ(ReadRecords(fs_, scratch_ / "absent", 0).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadRecords(fs_, scratch_.path(), 0).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecordsTest, AnotherFormatIsRefusedByItsNumber) {
  Write(small_);
  std::string bytes = Bytes();
  for (const auto& [version, message] :
       {std::pair('3', ": was written by a newer Tandem (format 3, this one reads up to 2)"),
        std::pair('1', ": was written by an older Tandem (format 1, this one reads from 2 on)")}) {
    bytes[7] = version;
    ExpectDamaged(bytes, small_.size());
    EXPECT_THAT(std::string(Read(small_.size()).status().message()), HasSubstr(message));
  }
}

TEST_F(RecordsTest, TooFewAndTooManyRecordsAreToldFromDamage) {
  Write(small_);
  EXPECT_THAT(std::string(Read(5).status().message()),
              HasSubstr("ends after 4 records, where more are needed"));
  EXPECT_THAT(std::string(Read(3).status().message()), HasSubstr("holds more than the 3 records expected"));
}

TEST_F(RecordsTest, AnErrorIsRepeatedAndAnEndStaysTheEnd) {
  Write({"only"});
  auto reader = *RecordReader::Open(fs_, path_);
  EXPECT_FALSE(reader->ExpectEnd().ok());
  EXPECT_EQ(*reader->Next(), "only");
  EXPECT_TRUE(reader->ExpectEnd().ok());
  EXPECT_FALSE(reader->Next().ok());
  EXPECT_TRUE(reader->ExpectEnd().ok());
}

TEST_F(RecordsTest, AWriterThatIsNotClosedLeavesNoWholeFile) {
  {
    auto writer = *RecordWriter::Create(fs_, path_);
    ASSERT_TRUE(writer->Append("first").ok());
    ASSERT_TRUE(writer->Append(std::string(1 << 20, 'x')).ok());
  }
  ExpectDamaged(Bytes(), 2);
}

TEST_F(RecordsTest, AWriterThatFailedGoesOnFailing) {
  auto writer = *RecordWriter::Create(fs_, path_);
  fs_.FailAt(0, FaultyFileSystem::Fault::kFail);
  const absl::Status failure = writer->Append("lost");
  EXPECT_EQ(failure.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(writer->Append("not lost"), failure);
  EXPECT_EQ(writer->Close(), failure);
  EXPECT_EQ(writer->Close(), failure);
  ExpectDamaged(Bytes(), 1);
}

TEST_F(RecordsTest, AFailureAtAnyOperationIsReported) {
  using Fault = FaultyFileSystem::Fault;
  for (const Fault fault : {Fault::kFail, Fault::kDiskFull, Fault::kCrash}) {
    bool reached = true;
    for (int64_t operation = 0; reached; ++operation) {
      fs_.FailAt(operation, fault);
      const absl::Status status = WriteRecords(fs_, path_, small_);
      reached = fs_.failed();
      EXPECT_EQ(status.ok(), !reached) << "operation " << operation << ": " << status;
      fs_.FailAt(0, Fault::kNone);
      if (fault == Fault::kCrash && reached) fs_.Restart();
    }
    EXPECT_EQ(*Read(small_.size()), small_);
  }
}

TEST_F(RecordsTest, AFileThatWasSyncedSurvivesTheLossOfPower) {
  Write(small_);
  ASSERT_TRUE(fs_.SyncFiles({path_}).ok());
  ASSERT_TRUE(fs_.SyncDirectory(scratch_.path()).ok());
  fs_.Restart();
  EXPECT_TRUE(Read(small_.size()).ok());
}

TEST_F(RecordsTest, AFileThatShrinksWhileItIsReadIsDamaged) {
  Write({std::string(2 << 20, 'x'), "second"});
  auto reader = *RecordReader::Open(fs_, path_);
  SetBytes(Bytes().substr(0, 100));
  EXPECT_EQ(reader->Next().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace tandem
