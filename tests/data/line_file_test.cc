// Line files: lines of plain and compressed files, told apart by content.
#include "src/data/line_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNoLimit = 64 << 20;
constexpr char kTooLong[] = "<too long>";

// All lines of a file, `at_a_time` of them in one Read, over-long ones as kTooLong.
absl::StatusOr<std::vector<std::string>> Lines(const std::string& path, int64_t max_line_bytes = kNoLimit,
                                               int at_a_time = 1000) {
  absl::StatusOr<std::unique_ptr<SampleFile>> reader =
      OpenLineFile(FileSystem::Default(), path, {max_line_bytes});
  if (!reader.ok()) return reader.status();
  std::vector<std::string> lines;
  for (RawRows chunk;;) {
    const absl::Status status = (*reader)->Read(at_a_time, &chunk);
    if (!status.ok()) return status;
    if (chunk.rows.empty()) return lines;
    EXPECT_LE(chunk.rows.size(), static_cast<size_t>(at_a_time));
    EXPECT_EQ(chunk.first_row, static_cast<int64_t>(lines.size()) + 1);
    EXPECT_EQ(chunk.too_long.size(), chunk.rows.size());
    for (size_t i = 0; i < chunk.rows.size(); ++i) {
      EXPECT_TRUE(!chunk.too_long[i] || chunk.rows[i].empty());
      lines.push_back(chunk.too_long[i] ? kTooLong : std::string(chunk.rows[i]));
    }
  }
}

// Lines that make about `bytes` of text that compresses badly.
std::vector<std::string> ManyLines(int bytes) {
  std::vector<std::string> lines;
  uint64_t state = 1;
  for (int size = 0; size < bytes; size += static_cast<int>(lines.back().size()) + 1) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    lines.push_back(absl::StrCat(absl::Hex(state), "\t", lines.size()));
  }
  return lines;
}

class LineFileTest : public SampleFilesTest {};

TEST_F(LineFileTest, LineEndsAreNotPartOfLines) {
  EXPECT_THAT(*Lines(Write("unix", "a\nb\n")), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("dos", "a\r\nb\r\n")), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("mixed", "a\r\nb\n\r\n\nc\r")), ElementsAre("a", "b", "", "", "c"));
  EXPECT_THAT(*Lines(Write("inside", "a\rb\r\r\n")), ElementsAre("a\rb\r"));
}

TEST_F(LineFileTest, ALastLineWithoutALineEndCounts) {
  EXPECT_THAT(*Lines(Write("file", "a\nb")), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("one", "a")), ElementsAre("a"));
  EXPECT_THAT(*Lines(Write("blank", "\n")), ElementsAre(""));
}

TEST_F(LineFileTest, AnEmptyFileHasNoLines) {
  EXPECT_THAT(*Lines(Write("plain", "")), IsEmpty());
  EXPECT_THAT(*Lines(Write("zero-bytes.gz", "")), IsEmpty());
  EXPECT_THAT(*Lines(Write("member.gz", Gzip(""))), IsEmpty());
  EXPECT_THAT(*Lines(Write("frame.zst", Zstd(""))), IsEmpty());
}

TEST_F(LineFileTest, AnyByteIsText) {
  const std::string line("a\xff\xfe\0\x80 \t", 7);  // at the begin of a file the first two are UTF-16's
  EXPECT_THAT(*Lines(Write("file", line + "\n" + line)), ElementsAre(line, line));
}

TEST_F(LineFileTest, AByteOrderMarkIsSkippedAtTheBeginningOnly) {
  EXPECT_THAT(*Lines(Write("file",
                           "\xef\xbb\xbf"
                           "a\n\xef\xbb\xbf"
                           "b\n")),
              ElementsAre("a",
                          "\xef\xbb\xbf"
                          "b"));
  EXPECT_THAT(*Lines(Write("alone", "\xef\xbb\xbf")), ElementsAre(""));
  EXPECT_THAT(*Lines(Write("split.gz", Gzip("\xef") + Gzip("\xbb\xbf"
                                                           "abc\n")),
                     3),
              ElementsAre("abc"));
}

TEST_F(LineFileTest, LinesComeInOrderWhateverTheChunk) {
  const std::vector<std::string> lines = ManyLines(1 << 20);
  const std::string path = Write("file", absl::StrJoin(lines, "\r\n") + "\r\n");
  for (const int at_a_time : {97, 8192, 1 << 30}) {
    EXPECT_TRUE(*Lines(path, kNoLimit, at_a_time) == lines) << at_a_time;
  }
}

TEST_F(LineFileTest, TheContentTellsTheFormatNotTheName) {
  EXPECT_THAT(*Lines(Write("gzip.tsv", Gzip("a\nb\n"))), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("gzip.zst", Gzip("a\nb\n"))), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("zstd.gz", Zstd("a\nb\n"))), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("plain.gz", "a\nb\n")), ElementsAre("a", "b"));
  EXPECT_THAT(*Lines(Write("short.gz", "\x1f")), ElementsAre("\x1f"));
}

TEST_F(LineFileTest, MembersAndFramesMayBeConcatenated) {
  const std::string text = absl::StrJoin(ManyLines(700000), "\n");
  const std::string more = absl::StrJoin(ManyLines(300000), "\n");
  const absl::StatusOr<std::vector<std::string>> plain = Lines(Write("plain", text + more));
  for (const auto& compress : {Gzip, Zstd}) {
    const std::string bytes = compress("") + compress(text) + compress("") + compress(more) + compress("");
    const absl::StatusOr<std::vector<std::string>> lines = Lines(Write("compressed", bytes));
    ASSERT_TRUE(lines.ok()) << lines.status();
    EXPECT_TRUE(*lines == *plain);
  }
  const std::string skippable("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
  EXPECT_THAT(*Lines(Write("pzstd", skippable + Zstd("a\n") + skippable + Zstd("b\n"))),
              ElementsAre("a", "b"));
}

TEST_F(LineFileTest, AWindowThatIsTooLongIsNamedAndNotCalledDamage) {
  // What `zstd --long=31` writes of a stream: a frame header that says a window of 2 GB, and an empty last
  // block.
  const std::string frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  const absl::Status status = Lines(Write("long.zst", frame)).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("zstd data with a window of more than 128 MB"))
      << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("long.zst")) << status;
}

TEST_F(LineFileTest, APipeInPlaceOfAFileIsRefused) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Lines(path).status().message()), HasSubstr("is a pipe, where a file is wanted"));
}

// Frames and texts whose ends fall on the ends of the reader's buffers (1 << 18 bytes).
TEST_F(LineFileTest, AFrameMayEndWhereABufferEnds) {
  constexpr int kBuffer = 1 << 18;
  for (const int size : {kBuffer - 1, kBuffer, kBuffer + 1, 2 * kBuffer}) {
    const std::string text(size, 'x');
    for (const auto& compress : {Gzip, Zstd}) {
      const absl::StatusOr<std::vector<std::string>> lines = Lines(Write("out", compress(text)));
      ASSERT_TRUE(lines.ok()) << size << lines.status();
      EXPECT_TRUE(*lines == std::vector<std::string>{text}) << size;
    }
  }
  // A first frame padded by a skippable one to a whole input buffer.
  const std::string frame = Zstd("a\n");
  std::string padding("\x50\x2a\x4d\x18", 4);
  const uint32_t length = kBuffer - static_cast<uint32_t>(frame.size()) - 8;
  for (int i = 0; i < 4; ++i) padding.push_back(static_cast<char>(length >> (8 * i)));
  padding.append(length, '\0');
  EXPECT_THAT(*Lines(Write("in", frame + padding)), ElementsAre("a"));
  EXPECT_THAT(*Lines(Write("in2", padding + frame)), ElementsAre("a"));
  EXPECT_THAT(*Lines(Write("in3", padding + frame + Zstd("b"))), ElementsAre("a", "b"));
}

TEST_F(LineFileTest, ATruncatedFileIsAnErrorThatNamesIt) {
  const std::string text = absl::StrJoin(ManyLines(600000), "\n");
  for (const auto& compress : {Gzip, Zstd}) {
    const std::string whole = compress(text) + compress("tail\n");
    const size_t first = compress(text).size();
    for (const size_t size :
         {size_t{4}, size_t{9}, size_t{100}, first / 2, first - 1, first + 5, whole.size() - 1}) {
      const std::string path = Write("cut", whole.substr(0, size));
      const absl::StatusOr<std::vector<std::string>> lines = Lines(path);
      ASSERT_FALSE(lines.ok()) << size;
      EXPECT_EQ(ExitCode(lines.status()), kExitData);
      EXPECT_THAT(std::string(lines.status().message()), AllOf(HasSubstr(path), HasSubstr("truncated")))
          << size;
    }
    EXPECT_TRUE(Lines(Write("cut", whole.substr(0, first))).ok()) << "between two members nothing is missing";
  }
}

TEST_F(LineFileTest, AChangedByteIsAnErrorOrHarmlessAndNeverACrash) {
  const std::string text = absl::StrJoin(ManyLines(3000), "\n");
  for (const auto& compress : {Gzip, Zstd}) {
    const std::string whole = compress(text);
    int errors = 0;
    for (size_t at = 4; at < whole.size(); at += 19) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      const std::string path = Write("damaged", bytes);
      const absl::StatusOr<std::vector<std::string>> lines = Lines(path);
      if (lines.ok()) continue;
      ++errors;
      EXPECT_EQ(ExitCode(lines.status()), kExitData);
      EXPECT_THAT(std::string(lines.status().message()), HasSubstr(path)) << at;
    }
    EXPECT_GT(errors, 50);
  }
  const absl::Status garbage = Lines(Write("tail", Gzip("a\n") + "garbage")).status();
  EXPECT_THAT(std::string(garbage.message()), AllOf(HasSubstr("/tail"), HasSubstr("damaged")));
}

TEST_F(LineFileTest, WhatIsNoFileIsAnErrorThatNamesIt) {
  const absl::Status absent = Lines(Path("absent")).status();
  EXPECT_EQ(ExitCode(absent), kExitData);
  EXPECT_THAT(std::string(absent.message()), AllOf(HasSubstr("/absent"), HasSubstr("No such file")));
  Write("folder/file", "");
  const absl::Status folder = Lines(Path("folder")).status();
  EXPECT_EQ(ExitCode(folder), kExitData);
  EXPECT_THAT(std::string(folder.message()), AllOf(HasSubstr("/folder"), HasSubstr("directory")));
}

TEST_F(LineFileTest, ATenMegabyteLineIsALine) {
  const std::string line(10 << 20, 'x');
  const std::string text = absl::StrCat("a\n", line, "\nb\n");
  for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
    EXPECT_TRUE(*Lines(Write("file", bytes)) == (std::vector<std::string>{"a", line, "b"}));
    EXPECT_THAT(*Lines(Write("file", bytes), 1 << 20), ElementsAre("a", kTooLong, "b"));
  }
}

TEST_F(LineFileTest, TheLimitIsExactWithoutTheLineEnd) {
  for (const char* end : {"\n", "\r\n", ""}) {
    EXPECT_THAT(*Lines(Write("file", absl::StrCat("a\n12345", end)), 5), ElementsAre("a", "12345")) << end;
    EXPECT_THAT(*Lines(Write("file", absl::StrCat("a\n123456", end)), 5), ElementsAre("a", kTooLong)) << end;
  }
}

// Line ends, and the byte that is one too many, on either side of the end of the reader's buffer (1 << 18
// bytes).
TEST_F(LineFileTest, TheLimitIsExactAtABuffersEnd) {
  constexpr int kBuffer = 1 << 18;
  for (int limit = kBuffer - 5; limit <= kBuffer + 2; ++limit) {
    const std::string longest(limit, 'x');
    for (const char* mark : {"", "\xef\xbb\xbf"}) {
      for (const char* end : {"\n", "\r\n"}) {
        EXPECT_TRUE(*Lines(Write("exact", absl::StrCat(mark, longest, end, "z", end)), limit) ==
                    (std::vector<std::string>{longest, "z"}))
            << limit;
        EXPECT_THAT(*Lines(Write("over", absl::StrCat(mark, longest, "x", end, "z", end)), limit),
                    ElementsAre(kTooLong, "z"))
            << limit;
      }
    }
  }
}

TEST_F(LineFileTest, OverLongLinesAtTheEndsOfTheFileAreLines) {
  const std::string big(1 << 20, 'x');
  EXPECT_THAT(*Lines(Write("first", absl::StrCat(big, "\na\n")), 9), ElementsAre(kTooLong, "a"));
  EXPECT_THAT(*Lines(Write("last", absl::StrCat("a\n", big)), 9), ElementsAre("a", kTooLong));
  EXPECT_THAT(*Lines(Write("twice", absl::StrCat(big, "\n", big, "\n\n", big, "\n")), 9, 1),
              ElementsAre(kTooLong, kTooLong, "", kTooLong));
}

TEST_F(LineFileTest, AChunkOfLongLinesIsBounded) {
  const std::string line(1 << 20, 'x');
  std::string text;
  for (int i = 0; i < 40; ++i) absl::StrAppend(&text, line, "\n");
  std::unique_ptr<SampleFile> reader =
      OpenLineFile(FileSystem::Default(), Write("file", text), {kNoLimit}).value();
  int lines = 0;
  for (RawRows chunk; reader->Read(8192, &chunk).ok() && !chunk.rows.empty();) {
    EXPECT_LT(chunk.bytes.size(), size_t{20} << 20);
    lines += static_cast<int>(chunk.rows.size());
  }
  EXPECT_EQ(lines, 40);
}

// Standard input comes in small pieces, compressed or not.
TEST_F(LineFileTest, StandardInputIsReadToItsEnd) {
  const std::vector<std::string> lines = ManyLines(200000);
  const std::string text = absl::StrJoin(lines, "\n");
  for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
    const int saved = dup(STDIN_FILENO);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    std::thread writer([&] {
      for (size_t at = 0; at < bytes.size(); at += 997) {
        const std::string piece = bytes.substr(at, 997);
        EXPECT_EQ(write(ends[1], piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
      }
      close(ends[1]);
    });
    const absl::StatusOr<std::vector<std::string>> read = Lines("-");
    writer.join();
    dup2(saved, STDIN_FILENO);
    close(saved);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == lines);
  }
}

// ---- heads

TEST_F(LineFileTest, TheFirstLineIsTheHead) {
  const auto file = OpenLineFile(FileSystem::Default(), Write("file", "\xef\xbb\xbfuser\tlabel\r\nu1\t1\r\n"),
                                 {kNoLimit, /*has_head=*/true})
                        .value();
  EXPECT_EQ(file->head(), "user\tlabel");
  RawRows chunk;
  ASSERT_TRUE(file->Read(10, &chunk).ok());
  EXPECT_EQ(chunk.first_row, 2);
  EXPECT_THAT(chunk.rows, ElementsAre("u1\t1"));
}

TEST_F(LineFileTest, AFileWithoutALineHasNoHead) {
  const std::string path = Write("file", "");
  EXPECT_FALSE(OpenLineFile(FileSystem::Default(), path, {kNoLimit, true}).value()->head().has_value());
  EXPECT_EQ(OpenLineFile(FileSystem::Default(), path, {kNoLimit}).value()->head(), "");
}

TEST_F(LineFileTest, AHeadThatIsTooLongIsSaidToBe) {
  const absl::Status status =
      OpenLineFile(FileSystem::Default(), Write("file", "label\tuser\n1\tu\n"), {9, true}).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("/file:1"), HasSubstr("max_line_bytes 9")));
}

TEST_F(LineFileTest, BlankLinesBeforeTheHeadAreNone) {
  const auto file =
      OpenLineFile(FileSystem::Default(), Write("file", "\n\r\nuser\n1\n"), {kNoLimit, true}).value();
  EXPECT_EQ(file->head(), "user");
  RawRows chunk;
  ASSERT_TRUE(file->Read(10, &chunk).ok());
  EXPECT_EQ(chunk.first_row, 4);
}

// ---- framing

TEST_F(LineFileTest, FramingTellsLinesApartAsTheFileDoes) {
  const RowFraming& framing = LineFraming();
  const auto scanner = framing.MakeScanner();
  EXPECT_EQ(scanner->RowBytes("ab\ncd\n", false), 3u);
  EXPECT_EQ(scanner->RowBytes("ab", false), std::nullopt);
  EXPECT_EQ(scanner->RowBytes("ab\n", false), 3u);
  EXPECT_EQ(scanner->RowBytes("ab", true), 2u) << "the last one has no line end";
  EXPECT_EQ(framing.Row("ab\r\n", false), "ab");
  EXPECT_EQ(framing.Row("ab\r", false), "ab");
  EXPECT_EQ(framing.Row("\xef\xbb\xbf"
                        "ab\n",
                        true),
            "ab");
  EXPECT_EQ(framing.Row("\xef\xbb\xbf"
                        "ab\n",
                        false),
            "\xef\xbb\xbf"
            "ab");
  std::string bytes;
  framing.Append("ab", &bytes);
  EXPECT_EQ(bytes, "ab\n");
}

// ---- faults

TEST_F(LineFileTest, AReadThatFailsIsADataErrorAtItsLine) {
  const std::string text = absl::StrJoin(ManyLines(3 << 20), "\n");
  for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
    const std::string path = Write("file", bytes);
    FaultyFileSystem fs(FileSystem::Default());
    fs.FailRead(3);
    const auto file = OpenLineFile(fs, path, {kNoLimit}).value();
    absl::Status status;
    for (RawRows chunk; status.ok();) {
      status = file->Read(1000, &chunk);
      ASSERT_TRUE(!status.ok() || !chunk.rows.empty()) << "the fault was passed over";
    }
    EXPECT_EQ(ExitCode(status), kExitData);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("/file"), HasSubstr("injected"), HasSubstr("at line")));
  }
}

}  // namespace
}  // namespace tandem
