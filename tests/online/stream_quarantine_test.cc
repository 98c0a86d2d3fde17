// Malformed rows of a stream, set aside and resumed.
#include "src/online/stream_quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class StreamQuarantineTest : public SampleFilesTest {
 protected:
  StreamQuarantine Make(double max_bad_fraction = 1, const std::string& input = "logs/clicks.tsv.gz") {
    return StreamQuarantine(fs_, Path("quarantine"), input, max_bad_fraction);
  }
  static absl::Status Bad(StreamQuarantine* quarantine, int64_t line, const std::string& text) {
    return quarantine->BadRow(line, RowFault::kLabel, "label 'x' is not 0 or 1", text + "\n");
  }

  FileSystem& fs_ = FileSystem::Default();
  proto::OnlineState state_;
};

TEST_F(StreamQuarantineTest, RowsComeUnderTheHeaderInAFileNamedAfterTheStream) {
  StreamQuarantine quarantine = Make();
  ASSERT_TRUE(quarantine.Resume("label\tuser\n", &state_).ok());
  EXPECT_FALSE(fs_.Exists(Path("quarantine"))) << "without a malformed row there is nothing";
  ASSERT_TRUE(Bad(&quarantine, 5, "x\tu").ok());
  ASSERT_TRUE(quarantine.GoodRow().ok());
  ASSERT_TRUE(quarantine.Sync().ok());
  EXPECT_EQ(FileBytes(Path("quarantine/clicks.tsv")), "label\tuser\nx\tu\n");
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kLabel)), 1);
  EXPECT_EQ(state_.rows_good(), 1);
  StreamQuarantine of_input = Make(1, "-");
  proto::OnlineState other;
  ASSERT_TRUE(of_input.Resume("", &other).ok());
  ASSERT_TRUE(Bad(&of_input, 1, "x").ok());
  ASSERT_TRUE(of_input.Sync().ok());
  EXPECT_EQ(FileBytes(Path("quarantine/standard-input")), "x\n");
}

TEST_F(StreamQuarantineTest, ResumedItIsCutToWhatTheCheckpointKnows) {
  {
    StreamQuarantine quarantine = Make();
    ASSERT_TRUE(quarantine.Resume("h\n", &state_).ok());
    ASSERT_TRUE(Bad(&quarantine, 1, "one").ok());
    ASSERT_TRUE(quarantine.Sync().ok());
    proto::OnlineState later = state_;
    ASSERT_TRUE(Bad(&quarantine, 2, "lost").ok());
    ASSERT_TRUE(quarantine.Sync().ok());
    state_ = later;
  }
  StreamQuarantine resumed = Make();
  ASSERT_TRUE(resumed.Resume("h\n", &state_).ok());
  ASSERT_TRUE(Bad(&resumed, 2, "two").ok());
  ASSERT_TRUE(resumed.Sync().ok());
  EXPECT_EQ(FileBytes(Path("quarantine/clicks.tsv")), "h\none\ntwo\n");
  // From the beginning: what is there is of a run that came to nothing.
  proto::OnlineState fresh;
  StreamQuarantine anew = Make();
  ASSERT_TRUE(anew.Resume("h\n", &fresh).ok());
  EXPECT_FALSE(fs_.Exists(Path("quarantine/clicks.tsv")));
}

TEST_F(StreamQuarantineTest, TheLastLinesAreJudgedTogetherAndTheFirstOfThemIsNamed) {
  StreamQuarantine quarantine = Make(0.01);
  ASSERT_TRUE(quarantine.Resume("h\n", &state_).ok());
  // A share of 1 % is borne...
  for (int64_t line = 1; line <= StreamQuarantine::kJudgedRows; ++line)
    ASSERT_TRUE((line % 100 == 0 ? Bad(&quarantine, line, "x") : quarantine.GoodRow()).ok()) << line;
  EXPECT_EQ(state_.judged_rows(), 0) << "judged";
  // ...and a burst is not, at the latest when the stream ends.
  ASSERT_TRUE(quarantine.GoodRow().ok());
  ASSERT_TRUE(Bad(&quarantine, 10002, "x").ok());
  const absl::Status status = quarantine.Judge();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(HasSubstr("1 of the last 2 rows are malformed"),
                             HasSubstr("max_bad_fraction 0.01"), HasSubstr(":10002: label 'x'")));
}

TEST_F(StreamQuarantineTest, ARowThatCantBeSetAsideIsAnError) {
  FaultyFileSystem faulty(FileSystem::Default());
  StreamQuarantine quarantine(faulty, Path("quarantine"), "clicks.tsv", 1);
  ASSERT_TRUE(quarantine.Resume("h\n", &state_).ok());
  faulty.FailAt(0, FaultyFileSystem::Fault::kDiskFull);
  const absl::Status written = Bad(&quarantine, 1, "x");
  EXPECT_EQ((written.ok() ? quarantine.Sync() : written).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace tandem
