// Delimited text: from one line to one row, or to the reason why not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/random.h"
#include "tandem/status.h"
#include "tests/support/delimited_rows.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Every kind of field; `data` is more of the data message.
constexpr char kFeatures[] = R"(
  feature { name: "user" sparse {} }
  feature { name: "tags" sparse { multi_valued: true table: "word" } }
  feature { name: "interests" sparse { weighted: true table: "word" } }
  feature { name: "age" dense { transform: LOG1P } }
  feature { name: "price" dense { transform: STANDARDIZE mean: 10 deviation: 4 } }
  feature { name: "clicks" dense {} }
  feature { name: "hour" dense { bucketize { boundaries: 0 boundaries: 6 boundaries: 12 } } }
)";
enum FieldIndex { kUser, kTags, kInterests, kAge, kPrice, kClicks, kHour };
constexpr char kHeader[] = "label\tuser\ttags\tinterests\tage\tprice\tclicks\thour";
constexpr char kGood[] = "1\tu1\ta|b\tc:3|d:1\t20\t12\t-2.5\t7";

Schema SchemaOf(const std::string& data = "", const std::string& features = kFeatures,
                const std::string& stored_logits = "") {
  return Schema(
      ExperimentOf(absl::StrCat("data { path: 'unused' ", data, " } ", features,
                                " model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } ",
                                stored_logits.empty() ? "" : "distill { stored_logits { ", stored_logits,
                                stored_logits.empty() ? "" : " } } ", "}")));
}

absl::StatusOr<DelimitedRows> ParserOf(const Schema& schema, const std::string& header = kHeader,
                                       RowUse use = RowUse::kTrain) {
  const std::vector<std::string> columns = absl::StrSplit(header, '\t');
  return DelimitedRows::Create(schema, columns, use, "logs/day.tsv");
}

// A schema, its parser, and a batch with what it made.
struct Parsing {
  explicit Parsing(const std::string& data = "", const std::string& header = kHeader,
                   RowUse use = RowUse::kTrain, const std::string& features = kFeatures,
                   const std::string& stored_logits = "")
      : schema(SchemaOf(data, features, stored_logits)),
        parser(ParserOf(schema, header, use).value()),
        batch(static_cast<int>(schema.fields().size())) {}

  RowFault Parse(absl::string_view line) {
    detail.clear();
    return parser.Parse(line, &batch, &detail);
  }
  // The last row's coefficients of a field.
  std::vector<float> Coefficients(int field) const {
    const FieldBags& bags = batch.fields[field];
    return {bags.coefficients.begin() + bags.offsets[batch.rows() - 1], bags.coefficients.end()};
  }
  std::vector<uint64_t> Keys(int field) const {
    const FieldBags& bags = batch.fields[field];
    return {bags.keys.begin() + bags.offsets[batch.rows() - 1], bags.keys.end()};
  }
  uint64_t Key(int field, absl::string_view id) const { return schema.Key(schema.fields()[field].table, id); }

  Schema schema;
  DelimitedRows parser;
  Batch batch;
  std::string detail;
};

// kGood with one cell replaced.
std::string With(int column, absl::string_view cell) {
  std::vector<std::string> cells = absl::StrSplit(kGood, '\t');
  cells[column] = std::string(cell);
  return absl::StrJoin(cells, "\t");
}

// ---- what a row becomes

TEST(DelimitedDecoderTest, EveryKindOfFieldBecomesABag) {
  Parsing p;
  ASSERT_EQ(p.Parse(kGood), RowFault::kNone) << p.detail;
  ASSERT_EQ(p.batch.rows(), 1);
  EXPECT_EQ(p.batch.labels[0], 1);
  EXPECT_EQ(p.batch.weights[0], 1);
  EXPECT_EQ(p.batch.groups[0], 0u);
  EXPECT_THAT(p.Keys(kUser), ElementsAre(p.Key(kUser, "u1")));
  EXPECT_THAT(p.Coefficients(kUser), ElementsAre(1));
  EXPECT_THAT(p.Keys(kTags), ElementsAre(p.Key(kTags, "a"), p.Key(kTags, "b")));
  EXPECT_THAT(p.Coefficients(kTags), ElementsAre(0.5f, 0.5f));
  EXPECT_THAT(p.Keys(kInterests), ElementsAre(p.Key(kInterests, "c"), p.Key(kInterests, "d")));
  EXPECT_THAT(p.Coefficients(kInterests), ElementsAre(0.75f, 0.25f));
  EXPECT_THAT(p.Keys(kAge), ElementsAre(p.Key(kAge, "value")));
  EXPECT_THAT(p.Coefficients(kAge), ElementsAre(static_cast<float>(std::log(21.0))));
  EXPECT_THAT(p.Coefficients(kPrice), ElementsAre(0.5f));
  EXPECT_THAT(p.Coefficients(kClicks), ElementsAre(-2.5f));
  EXPECT_THAT(p.Keys(kHour), ElementsAre(p.Key(kHour, "2"))) << "two boundaries are 7 or less";
  EXPECT_THAT(p.Coefficients(kHour), ElementsAre(1));
}

TEST(DelimitedDecoderTest, FeaturesThatShareATableShareItsKeys) {
  Parsing p;
  EXPECT_EQ(p.Key(kTags, "a"), p.Key(kInterests, "a"));
  EXPECT_NE(p.Key(kTags, "a"), p.Key(kUser, "a"));
}

TEST(DelimitedDecoderTest, LogTransformKeepsTheSign) {
  Parsing p;
  ASSERT_EQ(p.Parse(With(4, "-3")), RowFault::kNone);
  EXPECT_THAT(p.Coefficients(kAge), ElementsAre(static_cast<float>(-std::log(4.0))));
  ASSERT_EQ(p.Parse(With(4, "1e300")), RowFault::kNone) << "its logarithm is a float";
}

TEST(DelimitedDecoderTest, ASequencesMostRecentIdsComeFirstAndEmptyPlacesLast) {
  const std::string features = R"(
    feature { name: "item" sparse {} }
    feature { name: "history" column: "h" sparse { sequence { max_length: 3 } table: "item" } }
    feature { name: "user" sparse {} })";
  const proto::Experiment experiment = ExperimentOf(absl::StrCat(
      "data { path: 'unused' missing_value: 'NULL' } ", features,
      "model { method: TEACHER_ALONE teacher { interaction { transformer { sequence: 'history' target: "
      "'item' } } } }"));
  const Schema schema(experiment);
  const DelimitedRows parser = ParserOf(schema, "label\th\titem\tuser").value();
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {{"a|b|c|d|e", {"e", "d", "c"}},
                                                                               {"a|b", {"b", "a"}},
                                                                               {"a", {"a"}},
                                                                               {"", {}},
                                                                               {"NULL", {}},
                                                                               {"|a||b|", {"b", "a"}},
                                                                               {"b|b", {"b", "b"}},
                                                                               {"a|b|c", {"c", "b", "a"}}};
  RawRows chunk;
  for (const auto& [cell, ids] : cases) chunk.bytes += absl::StrCat("1\t", cell, "\tx\tu\n");
  chunk.rows = absl::StrSplit(absl::string_view(chunk.bytes), '\n', absl::SkipEmpty());
  chunk.too_long.assign(cases.size(), false);
  Batch at_once(5), singly(5);
  std::vector<BadRow> faults;
  parser.ParseLines(chunk, 0, static_cast<int>(cases.size()), &at_once, &faults);
  ASSERT_TRUE(faults.empty());
  for (const absl::string_view line : chunk.rows) {
    ASSERT_EQ(parser.Parse(line, &singly, nullptr), RowFault::kNone);
  }
  for (const Batch* batch : {&at_once, &singly}) {
    ASSERT_EQ(batch->rows(), static_cast<int>(cases.size()));
    for (size_t row = 0; row < cases.size(); ++row) {
      const auto& [cell, ids] = cases[row];
      for (size_t place = 0; place < 3; ++place) {
        const FieldBags& bags = batch->fields[2 + place];  // item and user come first
        const std::vector<uint64_t> keys(bags.keys.begin() + bags.offsets[row],
                                         bags.keys.begin() + bags.offsets[row + 1]);
        if (place < ids.size()) {
          EXPECT_THAT(keys, ElementsAre(schema.Key(0, ids[place]))) << cell;
        } else {
          EXPECT_THAT(keys, IsEmpty()) << cell;
        }
      }
    }
  }
}

// Small whole numbers are looked up, others searched for.
TEST(DelimitedDecoderTest, BucketsOfSmallAndLargeNumbersMeet) {
  const std::vector<double> boundaries = {-3, 0, 1, 2.5, 900, 1022.5, 1023, 1024, 1025, 5e6};
  std::string feature = R"(feature { name: "n" dense { bucketize { )";
  for (const double boundary : boundaries) absl::StrAppend(&feature, "boundaries: ", boundary, " ");
  Parsing p("", "label\tn\tmore", RowUse::kTrain, feature + "} } } feature { name: \"more\" sparse {} }");
  for (const int number :
       {-4, -3, -1, 0, 1, 2, 3, 899, 900, 1021, 1022, 1023, 1024, 1025, 1026, 4999999, 5000000, 12345678}) {
    ASSERT_EQ(p.Parse(absl::StrCat("1\t", number, "\tthe rest of the line")), RowFault::kNone) << p.detail;
    const auto bucket = std::count_if(boundaries.begin(), boundaries.end(),
                                      [&](double boundary) { return boundary <= number; });
    EXPECT_THAT(p.Keys(0), ElementsAre(p.Key(0, absl::StrCat(bucket)))) << number;
  }
}

TEST(DelimitedDecoderTest, ABucketIsTheCountOfBoundariesNotAboveTheNumber) {
  Parsing p;
  const std::pair<const char*, const char*> cases[] = {{"-1", "0"},    {"0", "1"},     {"-0", "1"},
                                                       {"5.999", "1"}, {"6", "2"},     {"12", "3"},
                                                       {"1e300", "3"}, {"-1e300", "0"}};
  for (const auto& [cell, bucket] : cases) {
    ASSERT_EQ(p.Parse(With(7, cell)), RowFault::kNone) << cell << ": " << p.detail;
    EXPECT_THAT(p.Keys(kHour), ElementsAre(p.Key(kHour, bucket))) << cell;
  }
}

TEST(DelimitedDecoderTest, EmptyAndMissingCellsAreEmptyBagsOrTheMissingVector) {
  Parsing p("missing_value: 'NULL' missing_value: 'NA'");
  for (const std::string cell : {"", "NULL", "NA"}) {
    const std::string line =
        absl::StrCat("0", std::string("\t"), absl::StrJoin(std::vector<std::string>(7, cell), "\t"));
    ASSERT_EQ(p.Parse(line), RowFault::kNone) << p.detail;
    for (const int field : {kUser, kTags, kInterests}) EXPECT_THAT(p.Keys(field), IsEmpty()) << field << cell;
    for (const int field : {kAge, kPrice, kClicks, kHour}) {
      EXPECT_THAT(p.Keys(field), ElementsAre(p.Key(field, "missing"))) << field << cell;
      EXPECT_THAT(p.Coefficients(field), ElementsAre(1)) << field << cell;
    }
  }
  EXPECT_EQ(p.batch.rows(), 3);
  ASSERT_EQ(p.Parse(With(1, "null")), RowFault::kNone);
  EXPECT_THAT(p.Keys(kUser), ElementsAre(p.Key(kUser, "null"))) << "the texts are exact";
}

TEST(DelimitedDecoderTest, EmptyItemsOfABagAreNoItems) {
  Parsing p;
  ASSERT_EQ(p.Parse(With(2, "|a||b|")), RowFault::kNone);
  EXPECT_THAT(p.Keys(kTags), ElementsAre(p.Key(kTags, "a"), p.Key(kTags, "b")));
  ASSERT_EQ(p.Parse(With(2, "||")), RowFault::kNone);
  EXPECT_THAT(p.Keys(kTags), IsEmpty());
}

TEST(DelimitedDecoderTest, TheLastSeparatorOfAnItemBeginsItsWeight) {
  Parsing p;
  ASSERT_EQ(p.Parse(With(3, "http://x:8080:2")), RowFault::kNone) << p.detail;
  EXPECT_THAT(p.Keys(kInterests), ElementsAre(p.Key(kInterests, "http://x:8080")));
}

TEST(DelimitedDecoderTest, CoefficientsOfTinyAndHugeWeightsAreStillShares) {
  Parsing p;
  for (const char* weight : {"1e-44", "1e-45", "1e38", "3.4e38"}) {
    ASSERT_EQ(p.Parse(With(3, absl::StrCat("a:", weight, "|b:", weight))), RowFault::kNone) << p.detail;
    EXPECT_THAT(p.Coefficients(kInterests), ElementsAre(0.5f, 0.5f)) << weight;
  }
}

TEST(DelimitedDecoderTest, BytesThatAreNoTextAreIdsLikeOthers) {
  Parsing p;
  const std::string id("\xff\xfe\0x", 4);
  ASSERT_EQ(p.Parse(With(1, id)), RowFault::kNone);
  EXPECT_THAT(p.Keys(kUser), ElementsAre(p.Key(kUser, id)));
  EXPECT_NE(p.Key(kUser, id), p.Key(kUser, id.substr(0, 2))) << "a NUL doesn't end the id";
}

TEST(DelimitedDecoderTest, ATenMegabyteCellIsAnId) {
  Parsing p;
  const std::string id(10 << 20, 'x');
  ASSERT_EQ(p.Parse(With(1, id)), RowFault::kNone);
  EXPECT_THAT(p.Keys(kUser), ElementsAre(p.Key(kUser, id)));
}

TEST(DelimitedDecoderTest, SampleWeightsAndGroupsAreRead) {
  Parsing p("weight_column: 'w' group_column: 'user'", absl::StrCat(kHeader, "\tw"));
  ASSERT_EQ(p.Parse(absl::StrCat(kGood, "\t0.25")), RowFault::kNone) << p.detail;
  ASSERT_EQ(p.Parse(absl::StrCat(kGood, "\t0")), RowFault::kNone) << p.detail;
  ASSERT_EQ(p.Parse(absl::StrCat(With(1, "u2"), "\t2")), RowFault::kNone) << p.detail;
  EXPECT_THAT(p.batch.weights, ElementsAre(0.25f, 0, 2));
  EXPECT_EQ(p.batch.groups[0], p.batch.groups[1]);
  EXPECT_NE(p.batch.groups[0], p.batch.groups[2]);
}

// ---- a teacher's scores, and rows without a label

const std::string kTeacherHeader = absl::StrCat(kHeader, "\tscore");
// A teacher's scores in the log; `data` and `stored_logits` are more of those messages.
struct WithScores : Parsing {
  explicit WithScores(const std::string& data = "", const std::string& stored_logits = "",
                      const std::string& header = kTeacherHeader, RowUse use = RowUse::kTrain)
      : Parsing(data, header, use, kFeatures, absl::StrCat("column: 'score' ", stored_logits)) {}
};

std::string Scored(absl::string_view score, absl::string_view row = kGood) {
  return absl::StrCat(row, "\t", score);
}

TEST(DelimitedDecoderTest, AScoreIsTheLogitThatTheStudentsLossIsTakenAgainst) {
  WithScores p;
  for (const char* score : {"0.25", "0.5", "1", "0", "1e-9", ""})
    ASSERT_EQ(p.Parse(Scored(score)), RowFault::kNone);
  const std::vector<float>& logits = p.batch.teacher_logits;
  ASSERT_EQ(logits.size(), 6u);
  EXPECT_FLOAT_EQ(logits[0], std::log(0.25 / 0.75));
  EXPECT_EQ(logits[1], 0);
  // A predictor's float can't tell these from 1 and 0.
  EXPECT_FLOAT_EQ(logits[2], std::log(33554431.0));
  EXPECT_FLOAT_EQ(logits[3], -logits[2]);
  EXPECT_FLOAT_EQ(logits[4], -logits[2]);
  EXPECT_TRUE(IsAbsent(logits[5]));
}

TEST(DelimitedDecoderTest, AProbabilityOfTheFullLogIsTakenBackToTheLogAsItIs) {
  WithScores p("negative_keep_rate: 0.1");
  // A model of the log as it is says 0.5; predict, with its negatives put back, 1 / 11.
  ASSERT_EQ(p.Parse(Scored("0.0909090909")), RowFault::kNone);
  EXPECT_NEAR(p.batch.teacher_logits[0], 0, 1e-6);
}

TEST(DelimitedDecoderTest, ALogitIsTakenAsItIs) {
  WithScores p("negative_keep_rate: 0.1 missing_value: 'NA'", "is: LOGIT");
  for (const char* score : {"-3.25", "40", "NA"}) ASSERT_EQ(p.Parse(Scored(score)), RowFault::kNone);
  EXPECT_EQ(p.batch.teacher_logits[0], -3.25f);
  EXPECT_EQ(p.batch.teacher_logits[1], 40.0f);
  EXPECT_TRUE(IsAbsent(p.batch.teacher_logits[2]));
}

TEST(DelimitedDecoderTest, AScoreThatIsNoneIsAFault) {
  WithScores p;
  ASSERT_EQ(p.Parse(Scored("0.5")), RowFault::kNone);
  for (const auto& [score, fault] :
       std::vector<std::pair<std::string, RowFault>>{{"x", RowFault::kNumber},
                                                     {"1.01", RowFault::kNumber},
                                                     {"-0.1", RowFault::kNumber},
                                                     {"nan", RowFault::kNotFinite},
                                                     {"inf", RowFault::kNotFinite}}) {
    EXPECT_EQ(p.Parse(Scored(score)), fault) << score;
    EXPECT_EQ(p.detail, absl::StrCat("the teacher's score '", score, "' in 'score' is not a probability"));
    EXPECT_EQ(p.batch.teacher_logits.size(), 1u) << score;
    EXPECT_EQ(p.batch.rows(), 1) << score;
  }
  // A fault in a later cell takes the score along.
  WithScores later("", "", absl::StrCat("score\t", kHeader));
  ASSERT_EQ(later.Parse(absl::StrCat("0.5\t", kGood)), RowFault::kNone);
  EXPECT_EQ(later.Parse(absl::StrCat("0.7\t", With(4, "abc"))), RowFault::kNumber);
  EXPECT_EQ(later.batch.teacher_logits.size(), 1u);
  WithScores logit("", "is: LOGIT");
  EXPECT_EQ(logit.Parse(Scored("1e39")), RowFault::kNotFinite);
  EXPECT_THAT(logit.detail, HasSubstr("'1e39' in 'score' is not a finite number"));
}

TEST(DelimitedDecoderTest, OnlyTrainingNeedsTheScores) {
  const Schema schema = SchemaOf("", kFeatures, "column: 'score'");
  EXPECT_EQ(ParserOf(schema, kHeader).status().message(),
            "logs/day.tsv: no column 'score' (model.distill.stored_logits.column)");
  for (const RowUse use : {RowUse::kEvaluate, RowUse::kPredict}) {
    WithScores p("", "", kHeader, use);
    ASSERT_EQ(p.Parse(kGood), RowFault::kNone);
    EXPECT_TRUE(p.batch.teacher_logits.empty());
  }
}

TEST(DelimitedDecoderTest, AnEmptyLabelIsAbsentWhereTheConfigurationAllowsIt) {
  for (const char* unlabelled : {"DROP", "USE_TEACHER"}) {
    for (const RowUse use : {RowUse::kTrain, RowUse::kEvaluate}) {
      Parsing p(absl::StrCat("missing_value: 'NA' unlabelled: ", unlabelled), kHeader, use);
      ASSERT_EQ(p.Parse(kGood), RowFault::kNone);
      for (const char* label : {"", "NA"}) ASSERT_EQ(p.Parse(With(0, label)), RowFault::kNone);
      EXPECT_EQ(p.Parse(With(0, "2")), RowFault::kLabel);
      EXPECT_EQ(p.Parse(With(0, "null")), RowFault::kLabel);
      ASSERT_EQ(p.batch.rows(), 3);
      EXPECT_EQ(p.batch.labels[0], 1);
      EXPECT_TRUE(IsAbsent(p.batch.labels[1]));
      EXPECT_TRUE(IsAbsent(p.batch.labels[2]));
    }
  }
}

// What each label becomes: "1", "0", "-" without one, "x" for a fault.
std::string Labels(const std::string& data, const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) {
    Parsing p(data);
    const RowFault fault = p.Parse(With(0, label));
    EXPECT_TRUE(fault == RowFault::kNone || fault == RowFault::kLabel) << label;
    text += fault != RowFault::kNone ? "x" : !p.batch.labelled() ? "-" : p.batch.labels[0] == 1 ? "1" : "0";
  }
  return text;
}

TEST(DelimitedDecoderTest, ALabelIsANumberEqualTo0Or1InAnySpelling) {
  EXPECT_EQ(Labels("", {"1", "0", "1.0", "0.0", "1e0", "0.00", "-0", "01", "1.", "10e-1"}), "1010100111");
  EXPECT_EQ(Labels("", {"2", "-1", "0.5", "true", "True", " 1", "1 ", "", "nan", "yes"}), "xxxxxxxxxx");
}

TEST(DelimitedDecoderTest, TextsOfTheLabelMeanWhatTheConfigurationSays) {
  EXPECT_EQ(Labels("positive: 'yes' negative: 'no'", {"yes", "no", "Yes", "1", "0.0", ""}), "10x10x");
  EXPECT_EQ(Labels("positive: 'yes' positive: 'true'", {"yes", "true", "no", "1", "anything"}), "11000")
      << "without `negative` all else is 0";
  EXPECT_EQ(Labels("positive: 'yes' unlabelled: DROP missing_value: 'NA'", {"yes", "", "NA", "no"}), "1--0");
  EXPECT_EQ(Labels("negative: '-1'", {"1", "1.0", "-1", "-1.0", "0", "2"}), "11000x");
  EXPECT_EQ(Labels("positive: '2' negative: '1'", {"2", "2.0", "1", "1.0", "1e0", "3"}), "11000x")
      << "a text that is a number stands for it in any spelling";
  EXPECT_EQ(Labels("positive: '1'", {"1", "1.0", "0", "2"}), "1100");
}

TEST(DelimitedDecoderTest, ANumberBeyondTheBoundIsSetAsideWithItsColumn) {
  const char* const features = R"(
    feature { name: "a" column: "user" dense {} } feature { name: "b" column: "age" dense { max_magnitude: 3 } }
    feature { name: "c" column: "price" dense { transform: LOG1P max_magnitude: 3 } }
    feature { name: "d" column: "hour" dense { bucketize { boundaries: 0 } } })";
  Parsing p("", "label\tuser\tage\tprice\thour", RowUse::kTrain, features);
  EXPECT_EQ(p.Parse("1\t1e6\t-3\t19\t1e30"), RowFault::kNone) << p.detail;
  EXPECT_EQ(p.Parse("1\t1000001\t1\t1\t1"), RowFault::kMagnitude);
  EXPECT_THAT(p.detail,
              HasSubstr("'1000001' in 'user' is further from 0 than feature[a].dense.max_magnitude 1e+06"));
  EXPECT_EQ(p.Parse("1\t1\t3.01\t1\t1"), RowFault::kMagnitude);
  for (const char* price : {"20", "20.0", "-20", "1e30"}) {
    EXPECT_EQ(p.Parse(absl::StrCat("1\t1\t1\t", price, "\t1")), RowFault::kMagnitude) << price;
  }
  EXPECT_THAT(p.detail, AllOf(HasSubstr("'price'"), HasSubstr("transformed")));
  EXPECT_EQ(p.batch.rows(), 1);
}

TEST(DelimitedDecoderTest, ATimeIsTheIdOfAPartOfIt) {
  const char* const features = R"(
    feature { name: "hour" column: "user" time {} }
    feature { name: "weekday" column: "user" time { part: WEEKDAY } })";
  Parsing p("", "label\tuser", RowUse::kTrain, features);
  for (const char* text : {"2016-03-27 00:53:11", "2016-03-27T00:53:11.25Z", "1459039991", "1459039991000"}) {
    ASSERT_EQ(p.Parse(absl::StrCat("1\t", text)), RowFault::kNone) << p.detail;
    EXPECT_THAT(p.Keys(0), ElementsAre(p.Key(0, "0")));
    EXPECT_THAT(p.Keys(1), ElementsAre(p.Key(1, "7")));
    EXPECT_THAT(p.Coefficients(0), ElementsAre(1));
  }
  ASSERT_EQ(p.Parse("1\t"), RowFault::kNone);
  EXPECT_THAT(p.Keys(0), ElementsAre(p.Key(0, "missing")));
  EXPECT_EQ(p.Parse("1\tyesterday"), RowFault::kTime);
  EXPECT_THAT(p.detail, HasSubstr("'yesterday' in 'user' is no time (2016-03-27 00:53:11, or seconds"));
}

// ---- what is no row, and no fault either

TEST(DelimitedDecoderTest, ABlankLineIsPassedOver) {
  EXPECT_EQ(Parsing().Parse(""), RowFault::kBlankLine);
  EXPECT_EQ(Parsing("", "user", RowUse::kPredict, "feature { name: 'user' sparse {} }").Parse(""),
            RowFault::kBlankLine)
      << "also where one empty cell would be a row";
}

TEST(DelimitedDecoderTest, AHeaderLineAmongTheRowsIsNoRow) {
  const std::string features = "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }";
  const std::string columns = "label\tuser\titem";
  for (const RowUse use : {RowUse::kTrain, RowUse::kPredict}) {
    for (const char* data : {"", "positive: 'yes'"}) {
      Parsing p(data, columns, use, features);
      EXPECT_EQ(p.Parse(columns), RowFault::kRepeatedHeader);
      EXPECT_EQ(p.Parse("\xef\xbb\xbf" + columns), RowFault::kRepeatedHeader) << "of another file";
      EXPECT_EQ(p.Parse("label\titem\tuser"), RowFault::kHeader) << "the rows behind it would be misread";
      EXPECT_THAT(p.detail, HasSubstr("column 2 is 'item' where it was 'user'"));
      EXPECT_EQ(p.Parse("item\tuser\tlabel"), RowFault::kHeader);
      EXPECT_EQ(p.Parse("label\tuser\titem\tprice"), RowFault::kHeader);
      EXPECT_EQ(p.Parse("1\tuser\titems"), RowFault::kNone) << "ids may be called as a column";
      EXPECT_EQ(p.batch.rows(), 1);
    }
  }
  Parsing numbers("label: '0'", "0\t1\t2", RowUse::kTrain,
                  "feature { name: 'a' column: '1' sparse {} } feature { name: 'b' column: '2' sparse {} }");
  EXPECT_EQ(numbers.Parse("0\t1\t2"), RowFault::kNone) << "names that are numbers prove nothing";
}

TEST(DelimitedDecoderTest, BlocksFindTheHeaderLinesThatSingleRowsDo) {
  Parsing p("", "label\tuser\titem", RowUse::kPredict,
            "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }");
  RawRows rows;
  for (const char* row : {"1\tu\ti", "", "label\tuser\titem", "0\tv\tj", "user\tlabel\titem"})
    rows.rows.emplace_back(row);
  rows.too_long.assign(rows.rows.size(), false);
  std::vector<BadRow> bad;
  p.parser.ParseLines(rows, 0, 5, &p.batch, &bad);
  EXPECT_EQ(p.batch.rows(), 2);
  ASSERT_EQ(bad.size(), 3u);
  EXPECT_EQ(bad[0].fault, RowFault::kBlankLine);
  EXPECT_EQ(bad[1].fault, RowFault::kRepeatedHeader);
  EXPECT_EQ(bad[2].fault, RowFault::kHeader);
}

TEST(DelimitedDecoderTest, ARowWithNeitherLabelNorScoreTeachesNothing) {
  WithScores p("unlabelled: USE_TEACHER");
  ASSERT_EQ(p.Parse(Scored("0.5", With(0, ""))), RowFault::kNone);
  ASSERT_EQ(p.Parse(Scored("", With(0, "0"))), RowFault::kNone);
  EXPECT_EQ(p.Parse(Scored("", With(0, ""))), RowFault::kLabel);
  EXPECT_EQ(p.detail, "no label, and no teacher's score in 'score'");
  EXPECT_EQ(p.batch.rows(), 2);
  EXPECT_EQ(p.batch.teacher_logits.size(), 2u);
  // Where such rows are dropped they need no score.
  WithScores drop("unlabelled: DROP");
  EXPECT_EQ(drop.Parse(Scored("", With(0, ""))), RowFault::kNone);
}

TEST(DelimitedDecoderTest, OneColumnMayServeSeveralEnds) {
  Parsing p("weight_column: 'age' group_column: 'age'", kHeader, RowUse::kTrain, R"(
    feature { name: "age" sparse {} } feature { name: "age_number" column: "age" dense {} })");
  ASSERT_EQ(p.Parse(kGood), RowFault::kNone) << p.detail;
  EXPECT_EQ(p.batch.weights[0], 20);
  EXPECT_NE(p.batch.groups[0], 0u);
  EXPECT_THAT(p.Keys(0), ElementsAre(p.Key(0, "20")));
  EXPECT_THAT(p.Coefficients(1), ElementsAre(20));
}

TEST(DelimitedDecoderTest, TheOrderOfColumnsIsFreeAndUnknownOnesAreSkipped) {
  Parsing p;
  Parsing other("", "hour\tjunk\tclicks\tprice\tage\tinterests\ttags\tuser\tlabel\tjunk");
  ASSERT_EQ(p.Parse(kGood), RowFault::kNone);
  ASSERT_EQ(other.Parse("7\tx\t-2.5\t12\t20\tc:3|d:1\ta|b\tu1\t1\ty"), RowFault::kNone) << other.detail;
  EXPECT_EQ(RowText(other.batch, 0), RowText(p.batch, 0));
}

// ---- faults

struct FaultCase {
  std::string line;
  RowFault fault;
  std::string detail;  // a part of it
};

TEST(DelimitedDecoderTest, EveryFaultIsToldAndLeavesTheBatchAsItWas) {
  const std::vector<FaultCase> cases = {
      {"x", RowFault::kColumnCount, "1 columns where the header has 8"},
      {"1\tu1\ta", RowFault::kColumnCount, "3 columns where the header has 8"},
      {absl::StrCat(kGood, "\t"), RowFault::kColumnCount, "9 columns where the header has 8"},
      {"x\tu1\ta", RowFault::kColumnCount, "3 columns"},  // the shift comes before what it makes of cells
      {With(0, ""), RowFault::kLabel, "label '' is not 0 or 1"},
      {With(0, "x"), RowFault::kLabel, "label 'x' is not 0 or 1"},
      {With(0, "2"), RowFault::kLabel, "'2'"},
      {With(0, "1.5"), RowFault::kLabel, "'1.5'"},
      {With(0, " 1"), RowFault::kLabel, "' 1'"},
      {With(0, "-1"), RowFault::kLabel, "'-1'"},
      {With(0, std::string("1\0", 2)), RowFault::kLabel, "'1\\000'"},
      {With(4, "abc"), RowFault::kNumber, "'abc' in 'age' is not a number"},
      {With(4, "12x"), RowFault::kNumber, "'12x'"},
      {With(4, "0x10"), RowFault::kNumber, "'0x10'"},
      {With(4, "1,5"), RowFault::kNumber, "'1,5'"},
      {With(4, "1 1"), RowFault::kNumber, "'1 1'"},
      {With(4, "-"), RowFault::kNumber, "'-'"},
      {With(7, "NULL"), RowFault::kNumber, "'NULL' in 'hour'"},
      {With(6, "nan"), RowFault::kNotFinite, "'nan' in 'clicks' is not a finite number"},
      {With(6, "-NaN"), RowFault::kNotFinite, "'-NaN'"},
      {With(6, "inf"), RowFault::kNotFinite, "'inf'"},
      {With(6, "-Infinity"), RowFault::kNotFinite, "'-Infinity'"},
      {With(6, "1e999"), RowFault::kNotFinite, "'1e999'"},
      {With(6, "1e39"), RowFault::kNotFinite, "'1e39'"},  // no float
      {With(6, absl::StrCat("1", std::string(400, '0'), "e-5")), RowFault::kNotFinite, "..."},
      {With(6, "1e7"), RowFault::kMagnitude, "'1e7' in 'clicks' is further from 0 than"},
      {With(4, "1e999"), RowFault::kNotFinite, "'1e999'"},
      {With(7, "inf"), RowFault::kNotFinite, "'inf' in 'hour'"},
      {With(3, "c:3|d"), RowFault::kWeight, "item 'd' of 'interests'"},
      {With(3, "c:"), RowFault::kWeight, "item 'c:'"},
      {With(3, "c:x"), RowFault::kWeight, "item 'c:x'"},
      {With(3, "c:0"), RowFault::kWeight, "item 'c:0'"},
      {With(3, "c:-1"), RowFault::kWeight, "item 'c:-1'"},
      {With(3, "c:1e-60"), RowFault::kWeight, "item 'c:1e-60'"},  // a float's zero
      {With(3, "c:nan"), RowFault::kNotFinite, "item 'c:nan'"},
      {With(3, "c:-inf"), RowFault::kNotFinite, "item 'c:-inf'"},
      {With(3, "c:1e39"), RowFault::kNotFinite, "item 'c:1e39'"},
  };
  Parsing p;
  ASSERT_EQ(p.Parse(kGood), RowFault::kNone);
  const std::string before = RowText(p.batch, 0);
  for (const FaultCase& test : cases) {
    EXPECT_STREQ(RowFaultName(p.Parse(test.line)), RowFaultName(test.fault)) << test.line.substr(0, 99);
    EXPECT_THAT(p.detail, HasSubstr(test.detail)) << test.line.substr(0, 99);
    ASSERT_EQ(p.batch.rows(), 1) << test.line.substr(0, 99);
    EXPECT_EQ(p.parser.Parse(test.line, &p.batch, nullptr), test.fault) << "without a detail";
    ASSERT_EQ(p.Parse(kGood), RowFault::kNone) << "after " << test.line.substr(0, 99);
    EXPECT_EQ(RowText(p.batch, 1), before) << "after " << test.line.substr(0, 99);
    p.batch.Truncate(1);
    ASSERT_EQ(RowText(p.batch, 0), before) << "after " << test.line.substr(0, 99);
  }
}

TEST(DelimitedDecoderTest, SampleWeightsAreFiniteAndNotNegative) {
  Parsing p("weight_column: 'w'", absl::StrCat(kHeader, "\tw"));
  const std::pair<const char*, RowFault> cases[] = {
      {"", RowFault::kWeight},         {"x", RowFault::kWeight},        {"-0.5", RowFault::kWeight},
      {"nan", RowFault::kNotFinite},   {"-inf", RowFault::kNotFinite},  {"1e39", RowFault::kNotFinite},
      {"-1e39", RowFault::kNotFinite}, {"-1e999", RowFault::kNotFinite}};
  for (const auto& [cell, fault] : cases) {
    EXPECT_STREQ(RowFaultName(p.Parse(absl::StrCat(kGood, "\t", cell))), RowFaultName(fault)) << cell;
    EXPECT_THAT(p.detail, HasSubstr(absl::StrCat("weight '", cell, "'")));
    EXPECT_EQ(p.batch.rows(), 0);
  }
}

TEST(DelimitedDecoderTest, TooSmallANumberIsZero) {
  Parsing p;
  for (const std::string& cell :
       {std::string("1e-999"), std::string("-1E-999"), absl::StrCat("0.", std::string(400, '0'), "1")}) {
    ASSERT_EQ(p.Parse(With(6, cell)), RowFault::kNone) << p.detail;
    EXPECT_EQ(p.Coefficients(kClicks)[0], 0) << cell;
  }
}

TEST(DelimitedDecoderTest, AMessageShowsNeitherWholeBooksNorControlBytes) {
  Parsing p;
  ASSERT_EQ(p.Parse(With(4, absl::StrCat("\x1b[2J\r", std::string(1 << 20, 'x')))), RowFault::kNumber);
  EXPECT_LT(p.detail.size(), 200u);
  EXPECT_THAT(p.detail, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
}

TEST(DelimitedDecoderTest, RandomBytesAreARowOrAFaultAndNothingElse) {
  Parsing p("weight_column: 'w' group_column: 'user' missing_value: 'NA'", absl::StrCat(kHeader, "\tw"));
  const Random random(1, RandomPurpose::kSynthetic, {});
  uint64_t counter = 0;
  const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
  constexpr absl::string_view kLikely = "\t\t\t\t01.|:-eninfa";
  int good = 0;
  for (int i = 0; i < 20000; ++i) {
    // Half of them good rows with a byte or two changed.
    std::string line = i % 2 == 0 ? absl::StrCat(kGood, "\t1") : std::string(draw(60), '\0');
    for (size_t c = 0; c < line.size(); ++c) {
      if (i % 2 == 0 && draw(20) > 0) continue;
      line[c] = draw(3) == 0 ? static_cast<char>(draw(256)) : kLikely[draw(static_cast<int>(kLikely.size()))];
    }
    const int rows = p.batch.rows();
    const RowFault fault = p.Parse(line);
    good += fault == RowFault::kNone ? 1 : 0;
    ASSERT_EQ(p.batch.rows(), rows + (fault == RowFault::kNone ? 1 : 0));
    Batch cells_batch(static_cast<int>(p.batch.fields.size()));
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
    const RowFault of_cells = p.parser.ParseCells(cells, &cells_batch, nullptr);
    ASSERT_EQ(line.empty() ? RowFault::kBlankLine : of_cells, fault);
    if (fault == RowFault::kNone) {
      ASSERT_EQ(RowText(cells_batch, 0), RowText(p.batch, rows));
    }
  }
  EXPECT_GT(good, 100);
  for (const FieldBags& field : p.batch.fields) {
    ASSERT_EQ(field.offsets.size(), static_cast<size_t>(p.batch.rows()) + 1);
    ASSERT_EQ(field.offsets.back(), field.keys.size());
    ASSERT_EQ(field.coefficients.size(), field.keys.size());
    for (const float coefficient : field.coefficients) ASSERT_TRUE(std::isfinite(coefficient));
  }
}

// ---- cells

TEST(DelimitedDecoderTest, ParseCellsEqualsParse) {
  Parsing p;
  Batch batch(static_cast<int>(p.batch.fields.size()));
  for (const std::string& line :
       {std::string(kGood), With(1, ""), With(0, "5"), With(6, "nan"), std::string("1\t2")}) {
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
    std::string detail;
    EXPECT_EQ(p.parser.ParseCells(cells, &batch, &detail), p.Parse(line)) << line;
    EXPECT_EQ(detail.empty(), p.detail.empty()) << line;
  }
  EXPECT_THAT(RowTexts(batch), ElementsAreArray(RowTexts(p.batch)));
}

TEST(DelimitedDecoderTest, CellsWithoutAnAddressAreEmpty) {
  Parsing p;
  std::vector<absl::string_view> cells(8);
  cells[0] = "1";
  EXPECT_EQ(p.parser.ParseCells(cells, &p.batch, nullptr), RowFault::kNone);
  EXPECT_EQ(p.parser.Parse(absl::string_view(), &p.batch, nullptr), RowFault::kBlankLine);
}

// ---- uses

TEST(DelimitedDecoderTest, PredictionNeedsNoLabelWeightOrGroup) {
  Parsing p("weight_column: 'w' group_column: 'g' key_columns: 'user'",
            "user\ttags\tinterests\tage\tprice\tclicks\thour", RowUse::kPredict);
  ASSERT_EQ(p.Parse("u1\ta|b\tc:3|d:1\t20\t12\t-2.5\t7"), RowFault::kNone) << p.detail;
  Parsing trained;
  ASSERT_EQ(trained.Parse(kGood), RowFault::kNone);
  trained.batch.labels[0] = 0;
  EXPECT_EQ(RowText(p.batch, 0), RowText(trained.batch, 0));
}

TEST(DelimitedDecoderTest, PredictionReadsNoLabelThatIsThere) {
  Parsing p("", kHeader, RowUse::kPredict);
  EXPECT_EQ(p.Parse(With(0, "?")), RowFault::kNone) << p.detail;
}

TEST(DelimitedDecoderTest, KeysAreCarriedForMalformedRowsToo) {
  Parsing p("key_columns: 'hour' key_columns: 'user'", kHeader, RowUse::kPredict);
  std::string keys;
  p.parser.AppendKeys(kGood, ',', &keys);
  p.parser.AppendKeys("1\tu2", ',', &keys);
  p.parser.AppendKeys("", ',', &keys);
  EXPECT_EQ(keys, "7,u1,,u2,,,");
}

constexpr char kWithPosition[] = R"(
  feature { name: "user" sparse {} } feature { name: "position" sparse {} serving_value: "1" }
  feature { name: "score" dense {} serving_value: "" })";

TEST(DelimitedDecoderTest, AServingValueStandsForItsColumnExceptInTraining) {
  for (const RowUse use : {RowUse::kEvaluate, RowUse::kPredict}) {
    Parsing p("", "label\tuser", use, kWithPosition);
    ASSERT_EQ(p.Parse("1\tu1"), RowFault::kNone) << p.detail;
    EXPECT_THAT(p.Keys(1), ElementsAre(p.Key(1, "1")));
    EXPECT_THAT(p.Keys(2), ElementsAre(p.Key(2, "missing")));
    Parsing with_column("", "label\tuser\tposition\tscore", use, kWithPosition);
    ASSERT_EQ(with_column.Parse("1\tu1\t9\tx"), RowFault::kNone) << with_column.detail;
    EXPECT_EQ(RowText(with_column.batch, 0), RowText(p.batch, 0));
  }
  Parsing p("", "label\tuser\tposition\tscore", RowUse::kTrain, kWithPosition);
  ASSERT_EQ(p.Parse("1\tu1\t9\t2"), RowFault::kNone) << p.detail;
  EXPECT_THAT(p.Keys(1), ElementsAre(p.Key(1, "9")));
  EXPECT_THAT(p.Coefficients(2), ElementsAre(2));
  const absl::Status missing = ParserOf(p.schema, "label\tuser", RowUse::kTrain).status();
  EXPECT_THAT(std::string(missing.message()), HasSubstr("no column 'position'"));
}

TEST(DelimitedDecoderTest, AMalformedServingValueIsAnErrorBeforeTraining) {
  const Schema schema = SchemaOf("", "feature { name: 'x' dense {} serving_value: 'top' }");
  const absl::Status status = ParserOf(schema, "label\tx").status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("feature[x].serving_value"), HasSubstr("'top'"), HasSubstr("not a number")));
}

// ---- headers

TEST(DelimitedDecoderTest, AMissingColumnIsNamedWithTheNearestOne) {
  const absl::Status status =
      ParserOf(SchemaOf(), "label\tusre\ttags\tinterests\tage\tprice\tclicks\thour").status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("logs/day.tsv"), HasSubstr("no column 'user'"), HasSubstr("feature 'user'"),
                    HasSubstr("did you mean 'usre'?")));
  EXPECT_THAT(std::string(ParserOf(SchemaOf(), "user").status().message()),
              HasSubstr("no column 'label' (data.label)"));
}

TEST(DelimitedDecoderTest, ANeededColumnTwiceIsAnErrorAnUnusedOneIsNot) {
  const absl::Status status = ParserOf(SchemaOf(), absl::StrCat(kHeader, "\tuser")).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("logs/day.tsv"), HasSubstr("two columns are named 'user'")));
  EXPECT_TRUE(ParserOf(SchemaOf(), absl::StrCat(kHeader, "\tx\tx")).ok());
}

TEST(DelimitedDecoderTest, ADecoderOutlivesItsSchema) {
  absl::StatusOr<DelimitedRows> parser = ParserOf(SchemaOf());
  ASSERT_TRUE(parser.ok());
  const DelimitedRows copy = *parser;
  parser = absl::UnknownError("gone");
  Batch batch(7);
  EXPECT_EQ(copy.Parse(kGood, &batch, nullptr), RowFault::kNone);
}

TEST(DelimitedDecoder, ARowWithoutAGroupHasNone) {
  Parsing parsing("group_column: 'user' missing_value: 'NULL' missing_value: '-'");
  for (const char* user : {"", "NULL", "-", "u1", "u2"}) {
    ASSERT_EQ(parsing.Parse(absl::StrCat("1\t", user, "\ta\tc:3\t20\t12\t1\t7")), RowFault::kNone)
        << parsing.detail;
  }
  const std::vector<uint64_t>& groups = parsing.batch.groups;
  EXPECT_THAT((std::vector<uint64_t>{groups[0], groups[1], groups[2]}), testing::Each(0));
  EXPECT_NE(groups[3], 0u);
  EXPECT_NE(groups[3], groups[4]);
}

}  // namespace
}  // namespace tandem
