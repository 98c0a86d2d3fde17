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
#include "src/data/line_file.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class StreamReaderTest : public SampleFilesTest {
 protected:
  static std::unique_ptr<StreamReader> Open(const std::string& path, bool follow,
                                            int64_t max_line_bytes = 100) {
    absl::StatusOr<std::unique_ptr<StreamReader>> reader =
        StreamReader::Open(FileSystem::Default(), path, follow, LineFraming(), max_line_bytes, nullptr);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  // Lines up to what isn't one: "text@begin-end", then "wait" or "end".
  static std::vector<std::string> Lines(StreamReader* reader) {
    std::vector<std::string> lines;
    for (;;) {
      StreamLine line;
      const absl::StatusOr<StreamReader::Event> event = reader->Next(0.001, &line);
      if (!event.ok()) {
        lines.push_back(absl::StrCat("error ", event.status().message()));
        return lines;
      }
      if (*event != StreamReader::Event::kLine) {
        lines.push_back(*event == StreamReader::Event::kEnd ? "end" : "wait");
        return lines;
      }
      lines.push_back(absl::StrCat(line.too_long ? "(too long)" : line.text, "@", line.begin, "-", line.end));
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
      StreamLine line;
      for (int i = 0; i < from; ++i) ASSERT_TRUE(whole->Next(0, &line).ok());
      const auto skipped = Open(path, false);
      ASSERT_TRUE(skipped->SkipTo(whole->offset(), from, whole->Hash()).ok());
      EXPECT_EQ(Lines(skipped.get()), Texts(all.begin() + from, all.end())) << from;
      EXPECT_EQ(skipped->lines(), 5000);
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
  StreamLine line;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(whole->Next(0, &line).ok());
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
