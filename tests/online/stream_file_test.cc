// Rows that wait, in a checkpoint and back.
#include "src/online/stream_file.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tandem/durable_files.h"
#include "tandem/records.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

WaitingRow Row(int number) {
  return {absl::StrCat("line\t", number, std::string(1, '\0')), number + 0.5, number % 3 == 0, 0};
}

void ExpectRows(const std::vector<WaitingRow>& rows, int first, int count) {
  ASSERT_EQ(static_cast<int>(rows.size()), count);
  for (int i = 0; i < count; ++i) {
    const WaitingRow wanted = Row(first + i);
    ASSERT_EQ(rows[i].raw, wanted.raw);
    ASSERT_EQ(rows[i].time, wanted.time);
    ASSERT_EQ(rows[i].positive, wanted.positive);
  }
}

// More rows than a record holds, and the border between the two kinds within a record.
constexpr int kAtHand = 300;
constexpr int kWaiting = 9000;

absl::Status WriteExample(FileSystem& fs, const std::string& path) {
  proto::OnlineState state;
  state.set_offset(123456789012);
  state.set_window("window");
  std::vector<WaitingRow> at_hand;
  std::deque<WaitingRow> waiting;
  for (int i = 0; i < kAtHand; ++i) at_hand.push_back(Row(i));
  for (int i = 0; i < kWaiting; ++i) waiting.push_back(Row(kAtHand + i));
  return WriteStreamFile(fs, path, state, at_hand, waiting);
}

TEST(StreamFile, HoldsTheStateAndTheRowsInTheirOrder) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(WriteExample(fs, scratch / "stream.bin").ok());
  const absl::StatusOr<StreamFile> file = ReadStreamFile(fs, scratch / "stream.bin");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->state.offset(), 123456789012);
  ExpectRows(file->at_hand, 0, kAtHand);
  ExpectRows(file->waiting, kAtHand, kWaiting);
  EXPECT_EQ(ReadStreamState(fs, scratch / "stream.bin")->SerializeAsString(),
            file->state.SerializeAsString());
}

TEST(StreamFile, WithoutRowsIsTheStateAlone) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(WriteStreamFile(fs, scratch / "stream.bin", proto::OnlineState(), {}, {}).ok());
  const absl::StatusOr<StreamFile> file = ReadStreamFile(fs, scratch / "stream.bin");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->at_hand.empty() && file->waiting.empty());
}

TEST(StreamFile, OneThatWasCutShortOrPromisesOtherRowsIsDamaged) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  const std::string path = scratch / "stream.bin";
  ASSERT_TRUE(WriteExample(fs, path).ok());
  const std::string bytes = *fs.ReadFile(path);
  ASSERT_TRUE(WriteFileAtomically(fs, path, bytes.substr(0, bytes.size() - 30)).ok());
  EXPECT_EQ(ExitCode(ReadStreamFile(fs, path).status()), kExitModel);
  proto::OnlineState state;
  for (const int promised : {0, 2}) {
    state.set_batch_rows(promised);
    proto::StreamRows rows;
    rows.add_row()->set_raw("one");
    auto writer = RecordWriter::Create(fs, path).value();
    ASSERT_TRUE(writer->Append(state.SerializeAsString()).ok());
    ASSERT_TRUE(writer->Append(rows.SerializeAsString()).ok());
    ASSERT_TRUE(writer->Close().ok());
    EXPECT_EQ(ExitCode(ReadStreamFile(fs, path).status()), kExitModel) << promised << " rows promised";
  }
}

TEST(StreamFile, EveryFailedWriteIsReported) {
  const ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  for (int64_t operation = 0;; ++operation) {
    fs.FailAt(operation, FaultyFileSystem::Fault::kFail);
    const absl::Status status = WriteExample(fs, scratch / "stream.bin");
    EXPECT_EQ(status.ok(), !fs.failed()) << "operation " << operation;
    if (!fs.failed()) break;
  }
}

}  // namespace
}  // namespace tandem
