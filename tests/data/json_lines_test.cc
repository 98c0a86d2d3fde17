// JSON lines: the same rows as delimited text gives, and every fault told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/log_summary.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kFeatures[] = R"(
  feature { name: "user" sparse {} }
  feature { name: "tags" sparse { multi_valued: true } }
  feature { name: "interests" sparse { weighted: true } }
  feature { name: "age" dense { transform: LOG1P } }
  feature { name: "hour" dense { bucketize { boundaries: 0 boundaries: 6 boundaries: 12 } } }
)";

struct Log {
  explicit Log(const std::string& data, const std::string& features = kFeatures)
      : experiment(ExperimentOf(
            absl::StrCat("data { path: 'unused' ", data, " } ", features,
                         " model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }"))),
        schema(experiment),
        format(MakeSampleFormat(experiment.data())) {}

  std::unique_ptr<const RowDecoder> Decoder(const RowNeeds& needs = {}, const std::string& head = "") const {
    return format->MakeDecoder(schema, needs, head, "test").value();
  }

  proto::Experiment experiment;
  Schema schema;
  std::unique_ptr<const SampleFormat> format;
};

// What JSON makes of a row: its text, or its fault.
std::string Decoded(const Log& log, const std::string& row, const RowNeeds& needs = {}) {
  Batch batch(static_cast<int>(log.schema.fields().size()));
  std::string detail;
  const RowFault fault = log.Decoder(needs)->Decode(row, &batch, &detail);
  EXPECT_EQ(batch.rows(), fault == RowFault::kNone ? 1 : 0);
  return fault == RowFault::kNone ? RowText(batch, 0) : absl::StrCat(RowFaultName(fault), ": ", detail);
}

TEST(JsonLinesTest, RowsAreThoseOfDelimitedText) {
  const std::string columns = "group_column: 'user' weight_column: 'w' missing_value: 'NA' ";
  const Log json(columns + "json_lines {}");
  const Log text(columns);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"label": 1, "w": 0.5, "user": "u1", "tags": ["a", "b"], "interests": {"c": 3, "d": 1}, "age": 20, "hour": 7})",
       "1\t0.5\tu1\ta|b\tc:3|d:1\t20\t7"},
      {R"({"hour": "7", "age": "20.50", "user": 17, "w": 2, "label": "0"})", "0\t2\t17\t\t\t20.50\t7"},
      {R"({"label": true, "w": 1, "user": 1.50, "tags": [17, "a|b", null, ""], "age": -3e2, "hour": null})",
       nullptr},
      {R"({"label": false, "w": 1, "user": "NA", "tags": "a", "interests": {}, "age": "NA", "hour": -0.5})",
       "0\t1\tNA\ta\t\tNA\t-0.5"},
      {R"({"label": 0, "w": 1, "user": null, "tags": [], "age": 12345678901, "other": {"x": [1, [2]]}})",
       "0\t1\t\t\t\t12345678901\t"},
      {R"(  {"label":1,"w":1,"user":"\u00e9\t"}  )", nullptr},
  };
  const auto decoder = text.Decoder({}, "label\tw\tuser\ttags\tinterests\tage\thour");
  for (const auto& [row, line] : cases) {
    const std::string decoded = Decoded(json, row);
    if (line == nullptr) {
      EXPECT_THAT(decoded, testing::Not(HasSubstr(": "))) << row;
      continue;
    }
    Batch batch(5);
    ASSERT_EQ(decoder->Decode(line, &batch, nullptr), RowFault::kNone);
    EXPECT_EQ(decoded, RowText(batch, 0)) << row;
  }
}

TEST(JsonLinesTest, AnIdIsTheBytesThatTheStringStandsFor) {
  const Log log("json_lines {}",
                "feature { name: 'user' sparse {} } feature { name: 'tags' sparse { multi_valued: true } }");
  Batch batch(2);
  const auto decoder = log.Decoder();
  ASSERT_EQ(
      decoder->Decode(R"({"label": 1, "user": "\u00e9\t", "tags": ["a|b", 1.50, true]})", &batch, nullptr),
      RowFault::kNone);
  EXPECT_EQ(batch.fields[0].keys[0], log.schema.Key(0, "\xc3\xa9\t"));
  EXPECT_THAT(batch.fields[1].keys,
              ElementsAre(log.schema.Key(1, "a|b"), log.schema.Key(1, "1.50"), log.schema.Key(1, "1")));
}

TEST(JsonLinesTest, EveryFaultIsToldAndIsNoRow) {
  const Log log("json_lines {}");
  EXPECT_EQ(Decoded(log, R"({"label": 1, "user": "u)"), "syntax: no row: broken JSON at byte 24");
  EXPECT_EQ(Decoded(log, R"({"label": 1} {"label": 1})"), "syntax: no row: broken JSON at byte 14");
  for (const char* row : {"[1]", "1", "\"x\"", "null"})
    EXPECT_EQ(Decoded(log, row), "syntax: no row: no object");
  EXPECT_THAT(Decoded(log, " "), HasSubstr("syntax: no row: broken JSON"));
  EXPECT_EQ(Decoded(log, ""), "blank line: ");
  EXPECT_THAT(Decoded(log, "{\"label\": 1, \"user\": \"\xff\"}"), HasSubstr("syntax: no row: broken JSON"));
  EXPECT_EQ(Decoded(log, R"({"label": 1, "label": 1})"), "syntax: no row: two values for 'label'");
  EXPECT_EQ(Decoded(log, R"({"label": 1, "tags": [["a"]]})"),
            "syntax: no row: a list within a list in 'tags'");
  EXPECT_EQ(Decoded(log, R"({"label": [1]})"), "syntax: 'label' holds a list where one value is wanted");
  EXPECT_EQ(Decoded(log, R"({"label": 1, "user": ["u"]})"),
            "syntax: 'user' holds a list where one value is wanted");
  EXPECT_EQ(Decoded(log, R"({"label": 1, "age": {"u": 1}})"),
            "syntax: 'age' holds a list where one value is wanted");
  EXPECT_THAT(Decoded(log, R"({"label": 2})"), HasSubstr("label: label '2'"));
  EXPECT_THAT(Decoded(log, "{}"), HasSubstr("label: label ''"));
  EXPECT_THAT(Decoded(log, R"({"label": 1, "age": "x"})"), HasSubstr("number: 'x' in 'age'"));
  EXPECT_THAT(Decoded(log, R"({"label": 1, "age": 1e999})"),
              HasSubstr("not finite: '1e999' in 'age' is a number out of range"));
  EXPECT_THAT(Decoded(log, R"({"label": 1, "of nobody": -1e999})"),
              HasSubstr("in 'of nobody' is a number out"));
  for (const char* bag : {"\"c\"", "[\"c\"]", "{\"c\": 0}", "{\"c\": -1}", "{\"c\": null}"}) {
    EXPECT_THAT(Decoded(log, absl::StrCat(R"({"label": 1, "interests": )", bag, "}")),
                AllOf(HasSubstr("weight: item 'c' of 'interests'"), HasSubstr(R"({"id": weight})")))
        << bag;
  }
}

TEST(JsonLinesTest, AFileOfItReadAsDelimitedTextSaysWhatItIs) {
  const Log log("delimited {}");
  EXPECT_THAT(
      std::string(
          log.format->MakeDecoder(log.schema, {RowUse::kTrain}, R"({"label": 1, "user": "u"})", "log.jsonl")
              .status()
              .message()),
      AllOf(HasSubstr("log.jsonl: no column 'label'"), HasSubstr("data.json_lines {}")));
}

TEST(JsonLinesTest, KeysAndTimesAreCarried) {
  const Log log("key_columns: 'user' key_columns: 'item' json_lines {}");
  const auto decoder = log.Decoder({RowUse::kPredict, /*keys=*/true, "time"});
  std::string keys;
  decoder->AppendKeys(R"({"item": 17, "user": "a\tb\n", "time": 12.5})", ',', &keys);
  decoder->AppendKeys(R"({"user": "u", "item)", ',', &keys);
  decoder->AppendKeys("", ',', &keys);
  EXPECT_EQ(keys, "a\\tb\\n,17,u,,,,");
  double time = 0;
  EXPECT_EQ(decoder->Time(R"({"time": 12.5})", &time), RowFault::kNone);
  EXPECT_EQ(time, 12.5);
  EXPECT_NE(decoder->Time(R"({"time": "noon"})", &time), RowFault::kNone);
  EXPECT_NE(decoder->Time("{}", &time), RowFault::kNone);
}

TEST(JsonLinesTest, CellsOfARequestAreTextOrJson) {
  const Log log("json_lines {}");
  const std::vector<std::string> columns = {"user", "tags", "interests", "age", "hour"};
  const auto decoder = log.format->MakeCellDecoder(log.schema, RowUse::kPredict, columns, "request").value();
  Batch batch(5);
  std::string detail;
  EXPECT_EQ(decoder->Decode({"u1", R"(["a", "b"])", R"({"c": 3, "d": 1})", "20", ""}, &batch, &detail),
            RowFault::kNone)
      << detail;
  EXPECT_EQ(RowText(batch, 0),
            Decoded(log, R"({"user": "u1", "tags": ["a", "b"], "interests": {"c": 3, "d": 1}, "age": 20})",
                    {RowUse::kPredict}));
  EXPECT_EQ(decoder->Decode({"u1", "[", "", "", ""}, &batch, &detail), RowFault::kSyntax);
  EXPECT_EQ(decoder->Decode({"u1"}, &batch, &detail), RowFault::kColumnCount);
  EXPECT_EQ(batch.rows(), 1);
  EXPECT_THAT(
      std::string(
          log.format->MakeCellDecoder(log.schema, RowUse::kPredict, {"user"}, "request").status().message()),
      HasSubstr("request: no column 'tags'"));
}

TEST(JsonLinesTest, AServingValueIsTextOrJson) {
  const Log log("json_lines {}", R"(
    feature { name: "user" sparse {} serving_value: "web" }
    feature { name: "tags" sparse { multi_valued: true } serving_value: '["a", "b"]' })");
  Batch batch(2);
  ASSERT_EQ(log.Decoder({RowUse::kPredict})->Decode("{}", &batch, nullptr), RowFault::kNone);
  EXPECT_THAT(batch.fields[0].keys, ElementsAre(log.schema.Key(0, "web")));
  EXPECT_THAT(batch.fields[1].keys, ElementsAre(log.schema.Key(1, "a"), log.schema.Key(1, "b")));
  const Log broken("json_lines {}",
                   R"(feature { name: "tags" sparse { multi_valued: true } serving_value: "[" })");
  EXPECT_THAT(std::string(broken.format->MakeDecoder(broken.schema, {}, "", "test").status().message()),
              HasSubstr("feature[tags].serving_value: no row: broken JSON"));
}

class JsonLinesFileTest : public SampleFilesTest {};

TEST_F(JsonLinesFileTest, MalformedRowsAreSetAsideAsTheyWere) {
  const Log log("json_lines { max_line_bytes: 60 }");
  const std::string path =
      Write("a.jsonl", absl::StrCat(R"({"label": 1, "user": "u1"})", "\n{oops\n", R"({"label": 0, "user": ")",
                                    std::string(99, 'x'), "\"}\n\n"));
  Quarantine quarantine(FileSystem::Default(), Path("quarantine"), 1);
  DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, {path}, &quarantine,
                   nullptr);
  Batch block;
  ASSERT_TRUE(reader.ReadBlock(10, &block).value());
  EXPECT_EQ(block.rows(), 1);
  EXPECT_FALSE(reader.ReadBlock(10, &block).value());
  EXPECT_EQ(FaultCounts(quarantine.by_fault()), "row too long 1, syntax 1");
  EXPECT_EQ(FileBytes(Path("quarantine/a.jsonl")), "{oops\n\n");
  EXPECT_EQ(quarantine.rows_passed_over(), 1) << "the blank line";
}

TEST_F(JsonLinesFileTest, AColumnThatARowDoesNotNameIsMissing) {
  const Log log("json_lines {}");
  const std::string path = Write("a.jsonl", R"({"label": 1, "age": 20}
{"label": 0, "tags": ["a", "b"], "age": null}
{"label": 0, "deep": [{"x": [1]}], "age": 40}
{
)");
  const LogSummary summary = SummarizeLog(FileSystem::Default(), log.experiment, {path}).value();
  EXPECT_EQ(summary.rows, 4);
  EXPECT_EQ(summary.malformed_rows, 1);
  std::vector<std::string> columns;
  for (const ColumnSummary& column : summary.columns) {
    columns.push_back(absl::StrJoin(
        {column.name, absl::StrCat(column.cells), absl::StrCat(column.missing), absl::StrCat(column.values)},
        " "));
  }
  EXPECT_THAT(columns, ElementsAre("label 3 0 3", "age 3 1 2", "tags 3 2 2", "deep 3 3 0"));
  EXPECT_EQ(summary.columns[1].numbers->mean, 30);
}

}  // namespace
}  // namespace tandem
