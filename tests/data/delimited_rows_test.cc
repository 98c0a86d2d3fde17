// Delimited text against a plain parser, on lines of every shape; its inner loop's pieces against plain ones.
#include "tests/support/delimited_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/data/delimited/split.h"
#include "src/data/numbers.h"
#include "tandem/random.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAreArray;

// Draws one after another.
class Draws {
 public:
  explicit Draws(uint64_t seed) : random_(seed, RandomPurpose::kSynthetic, {}) {}
  uint64_t Below(uint64_t n) { return random_.Bits(counter_++) % n; }
  char Byte() { return static_cast<char>(Below(256)); }

 private:
  Random random_;
  uint64_t counter_ = 0;
};

// A copy of the bytes alone in memory, so that a sanitizer sees reads beyond them.
std::unique_ptr<char[]> Alone(absl::string_view bytes) {
  std::unique_ptr<char[]> copy(new char[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return copy;
}

// ---- cells

TEST(CellsTest, ALineIsSplitAtItsDelimiters) {
  Draws draws(1);
  for (size_t size = 0; size < 300; ++size) {
    for (const int rarity : {1, 2, 7, 1000}) {
      std::string line;
      for (size_t i = 0; i < size; ++i) line += draws.Below(rarity) == 0 ? ',' : draws.Byte();
      const std::unique_ptr<char[]> alone = Alone(line);
      const std::vector<absl::string_view> cells = absl::StrSplit(line, ',');
      std::vector<size_t> begins(cells.size() + 1 + kSplitSlack);
      const absl::string_view text(alone.get(), size);
      ASSERT_EQ(SplitCells(text, ',', cells.size(), begins.data()), cells.size()) << size << " bytes";
      for (size_t c = 0; c < cells.size(); ++c) {
        ASSERT_EQ(begins[c], static_cast<size_t>(cells[c].data() - line.data()))
            << size << " bytes, cell " << c;
        ASSERT_EQ(begins[c + 1] - 1 - begins[c], cells[c].size()) << size << " bytes, cell " << c;
      }
      // Fewer or more than expected: only counted, nothing written behind the room.
      for (const size_t columns : {cells.size() / 2 + 1, cells.size() + 3}) {
        std::vector<size_t> room(columns + 1 + kSplitSlack);
        ASSERT_EQ(SplitCells(text, ',', columns, room.data()), cells.size());
      }
    }
  }
}

TEST(CellsTest, DigitsAreANumberAndNothingElseIs) {
  Draws draws(2);
  for (int trial = 0; trial < 200000; ++trial) {
    std::string cell;
    for (uint64_t size = draws.Below(11); size > 0; --size) cell += static_cast<char>('0' + draws.Below(10));
    if (!cell.empty() && draws.Below(3) == 0) cell[draws.Below(cell.size())] = draws.Byte();
    uint32_t expected = 0;
    const std::from_chars_result result = std::from_chars(cell.data(), cell.data() + cell.size(), expected);
    const bool number = !cell.empty() && cell.size() <= 8 && result.ec == std::errc() &&
                        result.ptr == cell.data() + cell.size();
    const std::string text = cell + "12345678";
    uint32_t actual = 0;
    ASSERT_EQ(ParseDigits(text.data(), cell.size(), &actual), number) << cell;
    if (number) {
      ASSERT_EQ(actual, expected) << cell;
    }
  }
}

// ---- lines

constexpr char kFeatures[] = R"(
  feature { name: "user" sparse {} }
  feature { name: "age" dense { transform: LOG1P } }
  feature { name: "tags" sparse { multi_valued: true } }
  feature { name: "clicks" dense {} }
  feature { name: "interests" sparse { weighted: true } }
  feature { name: "price" dense { transform: STANDARDIZE mean: 10 deviation: 4 } }
  feature { name: "device" sparse {} serving_value: "web" }
  feature { name: "hour" dense { bucketize { boundaries: 0 boundaries: 6 boundaries: 12 } } }
  feature { name: "age_again" column: "age" sparse {} }
  feature { name: "price_again" column: "price" dense { piecewise { knots: [-10, 0, 2.5, 400, 1e30] } } }
)";
const std::vector<std::string>& Columns() {
  static const std::vector<std::string> columns = {"user",   "age",    "weight", "tags",
                                                   "unused", "clicks", "group",  "interests",
                                                   "price",  "device", "label",  "hour"};
  return columns;
}

Schema SchemaOf(const std::string& data) {
  return Schema(ExperimentOf(
      absl::StrCat("data { path: 'unused' weight_column: 'weight' group_column: 'group' ", data, " } ",
                   kFeatures, " model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }")));
}

// What tandem/row_decoder.h and batch.h say, cell by cell in file order, with nothing saved.
class PlainParser {
 public:
  PlainParser(const Schema& schema, RowUse use) : schema_(schema), use_(use) {}

  RowFault Parse(absl::string_view line, Batch* batch) const {
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
    if (line.empty()) return RowFault::kBlankLine;
    if (cells.size() != Columns().size()) return RowFault::kColumnCount;
    Batch row(static_cast<int>(schema_.fields().size()));
    row.labels = {0};
    row.weights = {1};
    row.groups = {0};
    for (size_t c = 0; c < cells.size(); ++c) {
      const RowFault fault = ParseCell(Columns()[c], cells[c], &row);
      if (fault != RowFault::kNone) return fault;
    }
    for (size_t f = 0; f < row.fields.size(); ++f) {
      const Field& field = schema_.fields()[f];
      if (Constant(field)) Add(static_cast<int>(f), *field.serving_value, 1, &row);
      row.fields[f].offsets.push_back(static_cast<uint32_t>(row.fields[f].keys.size()));
    }
    batch->Append(row);
    return RowFault::kNone;
  }

 private:
  bool Constant(const Field& field) const {
    return field.serving_value.has_value() && use_ != RowUse::kTrain;
  }
  void Add(int f, absl::string_view id, double coefficient, Batch* row) const {
    row->fields[f].keys.push_back(schema_.Key(schema_.fields()[f].table, id));
    row->fields[f].coefficients.push_back(static_cast<float>(coefficient));
  }
  static RowFault Number(absl::string_view cell, double* number) {
    const std::from_chars_result result = std::from_chars(cell.data(), cell.data() + cell.size(), *number);
    if (result.ec == std::errc::invalid_argument || result.ptr != cell.data() + cell.size())
      return RowFault::kNumber;
    if (result.ec == std::errc::result_out_of_range && !absl::SimpleAtod(cell, number))
      return RowFault::kNumber;
    return std::isfinite(*number) ? RowFault::kNone : RowFault::kNotFinite;
  }
  static RowFault Weight(absl::string_view cell, double* weight) {
    const RowFault fault = Number(cell, weight);
    if (fault != RowFault::kNone) return fault == RowFault::kNumber ? RowFault::kWeight : fault;
    *weight = static_cast<float>(*weight);
    if (std::isinf(*weight)) return RowFault::kNotFinite;
    return *weight < 0 ? RowFault::kWeight : RowFault::kNone;
  }

  RowFault ParseCell(const std::string& column, absl::string_view cell, Batch* row) const {
    if (use_ != RowUse::kPredict) {
      if (column == "label") {
        double label = 0;
        if (Number(cell, &label) != RowFault::kNone || (label != 0 && label != 1)) return RowFault::kLabel;
        row->labels[0] = label == 1 ? 1 : 0;
      } else if (column == "weight") {
        double weight = 0;
        const RowFault fault = Weight(cell, &weight);
        if (fault != RowFault::kNone) return fault;
        row->weights[0] = static_cast<float>(weight);
      } else if (column == "group") {
        const auto& missing = schema_.missing_values;
        const bool none = cell.empty() || std::count(missing.begin(), missing.end(), cell) > 0;
        row->groups[0] = none ? 0 : Group(cell);
      }
    }
    for (size_t f = 0; f < schema_.fields().size(); ++f) {
      const Field& field = schema_.fields()[f];
      if (field.column != column || Constant(field)) continue;
      const RowFault fault = ParseField(static_cast<int>(f), cell, row);
      if (fault != RowFault::kNone) return fault;
    }
    return RowFault::kNone;
  }

  // Taken from a parser of the group alone: the hash of a group is nobody's promise.
  static uint64_t Group(absl::string_view cell) {
    const Schema schema(ExperimentOf(R"(data { path: 'unused' group_column: 'group' }
      feature { name: "x" sparse {} } model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } })"));
    Batch batch(1);
    const std::vector<std::string> columns = {"group", "label", "x"};
    const DelimitedRows parser = DelimitedRows::Create(schema, columns, RowUse::kTrain, "group").value();
    EXPECT_EQ(parser.ParseCells({cell, "0", ""}, &batch, nullptr), RowFault::kNone);
    return batch.groups[0];
  }

  RowFault ParseField(int f, absl::string_view cell, Batch* row) const {
    const Field& field = schema_.fields()[f];
    const auto& texts = schema_.missing_values;
    const bool missing = cell.empty() || std::find(texts.begin(), texts.end(), cell) != texts.end();
    if (field.kind != FieldKind::kSparse) {
      if (missing) {
        Add(f, "missing", 1, row);
        return RowFault::kNone;
      }
      double x = 0;
      const RowFault fault = Number(absl::StripAsciiWhitespace(cell), &x);
      if (fault != RowFault::kNone) return fault;
      if (field.kind == FieldKind::kBucketized) {
        int bucket = 0;
        for (const double boundary : field.boundaries) bucket += boundary <= x ? 1 : 0;
        Add(f, absl::StrCat(bucket), 1, row);
        return RowFault::kNone;
      }
      if (field.kind == FieldKind::kPiecewise) {
        AddKnots(f, x, row);
        return RowFault::kNone;
      }
      if (field.transform == DenseTransform::kLog1p) x = std::copysign(std::log1p(std::abs(x)), x);
      if (field.transform == DenseTransform::kStandardize) x = (x - field.mean) / field.deviation;
      if (!std::isfinite(static_cast<float>(x))) return RowFault::kNotFinite;
      if (std::abs(static_cast<float>(x)) > 1e6) return RowFault::kMagnitude;
      Add(f, "value", x, row);
      return RowFault::kNone;
    }
    if (missing) return RowFault::kNone;
    if (!field.multi_valued) {
      Add(f, cell, 1, row);
      return RowFault::kNone;
    }
    double sum = 0;
    for (absl::string_view item : absl::StrSplit(cell, '|', absl::SkipEmpty())) {
      double weight = 1;
      if (field.weighted) {
        const size_t separator = item.rfind(':');
        if (separator == absl::string_view::npos) return RowFault::kWeight;
        const RowFault fault = Weight(item.substr(separator + 1), &weight);
        if (fault != RowFault::kNone) return fault;
        if (weight == 0) return RowFault::kWeight;
        item = item.substr(0, separator);
      }
      sum += weight;
      Add(f, item, weight, row);
    }
    for (float& coefficient : row->fields[f].coefficients)
      coefficient = static_cast<float>(coefficient / sum);
    return RowFault::kNone;
  }

  // The segment that holds x, from the first one on.
  void AddKnots(int f, double x, Batch* row) const {
    const std::vector<double>& knots = schema_.fields()[f].knots;
    if (x < knots.front()) return Add(f, KnotId(knots.front()), 1, row);
    for (size_t k = 0; k + 1 < knots.size(); ++k) {
      if (x >= knots[k + 1]) continue;
      const double behind = (x - knots[k]) / (knots[k + 1] - knots[k]);
      if (static_cast<float>(1 - behind) > 0) Add(f, KnotId(knots[k]), 1 - behind, row);
      if (static_cast<float>(behind) > 0) Add(f, KnotId(knots[k + 1]), behind, row);
      return;
    }
    Add(f, KnotId(knots.back()), 1, row);
  }

  const Schema& schema_;
  const RowUse use_;
};

std::string Integer(Draws* draws) {
  std::string text = draws->Below(4) == 0 ? "-" : "";
  for (uint64_t size = 1 + draws->Below(draws->Below(6) == 0 ? 20 : 5); size > 0; --size)
    text += static_cast<char>('0' + draws->Below(10));
  return text;
}

std::string Number(Draws* draws) {
  static constexpr const char* kTexts[] = {"",     "NA",   "-",        "+5",    "-0",     "0",     "007",
                                           "4095", "4096", "1e5",      "1e400", "1e-400", "-1e40", "nan",
                                           "inf",  "0x10", " 5",       "5 ",    "5.5",    ".5",    "5.",
                                           "--5",  "1-2",  "99999999", "1/2",   "1:2",    "-4095"};
  if (draws->Below(4) > 0) return Integer(draws);
  return kTexts[draws->Below(std::size(kTexts))];
}

std::string Id(Draws* draws) {
  if (draws->Below(8) == 0) return draws->Below(2) == 0 ? "" : "NA";
  std::string text;
  for (uint64_t size = 1 + draws->Below(draws->Below(10) == 0 ? 300 : 20); size > 0; --size) {
    const char byte = draws->Byte();
    text += byte == '\t' || byte == '|' || byte == ':' || byte == '\n' ? '_' : byte;
  }
  return text;
}

std::string Bag(Draws* draws, bool weighted) {
  std::string text;
  for (uint64_t items = draws->Below(4); items > 0; --items) {
    absl::StrAppend(&text, text.empty() ? "" : "|", Id(draws));
    if (weighted && draws->Below(50) > 0) {
      absl::StrAppend(&text, ":",
                      draws->Below(20) == 0 ? Number(draws) : absl::StrCat(0.25 * (1 + draws->Below(9))));
    }
  }
  return text;
}

// Mostly a good row; sometimes a line of a few bytes in disorder.
std::string Line(Draws* draws) {
  if (draws->Below(20) == 0) {
    std::string line;
    for (uint64_t size = draws->Below(100); size > 0; --size)
      line += draws->Below(4) == 0 ? '\t' : draws->Byte();
    return line;
  }
  std::vector<std::string> cells;
  for (const std::string& column : Columns()) {
    if (column == "label") {
      cells.push_back(draws->Below(50) == 0 ? Number(draws) : absl::StrCat(draws->Below(2)));
    } else if (column == "weight") {
      cells.push_back(draws->Below(20) == 0 ? Number(draws) : absl::StrCat(0.5 * draws->Below(9)));
    } else if (column == "tags" || column == "interests") {
      cells.push_back(Bag(draws, column == "interests"));
    } else if (column == "age" || column == "clicks" || column == "price" || column == "hour") {
      cells.push_back(draws->Below(3) == 0 ? Number(draws) : Integer(draws));
    } else {
      cells.push_back(Id(draws));
    }
  }
  if (draws->Below(30) == 0) cells.pop_back();
  if (draws->Below(30) == 0) cells.push_back("");
  return absl::StrJoin(cells, "\t");
}

RawRows ChunkOf(const std::vector<std::string>& lines) {
  RawRows chunk;
  for (const std::string& line : lines) {
    chunk.rows.emplace_back(line);
    chunk.too_long.push_back(false);
  }
  return chunk;
}

class DelimitedRowsTest : public testing::TestWithParam<std::tuple<RowUse, const char*>> {
 protected:
  DelimitedRowsTest()
      : schema_(SchemaOf(std::get<1>(GetParam()))),
        parser_(DelimitedRows::Create(schema_, Columns(), std::get<0>(GetParam()), "test").value()),
        plain_(schema_, std::get<0>(GetParam())) {}
  Batch NoRows() const { return Batch(static_cast<int>(schema_.fields().size())); }

  const Schema schema_;
  const DelimitedRows parser_;
  const PlainParser plain_;
};

TEST_P(DelimitedRowsTest, EqualsAPlainParser) {
  Draws draws(3);
  std::vector<std::string> lines;
  for (int i = 0; i < 4000; ++i) lines.push_back(Line(&draws));
  Batch expected = NoRows();
  std::vector<RowFault> faults;
  for (const std::string& line : lines) faults.push_back(plain_.Parse(line, &expected));
  EXPECT_GT(expected.rows(), 800);
  EXPECT_LT(expected.rows(), 3900);

  // Line by line, each alone in memory.
  Batch rows = NoRows();
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::unique_ptr<char[]> alone = Alone(lines[i]);
    ASSERT_EQ(parser_.Parse(absl::string_view(alone.get(), lines[i].size()), &rows, nullptr), faults[i])
        << lines[i];
  }
  EXPECT_THAT(RowTexts(rows), ElementsAreArray(RowTexts(expected)));

  // Cells that are apart.
  rows.Clear();
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<absl::string_view> cells = absl::StrSplit(lines[i], '\t');
    ASSERT_EQ(lines[i].empty() ? faults[i] : parser_.ParseCells(cells, &rows, nullptr), faults[i])
        << lines[i];
  }
  EXPECT_THAT(RowTexts(rows), ElementsAreArray(RowTexts(expected)));

  // Lines in blocks, appended; also those of a batch that was used before.
  const RawRows chunk = ChunkOf(lines);
  for (const int step : {1, 7, 1024}) {
    rows.Clear();
    std::vector<BadRow> block_faults;
    for (int begin = 0; begin < static_cast<int>(lines.size()); begin += step) {
      const int end = std::min(begin + step, static_cast<int>(lines.size()));
      parser_.ParseLines(chunk, begin, end, &rows, &block_faults);
    }
    EXPECT_THAT(RowTexts(rows), ElementsAreArray(RowTexts(expected)));
    EXPECT_EQ(rows.weights.size(), expected.weights.size());
    EXPECT_EQ(rows.groups, expected.groups);
    for (const FieldBags& bags : rows.fields) {
      EXPECT_EQ(bags.offsets.size(), rows.labels.size() + 1);
      EXPECT_EQ(bags.keys.size(), bags.offsets.back());
      EXPECT_EQ(bags.coefficients.size(), bags.offsets.back());
    }
    auto fault = block_faults.begin();
    for (size_t i = 0; i < lines.size(); ++i) {
      if (faults[i] == RowFault::kNone) continue;
      ASSERT_NE(fault, block_faults.end());
      EXPECT_EQ(fault->row, static_cast<int>(i));
      EXPECT_EQ(fault->fault, faults[i]);
      std::string detail;
      Batch none = NoRows();
      parser_.Parse(lines[i], &none, &detail);
      EXPECT_EQ(fault->detail, detail);
      ++fault;
    }
    EXPECT_EQ(fault, block_faults.end());
  }
}

TEST_P(DelimitedRowsTest, OverLongLinesAreFaults) {
  const std::string good = "u\t1\t1\ta\t\t2\tg\tb:1\t3\td\t1\t5";
  const std::vector<std::string> lines = {good, "", good};
  RawRows chunk = ChunkOf(lines);
  chunk.too_long[1] = true;
  Batch rows = NoRows();
  std::vector<BadRow> faults;
  parser_.ParseLines(chunk, 0, 3, &rows, &faults);
  EXPECT_EQ(rows.rows(), 2);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].row, 1);
  EXPECT_EQ(faults[0].fault, RowFault::kRowTooLong);
  EXPECT_THAT(faults[0].detail, testing::HasSubstr("data.delimited.max_line_bytes"));
}

TEST_P(DelimitedRowsTest, GoodRowsAllocateNothingInABatchThatIsUsedAgain) {
  std::vector<std::string> lines(300, "user\t123\t1\ta|b\t\t2\tgroup\tb:1\t3\tdevice\t1\t5");
  const RawRows chunk = ChunkOf(lines);
  Batch rows = NoRows();
  std::vector<BadRow> faults;
  parser_.ParseLines(chunk, 0, 300, &rows, &faults);
  const int64_t before = AllocationCount();
  for (int round = 0; round < 3; ++round) {
    rows.Clear();
    parser_.ParseLines(chunk, 0, 300, &rows, &faults);
  }
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_EQ(rows.rows(), 300);
}

INSTANTIATE_TEST_SUITE_P(Uses, DelimitedRowsTest,
                         testing::Combine(testing::Values(RowUse::kTrain, RowUse::kEvaluate,
                                                          RowUse::kPredict),
                                          testing::Values("", "missing_value: 'NA' missing_value: '0'")));

}  // namespace
}  // namespace tandem
