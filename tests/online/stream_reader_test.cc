// Reading a stream from any place, while it grows, shrinks or is replaced.
#include "src/online/stream_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "src/data/delimited/quoted_framing.h"
#include "src/data/length_framing.h"
#include "src/data/line_file.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class StreamReaderTest : public SampleFilesTest {
 protected:
  static std::unique_ptr<StreamReader> Open(const std::string& path, bool follow,
                                            const RowFraming& framing = LineFraming()) {
    absl::StatusOr<std::unique_ptr<StreamReader>> reader =
        StreamReader::Open(FileSystem::Default(), path, follow, framing, /*max_row_bytes=*/100, nullptr);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  // Lines up to what isn't one: "text@begin-end", then "wait" or "end".
  static std::vector<std::string> Lines(StreamReader* reader) {
    std::vector<std::string> lines;
    for (;;) {
      StreamRow row;
      const absl::StatusOr<StreamReader::Event> event = reader->Next(0.001, &row);
      if (!event.ok()) {
        lines.push_back(absl::StrCat("error ", event.status().message()));
        return lines;
      }
      if (*event != StreamReader::Event::kRow) {
        lines.push_back(*event == StreamReader::Event::kEnd ? "end" : "wait");
        return lines;
      }
      lines.push_back(absl::StrCat(row.too_long ? "(too long)" : row.text, "@", row.begin, "-", row.end,
                                   row.cut_off ? " cut off" : ""));
    }
  }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::app) << text;
  }
  using Texts = std::vector<std::string>;
};

TEST_F(StreamReaderTest, LinesComeWithTheirPlaces) {
  const std::string path = Write("log", "\xef\xbb\xbfh\r\nab\n\nlast");
  EXPECT_EQ(Lines(Open(path, false).get()), (Texts{"h@0-6", "ab@6-9", "@9-10", "last@10-14", "end"}));
}

TEST_F(StreamReaderTest, AFollowedFileIsWaitedForAndHalfALineIsNone) {
  const std::string path = Write("log", "");
  const auto reader = Open(path, true);
  EXPECT_EQ(Lines(reader.get()), (Texts{"wait"}));
  Append("log", "one\ntw");
  EXPECT_EQ(Lines(reader.get()), (Texts{"one@0-4", "wait"}));
  Append("log", "o\n");
  EXPECT_EQ(Lines(reader.get()), (Texts{"two@4-8", "wait"}));
  EXPECT_EQ(reader->offset(), 8);
}

TEST_F(StreamReaderTest, TheFileIsReadThroughTheFileSystemThatIsGiven) {
  const std::string path = Write("log", "one\ntwo\n");
  FaultyFileSystem fs(FileSystem::Default());
  const auto reader = StreamReader::Open(fs, path, /*follow=*/true, LineFraming(), 100, nullptr).value();
  EXPECT_EQ(Lines(reader.get()), (Texts{"one@0-4", "two@4-8", "wait"}));
  Append("log", "three\n");
  fs.FailRead(0);
  EXPECT_EQ(Lines(reader.get()).back().find("error "), 0u);
}

TEST_F(StreamReaderTest, AFollowedFileThatShrinksIsAnError) {
  const std::string path = Write("log", "one\ntwo\n");
  const auto reader = Open(path, true);
  Lines(reader.get());
  Write("log", "one\n");
  EXPECT_EQ(Lines(reader.get()).back().find("error "), 0u);
}

TEST_F(StreamReaderTest, FromAnyLinesEndTheRestComesAsItWould) {
  std::string text;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&text, "line ", i * i, "\n");
  for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
    const std::string path = Write("log", bytes);
    const Texts all = Lines(Open(path, false).get());
    for (const int from : {0, 1, 1234, 4999, 5000}) {
      const auto whole = Open(path, false);
      StreamRow row;
      for (int i = 0; i < from; ++i) ASSERT_TRUE(whole->Next(0, &row).ok());
      const auto skipped = Open(path, false);
      ASSERT_TRUE(skipped->SkipTo(whole->offset(), from, whole->Hash()).ok());
      EXPECT_EQ(Lines(skipped.get()), Texts(all.begin() + from, all.end())) << from;
      EXPECT_EQ(skipped->numbers(), 5000);
    }
  }
}

TEST_F(StreamReaderTest, AStreamShorterThanThePlaceIsAnotherStream) {
  const auto reader = Open(Write("log", "one\n"), false);
  const absl::Status status = reader->SkipTo(5, 2, std::nullopt);
  EXPECT_EQ(ExitCode(status), kExitData) << status;
}

TEST_F(StreamReaderTest, OtherBytesBeforeThePlaceAreAnotherStream) {
  const auto whole = Open(Write("log", "one\ntwo\nthree\n"), false);
  StreamRow row;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(whole->Next(0, &row).ok());
  const absl::Status same = Open(Write("same", "one\ntwo\nfour\n"), false)->SkipTo(8, 2, whole->Hash());
  EXPECT_TRUE(same.ok()) << same;
  const absl::Status other = Open(Write("other", "one\nTwo\nthree\n"), false)->SkipTo(8, 2, whole->Hash());
  EXPECT_EQ(ExitCode(other), kExitData) << other;
  EXPECT_NE(other.message().find("its first 8 bytes"), std::string::npos) << other;
}

TEST_F(StreamReaderTest, AFollowedFileThatIsReplacedIsAnErrorOnceItsLinesAreRead) {
  const std::string path = Write("log", "one\n");
  const auto reader = Open(path, true);
  EXPECT_EQ(Lines(reader.get()), (Texts{"one@0-4", "wait"}));
  Append("log", "two\n");
  std::filesystem::rename(path, path + ".1");
  // Longer than what was read: its size alone would tell nothing.
  Write("log", "three\nfour\nfive\n");
  EXPECT_EQ(Lines(reader.get()), (Texts{"two@4-8", "wait"}));
  // Its writer hasn't noticed yet.
  Append("log.1", "late\n");
  EXPECT_EQ(Lines(reader.get()), (Texts{"late@8-13", "wait"}));
  Texts rest;
  const absl::Time began = absl::Now();
  while (rest.empty() || rest == Texts{"wait"}) {
    ASSERT_LT(absl::Now() - began, absl::Seconds(20));
    rest = Lines(reader.get());
  }
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_NE(rest[0].find("was replaced by another file after 13 bytes"), std::string::npos) << rest[0];
}

TEST_F(StreamReaderTest, ALastLineThatHasGrownSinceIsAnError) {
  const std::string path = Write("log", "one\ntwo");
  EXPECT_EQ(Lines(Open(path, false).get()).back(), "end");
  Append("log", "\nthree\n");
  auto reader = Open(path, false);
  ASSERT_TRUE(reader->SkipTo(7, 2, std::nullopt).ok());
  EXPECT_EQ(Lines(reader.get()), (Texts{"three@8-14", "end"})) << "only the line end had been missing";
  Write("log", "one\ntwo and a half\n");
  reader = Open(path, false);
  ASSERT_TRUE(reader->SkipTo(7, 2, std::nullopt).ok());
  EXPECT_EQ(Lines(reader.get()).back().find("error "), 0u);
}

constexpr int64_t kLongestLength = 1000000;  // more is damage

std::string Framed(const std::vector<std::string>& rows) {
  std::string bytes;
  for (const std::string& row : rows) LengthFraming(kLongestLength).Append(row, &bytes);
  return bytes;
}

TEST_F(StreamReaderTest, RowsWithoutEndsAreReadOnFromEachOfThem) {
  const LengthFraming framing(kLongestLength);
  // What looks like a line's end is none; the longest row there may be, and one that is too long.
  const std::string path =
      Write("log", Framed({"one", "a\nb\n", "", std::string(100, 'x'), std::string(200000, 'y'), "last"}));
  const Texts all = Lines(Open(path, false, framing).get());
  EXPECT_EQ(all, (Texts{"one@0-7", "a\nb\n@7-15", "@15-19", std::string(100, 'x') + "@19-123",
                        "(too long)@123-200127", "last@200127-200135", "end"}));
  const auto whole = Open(path, false, framing);
  for (int from = 0; from <= 6; ++from) {
    const auto resumed = Open(path, false, framing);
    const absl::Status skipped = resumed->SkipTo(whole->offset(), whole->numbers(), whole->Hash());
    ASSERT_TRUE(skipped.ok()) << skipped;
    EXPECT_EQ(Lines(resumed.get()), Texts(all.begin() + from, all.end())) << from;
    EXPECT_EQ(resumed->numbers(), 6) << "a row takes one number, whatever bytes it is of";
    StreamRow row;
    ASSERT_TRUE(whole->Next(0, &row).ok());
  }
}

TEST_F(StreamReaderTest, ARowWithoutAnEndThatWasCutOffIsNotReadOn) {
  const LengthFraming framing(kLongestLength);
  const std::string bytes = Framed({"one", "two\n", std::string(300000, 'x')});
  // In the middle of a length, of a row, and of a length behind what looks like a line's end.
  for (const size_t cut : {size_t{9}, size_t{13}, size_t{17}}) {
    const std::string path = Write("log", bytes.substr(0, cut));
    const auto reader = Open(path, false, framing);
    const Texts lines = Lines(reader.get());
    EXPECT_EQ(lines.back(), "end");
    EXPECT_NE(lines[lines.size() - 2].find(" cut off"), std::string::npos) << lines[lines.size() - 2];
    ASSERT_EQ(reader->offset(), static_cast<int64_t>(cut));
    const auto same = Open(path, false, framing);
    ASSERT_TRUE(same->SkipTo(cut, reader->numbers(), std::nullopt).ok());
    EXPECT_EQ(Lines(same.get()), (Texts{"end"})) << cut;
    Write("log", bytes);
    const auto grown = Open(path, false, framing);
    ASSERT_TRUE(grown->SkipTo(cut, reader->numbers(), std::nullopt).ok());
    EXPECT_NE(Lines(grown.get())[0].find("in the middle of a row, which has grown"), std::string::npos)
        << cut;
  }
}

TEST_F(StreamReaderTest, ATooLongRowThatIsCutOffIsAnError) {
  const LengthFraming framing(kLongestLength);
  const std::string path = Write("log", Framed({"one", std::string(300000, 'x')}).substr(0, 250000));
  const auto reader = Open(path, false, framing);
  EXPECT_EQ(
      Lines(reader.get()),
      (Texts{"one@0-7", "error " + path +
                            ": damaged rows after 7 bytes: the file ends in the middle of a row of more "
                            "than 100 bytes, the most that one may have: its length is damaged, or the "
                            "file is truncated, at row 2"}));
}

TEST_F(StreamReaderTest, ALengthThatNoRowHasEndsTheStreamFollowedOrNot) {
  const LengthFraming framing(kLongestLength);
  const std::string path = Write("log", Framed({"one"}) + "\xf0\xff\xff\xff" + Framed({"two"}));
  for (const bool follow : {false, true}) {
    EXPECT_EQ(
        Lines(Open(path, follow, framing).get()),
        (Texts{"one@0-7", "error " + path +
                              ": damaged rows after 7 bytes: a length of 4294967280 bytes, where no row has "
                              "more than 1000000, at row 2"}));
  }
}

// The first length is what gzip begins with.
TEST_F(StreamReaderTest, RowsOfAnyBytesAreNotTakenForAnotherKindOfFile) {
  const LengthFraming framing(kLongestLength);
  const std::string path = Write("log", Framed({std::string(0x8b1f, 'x'), "two"}));
  for (const bool follow : {false, true}) {
    const auto reader = Open(path, follow, framing);
    EXPECT_EQ(Lines(reader.get()), (Texts{"(too long)@0-35619", "two@35619-35626", follow ? "wait" : "end"}));
  }
  const absl::StatusOr<std::unique_ptr<StreamReader>> packed = StreamReader::Open(
      FileSystem::Default(), Write("log.gz", Gzip(Framed({"one"}))), true, framing, 100, nullptr);
  EXPECT_EQ(ExitCode(packed.status()), kExitUsage);
}

TEST_F(StreamReaderTest, AFollowedRowWithoutAnEndIsWaitedForToItsLastByte) {
  const LengthFraming framing(kLongestLength);
  const std::string bytes = Framed({"one", "two"});
  const auto reader = Open(Write("log", bytes.substr(0, 13)), true, framing);
  EXPECT_EQ(Lines(reader.get()), (Texts{"one@0-7", "wait"}));
  Append("log", bytes.substr(13));
  EXPECT_EQ(Lines(reader.get()), (Texts{"two@7-14", "wait"}));
}

TEST_F(StreamReaderTest, ARowOfSeveralLinesTakesAsManyNumbers) {
  const auto framing = QuotedFraming({',', '"'}, 100);
  const auto reader = Open(Write("log", "a\n\"b\n\n\"\nc\n"), false, *framing);
  std::vector<int64_t> numbers;
  for (StreamRow row; *reader->Next(0, &row) == StreamReader::Event::kRow;) numbers.push_back(row.number);
  EXPECT_EQ(numbers, (std::vector<int64_t>{1, 2, 5}));
}

TEST_F(StreamReaderTest, AnOverlongLineIsMarkedAndNotKept) {
  const std::string path = Write("log", absl::StrCat("a\n", std::string(1 << 20, 'x'), "\nb\n"));
  EXPECT_EQ(Lines(Open(path, false).get()),
            (Texts{"a@0-2", "(too long)@2-1048579", "b@1048579-1048581", "end"}));
}

TEST_F(StreamReaderTest, ACompressedFileIsNotFollowed) {
  const absl::Status status =
      StreamReader::Open(FileSystem::Default(), Write("log", Gzip("a\n")), true, LineFraming(), 100, nullptr)
          .status();
  EXPECT_EQ(ExitCode(status), kExitUsage) << status;
}

}  // namespace
}  // namespace tandem
