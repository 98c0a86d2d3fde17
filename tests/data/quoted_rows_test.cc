// Quoted text: whatever is written is read back, however its bytes come, and nothing is lost of what isn't
// RFC 4180.
#include "src/data/delimited/quoted_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "src/data/delimited/header_line.h"
#include "src/data/delimited/quote_scan.h"
#include "src/data/delimited/quoted_cells.h"
#include "src/data/delimited/quoted_framing.h"
#include "src/data/line_file.h"
#include "tandem/day_reader.h"
#include "tandem/random.h"
#include "tandem/sample_format.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Cells = std::vector<std::string>;

constexpr Quoting kQuoting{',', '"'};

// Checks a property on examples that are the same in every run.
template <typename Property>
void Check(const Property& property) {
  setenv("RC_PARAMS", "seed=4180 max_success=200 max_size=60", /*overwrite=*/1);
  EXPECT_TRUE(rc::check(property));
}

// The sizes of the rows of `bytes`, which come in pieces of sizes[0], sizes[1], ..., over and over.
std::vector<size_t> RowSizes(const std::string& bytes, int64_t max_row_bytes,
                             const std::vector<size_t>& sizes) {
  QuotedRows rows(kQuoting, max_row_bytes);
  std::vector<size_t> found;
  size_t begin = 0;
  size_t there = 0;
  for (size_t piece = 0; begin < bytes.size();) {
    const std::optional<size_t> row =
        rows.RowBytes(absl::string_view(bytes).substr(begin, there - begin), there == bytes.size());
    if (row.has_value()) {
      found.push_back(*row);
      begin += *row;
    } else {
      RC_ASSERT(there < bytes.size());
      there = std::min(bytes.size(), there + 1 + sizes[piece++ % sizes.size()]);
    }
  }
  return found;
}

std::vector<std::string> RowsOf(const std::string& bytes, const std::vector<size_t>& sizes,
                                int64_t max_row_bytes = 1 << 20) {
  std::vector<std::string> rows;
  size_t begin = 0;
  for (const size_t size : RowSizes(bytes, max_row_bytes, sizes)) {
    rows.push_back(bytes.substr(begin, size));
    begin += size;
  }
  return rows;
}

// The definition, byte by byte: the size of the row that `bytes` begin with.
size_t DefinedRowSize(const std::string& bytes, size_t max_row_bytes) {
  const size_t first_line = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
  bool cell_begin = true;
  for (size_t at = 0; at < bytes.size();) {
    if (cell_begin && bytes[at] == '"') {
      ++at;
      for (;; ++at) {
        at = bytes.find('"', at);
        if (at == std::string::npos) return first_line;
        if (bytes.compare(at, 2, "\"\"") != 0) break;
        ++at;
      }
      ++at;
      const bool ends = at == bytes.size() || bytes[at] == ',' || bytes[at] == '\n' ||
                        bytes.compare(at, 2, "\r\n") == 0 || (bytes[at] == '\r' && at + 1 == bytes.size());
      if (!ends) return first_line;
      if (at < bytes.size() && bytes[at] == '\r') ++at;
      cell_begin = false;
      continue;
    }
    if (bytes[at] == '\n') return at < first_line || at <= max_row_bytes + 1 ? at + 1 : first_line;
    cell_begin = bytes[at] == ',';
    ++at;
  }
  // The end of the bytes: a longer row of several lines is broken there, too.
  return first_line < bytes.size() && bytes.size() > max_row_bytes + 1 ? first_line : bytes.size();
}

std::string WrittenCell(const std::string& cell, bool quote) {
  if (!quote && cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  return absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
}

auto AnyCell() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abc 7,,\"\"\"\n\r\xc3\xa9|:\tx0123456789")));
}

auto AnyCuts() {
  return rc::gen::suchThat(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 90)),
                           [](const std::vector<size_t>& cuts) { return !cuts.empty(); });
}

// Of what quotes are about.
auto AnyBytes() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab,,,\"\"\"\"\"\"\n\n\n\r7\xef\xbb\xbf")));
}

TEST(QuotedRowsTest, AnyTableThatACsvWriterWritesIsReadBackHoweverItsBytesCome) {
  Check([] {
    const int columns = *rc::gen::inRange(1, 6);
    const int rows = *rc::gen::inRange(0, 8);
    const std::string line_end = *rc::gen::elementOf(std::vector<std::string>{"\n", "\r\n"});
    std::vector<Cells> table;
    std::string bytes;
    for (int row = 0; row < rows; ++row) {
      table.push_back(*rc::gen::container<Cells>(columns, AnyCell()));
      for (int c = 0; c < columns; ++c)
        absl::StrAppend(&bytes, c == 0 ? "" : ",", WrittenCell(table[row][c], *rc::gen::arbitrary<bool>()));
      absl::StrAppend(&bytes, line_end);
    }
    if (*rc::gen::arbitrary<bool>() && !bytes.empty() && rows > 0 && table.back().back() != "")
      bytes.resize(bytes.size() - line_end.size());
    const std::vector<std::string> read = RowsOf(bytes, *AnyCuts());
    RC_ASSERT(read.size() == table.size());
    const auto framing = QuotedFraming(kQuoting, 1 << 20);
    for (int row = 0; row < rows; ++row) {
      RC_ASSERT(DelimitedCells(framing->Row(read[row], row == 0), ',', '"') == table[row]);
    }
  });
}

TEST(QuotedRowsTest, RowsOfAnyBytesAreThoseOfTheDefinitionHoweverTheyCome) {
  Check([] {
    const std::string bytes = *AnyBytes();
    RC_PRE(bytes.find('\xef') == std::string::npos);  // the definition knows no byte order mark
    const int64_t most = *rc::gen::inRange(1, 100);
    std::vector<size_t> defined;
    for (size_t begin = 0; begin < bytes.size(); begin += defined.back())
      defined.push_back(DefinedRowSize(bytes.substr(begin), most));
    RC_ASSERT(RowSizes(bytes, most, *AnyCuts()) == defined);
  });
}

class QuotedFileTest : public SampleFilesTest {};

TEST_F(QuotedFileTest, AFileHasTheRowsThatAStreamHasWithTheirLines) {
  Check([this] {
    // Long enough for several reads of the file, which begin anywhere in a row.
    const std::string piece = *AnyBytes();
    std::string bytes;
    const int times = *rc::gen::elementOf(std::vector<int>{1, 3, 3, 3, 500});
    for (int i = 0; i < times; ++i) absl::StrAppend(&bytes, piece, i % 7 == 3 ? "\n" : "");
    const std::vector<std::string> rows = RowsOf(bytes, {100000});
    const auto framing = QuotedFraming(kQuoting, 1 << 20);
    const auto file = OpenLineFile(FileSystem::Default(), Write("rows.csv", bytes), {1 << 20},
                                   std::make_unique<QuotedRows>(kQuoting, 1 << 20))
                          .value();
    size_t row = 0;
    int64_t line = 1;
    for (RawRows chunk; file->Read(1 + times / 3, &chunk).ok() && !chunk.rows.empty();) {
      bool quoted = false;
      for (size_t i = 0; i < chunk.rows.size(); ++i, ++row) {
        RC_ASSERT(row < rows.size());
        RC_ASSERT(chunk.rows[i] == framing->Row(rows[row], row == 0));
        RC_ASSERT(chunk.Number(static_cast<int>(i)) == line);
        quoted |= rows[row].find('"') != std::string::npos;
        line += std::max<int64_t>(1, std::count(rows[row].begin(), rows[row].end(), '\n'));
      }
      RC_ASSERT(chunk.marked == quoted);
    }
    RC_ASSERT(row == rows.size());
  });
}

// What a log is read with.
struct Log {
  explicit Log(const std::string& data)
      : experiment(ExperimentOf(absl::StrCat("data { path: 'unused' delimited { delimiter: ',' ", data,
                                             R"( } max_bad_fraction: 1 key_columns: 'k' }
             feature { name: "user" sparse {} } feature { name: "age" dense {} }
             model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } })"))),
        schema(experiment),
        format(MakeSampleFormat(experiment.data())) {}
  proto::Experiment experiment;
  Schema schema;
  std::unique_ptr<const SampleFormat> format;
};

TEST_F(QuotedFileTest, OfAnyBytesRowsAndMalformedAndPassedOverAddUp) {
  const Log log("header: false column: 'label' column: 'user' column: 'age' max_line_bytes: 100");
  Check([&] {
    const std::vector<std::string> pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::elementOf(std::vector<std::string>{"1,", "0,", "\"1\",", "u,", "\"a,b\",", "7\n", "\"7\"\n",
                                                    "\n", "\"", "\"\"", "\r\n", "a\nb", "\"a\n"}));
    std::string bytes;
    for (const std::string& piece : pieces) bytes += piece;
    const std::string path = Write("any.csv", bytes);
    const size_t rows = RowSizes(bytes, 100, {7}).size();
    Quarantine quarantine(FileSystem::Default(), "", 1);
    DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, {path}, &quarantine,
                     nullptr);
    Batch block;
    int64_t good = 0;
    for (bool more = true; more; good += block.rows()) more = reader.ReadBlock(1000, &block).value();
    RC_ASSERT(good + quarantine.rows_bad() == quarantine.rows_read());
    RC_ASSERT(quarantine.rows_read() + quarantine.rows_passed_over() == static_cast<int64_t>(rows));
    // Row by row, as a stream is read, the same is made of it.
    const auto decoder = log.format->MakeDecoder(log.schema, {RowUse::kTrain}, "", "any").value();
    Batch single(static_cast<int>(log.schema.fields().size()));
    for (const std::string& row : RowsOf(bytes, {5}, 100))
      decoder->Decode(log.format->framing().Row(row, false), &single, nullptr);
    RC_ASSERT(single.rows() == good);
  });
}

TEST(QuotedRowsTest, AQuoteThatIsNeverClosedCostsItsLineAndNoMore) {
  EXPECT_THAT(RowsOf("1,\"a\n0,b\n1,c\n", {3}), ElementsAre("1,\"a\n", "0,b\n", "1,c\n"));
  EXPECT_THAT(RowsOf("1,\"a\n0,b\n1,\"c\"\n0,d\n", {3}),
              ElementsAre("1,\"a\n", "0,b\n", "1,\"c\"\n", "0,d\n"))
      << "the next quote is no closing one";
  std::string bytes = "1,\"a\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&bytes, "0,row", i, "\n");
  EXPECT_EQ(RowsOf(bytes, {64}, /*max_row_bytes=*/50).size(), 101u) << "told before the end of the bytes";
}

TEST(QuotedRowsTest, TheRowsBehindAnOpenQuoteAreLookedAtOnce) {
  // Each line closes a quote and opens one; none of them ever comes to an end.
  std::string bytes = "1,\"\n";
  for (int i = 0; i < 100000; ++i) bytes += "x\",\"y\n";
  EXPECT_EQ(RowsOf(bytes, {1 << 16}, 64 << 20).size(), 100001u) << "this takes minutes where it is quadratic";
}

// ---- what rows become

std::string Decoded(const Log& log, const std::string& head, const std::string& row) {
  Batch batch(static_cast<int>(log.schema.fields().size()));
  std::string detail;
  const auto decoder = log.format->MakeDecoder(log.schema, {RowUse::kTrain}, head, "test").value();
  const RowFault fault = decoder->Decode(row, &batch, &detail);
  return fault == RowFault::kNone ? RowText(batch, 0) : absl::StrCat(RowFaultName(fault), ": ", detail);
}

TEST(QuotedCellsTest, QuotesAreNoPartOfACell) {
  const Log log("");
  const std::string head = "label,user,\"age\"";
  EXPECT_EQ(Decoded(log, head, "\"1\",\"u1\",\"7.5\""), Decoded(log, head, "1,u1,7.5"));
  EXPECT_EQ(Decoded(log, head, "1,\"\",\"\""), Decoded(log, head, "1,,"));
  EXPECT_NE(Decoded(log, head, "1,\"u\"\"1\",7.5"), Decoded(log, head, "1,u1,7.5"));
  EXPECT_EQ(Decoded(log, head, "\"1\",\"u\"\"1\",7"), Decoded(log, head, "1,u\"1,7")) << "a byte like others";
  EXPECT_THAT(Decoded(log, head, "1,\"u,1\""), HasSubstr("2 columns where the header has 3"));
  EXPECT_THAT(Decoded(log, head, "1,\"u1,7"),
              HasSubstr("syntax: the quote at the begin of cell 2 isn't closed"));
  EXPECT_THAT(Decoded(log, head, "1,\"u\"1,7"), HasSubstr("syntax: cell 2 goes on after its closing quote"));
}

// Rows of few different bytes, so that quotes meet delimiters and each other, also where blocks of 64 bytes
// do.
TEST(QuotedCellsTest, CellsFoundByBlocksAreThoseFoundByteByByte) {
  int found = 0;
  int doubled_rows = 0;
  for (int i = 0; i < 40000; ++i) {
    const Random random(4180, RandomPurpose::kSynthetic, {static_cast<uint64_t>(i)});
    uint64_t draws = 0;
    const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(draws++) * below); };
    std::string row;
    for (int cell = draw(12); cell >= 0; --cell) {
      std::string text(draw(3) == 0 ? draw(70) : draw(5), 'x');
      for (char& byte : text) byte = "xy,\""[draw(draw(3) == 0 ? 4 : 2)];
      const bool whole = draw(20) > 0;  // else it may be anything
      if (whole && draw(2) == 0) text = absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
      absl::StrAppend(&row, text, cell > 0 ? "," : "");
    }
    Cells expected;
    std::string scratch;
    const QuoteFault fault = ForEachQuotedCell(row, kQuoting, &scratch, [&](absl::string_view cell) {
      expected.emplace_back(cell);
      return true;
    });
    const size_t columns = expected.size();
    std::vector<size_t> begins(columns + 2 + kSplitSlack), ends(columns + 2 + kSplitSlack), doubled;
    const bool regular = SplitQuotedCells(row, kQuoting, columns, begins.data(), ends.data(), &doubled);
    EXPECT_EQ(regular, HasRegularQuotes(row, kQuoting)) << row;
    EXPECT_FALSE(SplitQuotedCells(row, kQuoting, columns + 1, begins.data(), ends.data(), &doubled)) << row;
    if (!regular) continue;
    ASSERT_EQ(fault, QuoteFault::kNone) << row;
    ASSERT_TRUE(SplitQuotedCells(row, kQuoting, columns, begins.data(), ends.data(), &doubled));
    std::string text = row;
    UndoDoubled(doubled, ends.data(), &text[0]);
    for (size_t c = 0; c < columns; ++c)
      EXPECT_EQ(text.substr(begins[c], ends[c] - begins[c]), expected[c]) << row;
    ++found;
    doubled_rows += doubled.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 3000);
  EXPECT_GT(doubled_rows, 500);
}

TEST(QuotedCellsTest, KeysAreWrittenSoThatTheyReadBack) {
  const Log log("");
  const auto decoder =
      log.format->MakeDecoder(log.schema, {RowUse::kPredict, /*keys=*/true}, "k,user,age", "test").value();
  for (const auto& [cell, key] :
       {std::pair("k1", "k1"), std::pair("\"k1\"", "k1"), std::pair("a\tb", "\"a\tb\""),
        std::pair("\"a\nb\"", "\"a\nb\""), std::pair("\"a,b\"", "a,b"),
        std::pair("\"say \"\"a\"\"\"", "\"say \"\"a\"\"\"")}) {
    std::string keys;
    decoder->AppendKeys(absl::StrCat(cell, ",u,7"), '\t', &keys);
    EXPECT_EQ(keys, absl::StrCat(key, "\t"));
  }
}

}  // namespace
}  // namespace tandem
