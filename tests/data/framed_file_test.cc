// Rows that are no lines: their files, and a format of them.
#include "src/data/framed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/data/length_framing.h"
#include "src/data/line_format.h"
#include "tandem/schema.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Texts = std::vector<std::string>;

constexpr int64_t kLongest = 100000;
constexpr int64_t kLongestLength = 1000000;  // more is damage

std::string Framed(const Texts& rows) {
  std::string bytes;
  for (const std::string& row : rows) LengthFraming(kLongestLength).Append(row, &bytes);
  return bytes;
}

class FramedFileTest : public SampleFilesTest {
 protected:
  absl::StatusOr<Texts> Rows(const std::string& path, int max_rows = 100,
                             FileSystem& fs = FileSystem::Default()) const {
    TANDEM_ASSIGN_OR_RETURN(const auto file, OpenFramedFile(fs, path, framing_, kLongest));
    Texts rows;
    for (RawRows chunk;;) {
      TANDEM_RETURN_IF_ERROR(file->Read(max_rows, &chunk));
      if (chunk.rows.empty()) return rows;
      for (size_t r = 0; r < chunk.rows.size(); ++r) {
        EXPECT_EQ(chunk.Number(static_cast<int>(r)), static_cast<int64_t>(rows.size()) + 1);
        rows.push_back(chunk.too_long[r] ? "(too long)" : std::string(chunk.rows[r]));
        if (static_cast<int>(r) == chunk.cut_off) rows.back() += " (cut off)";
      }
    }
  }

  const LengthFraming framing_{kLongestLength};
};

TEST_F(FramedFileTest, RowsAreWhatTheFramingSays) {
  const Texts rows = {"one", "a\nb\r\n", "", std::string(kLongest, 'x'), "last"};
  const std::string bytes = Framed(rows);
  for (const int at_a_time : {1, 2, 100}) {
    EXPECT_EQ(*Rows(Write("log", bytes), at_a_time), rows);
    EXPECT_EQ(*Rows(Write("log.gz", Gzip(bytes)), at_a_time), rows);
    EXPECT_EQ(*Rows(Write("log.zst", Zstd(bytes)), at_a_time), rows);
  }
  EXPECT_EQ(*Rows(Write("empty", "")), Texts());
}

TEST_F(FramedFileTest, ARowThatIsTooLongIsMarkedAndSoIsOneThatIsCutOff) {
  const std::string path =
      Write("log", Framed({"one", std::string(kLongest + 1, 'x'), std::string(500000, 'x'), "two", "cut off"})
                       .substr(0, 3 + 4 + kLongest + 5 + 500004 + 7 + 4 + 3));
  for (const int at_a_time : {1, 100})
    EXPECT_THAT(*Rows(path, at_a_time),
                ElementsAre("one", "(too long)", "(too long)", "two", "cut (cut off)"));
}

// The lengths are what gzip, zstd and UTF-32 begin with.
TEST_F(FramedFileTest, WhatLooksLikeAnotherKindOfFileIsRows) {
  for (const size_t length : {size_t{0x8b1f}, size_t{0xfeff}}) {
    const Texts rows = {std::string(length, 'x'), "two"};
    EXPECT_EQ(*Rows(Write("log", Framed(rows))), rows) << length;
  }
  EXPECT_THAT(std::string(Rows(Write("log", "\x28\xb5\x2f\xfd")).status().message()),
              HasSubstr("a length of 4247762216 bytes"));
  EXPECT_THAT(*Rows(Write("log", "\x28\xb5\x2f")), ElementsAre(" (cut off)")) << "half a length, and no more";
  EXPECT_EQ(ExitCode(Rows(Write("log.gz", Framed({"one"}))).status()), kExitData) << "its name says gzip";
}

// 0xfffffff0: all that comes behind would be one row.
TEST_F(FramedFileTest, ALengthThatNoRowHasIsTheFilesError) {
  const std::string damaged = Framed({"one", "two"}) + "\xf0\xff\xff\xff" + Framed(Texts(50000, "three"));
  for (const int at_a_time : {1, 100}) {
    for (const std::string& path : {Write("log", damaged), Write("log.gz", Gzip(damaged))}) {
      const absl::Status status = Rows(path, at_a_time).status();
      EXPECT_EQ(ExitCode(status), kExitData);
      EXPECT_EQ(std::string(status.message()),
                path +
                    ": damaged rows after 14 bytes: a length of 4294967280 bytes, where no row has more "
                    "than 1000000, at row 3");
    }
  }
}

TEST_F(FramedFileTest, ATooLongRowThatIsCutOffIsTheFilesError) {
  const std::string bytes = Framed({"one", std::string(500000, 'x'), "two"});
  const absl::Status status = Rows(Write("log", bytes.substr(0, 400000))).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("log: damaged rows after 7 bytes: the file ends in the middle of a row of more "
                              "than 100000 bytes"),
                    HasSubstr("at row 2")));
}

TEST_F(FramedFileTest, AReadThatFailsIsADataErrorAtItsRow) {
  const std::string path = Write("log", Framed(Texts(40000, "twelve bytes")));
  FaultyFileSystem fs(FileSystem::Default());
  fs.FailRead(3);
  const absl::Status status = Rows(path, 1000, fs).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("injected"), HasSubstr("at row ")));
}

// Rows that have ends: the last one needs none.
class DollarFraming : public RowFraming {
 public:
  std::unique_ptr<RowScanner> MakeScanner() const override { return std::make_unique<Scanner>(); }
  absl::string_view Row(absl::string_view bytes, bool /*first*/) const override {
    absl::ConsumeSuffix(&bytes, "$");
    return bytes;
  }
  absl::string_view end() const override { return "$"; }
  int64_t overhead() const override { return 1; }
  void Append(absl::string_view row, std::string* bytes) const override { absl::StrAppend(bytes, row, "$"); }

 private:
  class Scanner : public RowScanner {
   public:
    std::optional<size_t> RowBytes(absl::string_view bytes, bool last) override {
      const size_t end = bytes.find('$');
      if (end != absl::string_view::npos) return end + 1;
      return last && !bytes.empty() ? std::optional(bytes.size()) : std::nullopt;
    }
    void Drop() override {}
  };
};

TEST_F(FramedFileTest, ALastRowWithoutItsEndIsARow) {
  const DollarFraming framing;
  const auto file = OpenFramedFile(FileSystem::Default(), Write("log", "one$two"), framing, kLongest).value();
  RawRows chunk;
  ASSERT_TRUE(file->Read(100, &chunk).ok());
  EXPECT_THAT(chunk.rows, ElementsAre("one", "two"));
  EXPECT_EQ(chunk.cut_off, -1);
}

// label:1 user:u17, a space between two.
class WordSyntax : public LineSyntax {
 public:
  std::string section() const override { return "data.words"; }
  int64_t max_line_bytes() const override { return 1000; }
  std::string limit() const override { return "data.words.max_row_bytes"; }
  const TextLists* lists() const override { return &lists_; }
  RowFault Parse(absl::string_view row, NamedCells* cells, std::string* detail) const override {
    for (const absl::string_view cell : absl::StrSplit(row, ' ')) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(cell, absl::MaxSplits(':', 1));
      const RowFault fault = cells->Begin(parts.first, detail);
      if (fault != RowFault::kNone) return fault;
      cells->Put(parts.second);
    }
    return RowFault::kNone;
  }

 private:
  const TextLists lists_{'|', ':'};
};

TEST_F(FramedFileTest, AFormatIsASyntaxAndAFraming) {
  const auto format =
      MakeFramedFormat(std::make_unique<WordSyntax>(), std::make_unique<LengthFraming>(kLongestLength));
  EXPECT_FALSE(format->framing().is_text());
  const Schema schema(
      ExperimentOf("data { path: 'unused' } feature { name: 'user' sparse {} }"
                   "model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }"));
  // What is left of the last one would be a row.
  const std::string bytes =
      Framed({"label:1 user:a\nb", std::string(2000, 'x'), "user:c", "label:1 user:cut_off"});
  const std::string path = Write("log", bytes.substr(0, bytes.size() - 4));
  const auto file = format->Open(FileSystem::Default(), path).value();
  const auto decoder = format->MakeDecoder(schema, {RowUse::kTrain}, *file->head(), path).value();
  RawRows rows;
  ASSERT_TRUE(file->Read(100, &rows).ok());
  Batch batch(1);
  std::vector<BadRow> bad;
  decoder->DecodeRows(rows, 0, static_cast<int>(rows.rows.size()), &batch, &bad);
  EXPECT_EQ(batch.rows(), 1);
  ASSERT_EQ(bad.size(), 3u);
  EXPECT_EQ(bad[0].fault, RowFault::kRowTooLong);
  EXPECT_EQ(bad[0].detail, "a row of more than data.words.max_row_bytes 1000");
  EXPECT_EQ(bad[1].fault, RowFault::kLabel);
  EXPECT_EQ(bad[2].fault, RowFault::kSyntax);
  EXPECT_EQ(bad[2].detail, "the file ends in the middle of a row");
}

}  // namespace
}  // namespace tandem
