// A stream that goes on from its place in a checkpoint.
#include "src/online/resumable_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "src/online/admission.h"
#include "tandem/online.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using Event = StreamReader::Event;

class ResumableStreamTest : public SampleFilesTest {
 protected:
  ResumableStreamTest()
      : experiment_(OnlineExperiment(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"))),
        schema_(experiment_),
        admission_(experiment_, schema_, FileSystem::Default(), Path("quarantine"), "clicks", &state_) {}

  ResumableStream Stream(const std::string& path, bool follow = false) {
    return ResumableStream({path, follow, &stop_}, &admission_, &state_);
  }
  // The next line's text; "wait" or "end" where there is none.
  static std::string Next(ResumableStream* stream) {
    StreamRow line;
    const absl::StatusOr<Event> event = stream->Next(0, &line);
    EXPECT_TRUE(event.ok()) << event.status();
    return *event == Event::kRow ? std::string(line.text) : *event == Event::kWait ? "wait" : "end";
  }

  static constexpr char kHeader[] = "label\tuser\titem\ttags\tquery\tage\n";
  const proto::Experiment experiment_;
  const Schema schema_;
  proto::OnlineState state_;
  Admission admission_;
  std::atomic<int> stop_{0};
};

TEST_F(ResumableStreamTest, GoesOnWhereItsStateWasLeft) {
  const std::string path = Write("log", absl::StrCat(kHeader, "one\ntwo\nthree\n"));
  {
    ResumableStream stream = Stream(path);
    ASSERT_TRUE(*stream.Open());
    EXPECT_EQ(Next(&stream), "one");
    EXPECT_EQ(Next(&stream), "two");
    stream.Save();
  }
  EXPECT_EQ(state_.numbers(), 3);
  EXPECT_EQ(state_.offset(), static_cast<int64_t>(sizeof(kHeader) - 1 + 8));
  ResumableStream stream = Stream(path);
  ASSERT_TRUE(*stream.Open());
  EXPECT_EQ(Next(&stream), "three");
  EXPECT_FALSE(stream.over());
  EXPECT_EQ(Next(&stream), "end");
  EXPECT_TRUE(stream.over());
}

TEST_F(ResumableStreamTest, IsKnownByWhatIsInItNotByItsName) {
  ResumableStream stream = Stream(Write("log", absl::StrCat(kHeader, "one\ntwo\n")));
  ASSERT_TRUE(*stream.Open());
  EXPECT_EQ(Next(&stream), "one");
  stream.Save();
  ResumableStream moved = Stream(Write("moved", absl::StrCat(kHeader, "one\nmore\n")));
  ASSERT_TRUE(*moved.Open());
  EXPECT_EQ(Next(&moved), "more");
  state_.set_offset(state_.offset() - 5);
  ResumableStream other = Stream(Write("other", absl::StrCat(kHeader, "two\n")));
  EXPECT_EQ(ExitCode(other.Open().status()), kExitData);
}

TEST_F(ResumableStreamTest, OpensAgainAtAPlaceThatTheStateWasMovedTo) {
  ResumableStream stream = Stream(Write("log", absl::StrCat(kHeader, "one\ntwo\n")));
  ASSERT_TRUE(*stream.Open());
  while (!stream.over()) Next(&stream);
  state_.set_offset(sizeof(kHeader) - 1 + 4);
  state_.set_numbers(2);
  ASSERT_TRUE(*stream.Open());
  EXPECT_FALSE(stream.over());
  EXPECT_EQ(Next(&stream), "two");
  EXPECT_EQ(state_.numbers(), 3);
}

TEST_F(ResumableStreamTest, AStreamThatEndsBeforeItsHeaderIsOverAndOneThatIsStoppedIsNot) {
  ResumableStream empty = Stream(Write("empty", ""));
  EXPECT_FALSE(*empty.Open());
  EXPECT_TRUE(empty.over());
  stop_ = 15;
  ResumableStream growing = Stream(Write("growing", ""), /*follow=*/true);
  EXPECT_FALSE(*growing.Open());
  EXPECT_FALSE(growing.over());
}

TEST_F(ResumableStreamTest, WhatIsWrongWithAFileIsToldBeforeAnythingIsWritten) {
  EXPECT_EQ(ExitCode(Stream(Path("nowhere")).Check()), kExitData);
  EXPECT_EQ(ExitCode(Stream(Write("columns", "label\tuser\n")).Check()), kExitData);
  EXPECT_EQ(ExitCode(Stream(Write("log.gz", Gzip(kHeader)), /*follow=*/true).Check()), kExitUsage);
  EXPECT_TRUE(Stream(Write("log", kHeader)).Check().ok());
  EXPECT_FALSE(FileSystem::Default().Exists(Path("quarantine")));
}

}  // namespace
}  // namespace tandem
