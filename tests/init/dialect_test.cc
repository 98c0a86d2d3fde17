// Delimiter, quotes, header and encoding are found in the first bytes of a log, or a clear word says why not.
#include "src/init/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

Dialect Find(const std::string& text, const std::string& given = "") {
  const auto dialect =
      FindDialect(text, /*whole=*/true, "log", ParseExperiment(given, "given").value().data());
  EXPECT_TRUE(dialect.ok()) << dialect.status();
  return dialect.ok() ? *dialect : Dialect();
}

std::string Refused(const std::string& text) {
  const auto dialect = FindDialect(text, /*whole=*/true, "log", {});
  EXPECT_EQ(ExitCode(dialect.status()), kExitData) << text;
  return std::string(dialect.status().message());
}

TEST(DialectTest, TheDelimiterIsTheOneThatCutsEveryRowAlike) {
  EXPECT_EQ(Find("a\tb,c\tc\n1\t2\t3\n4\t5,6,7\t8\n").data.delimited().delimiter(), "\t");
  EXPECT_EQ(Find("a,b\n1,2|3\n4,5|6|7\n").data.delimited().delimiter(), ",");
  EXPECT_EQ(Find("a;b;c\n1,5;2;3\n4,5;6;7\n").data.delimited().delimiter(), ";");
  EXPECT_EQ(Find("a|b\n1|2\n").data.delimited().delimiter(), "|");
  // Times have colons, texts have blanks.
  EXPECT_EQ(Find("time,text\n10:20:30,a b\n11:20:30,c d\n").data.delimited().delimiter(), ",");
  EXPECT_EQ(Find("a b\n1 2\n3 4\n").data.delimited().delimiter(), " ");
}

TEST(DialectTest, WhatIsGivenStands) {
  const Dialect dialect =
      Find("a,b|c\n1,2|3\n", "data { delimited { delimiter: '|' header: false column: ['x', 'y'] } }");
  EXPECT_EQ(dialect.data.delimited().delimiter(), "|");
  EXPECT_FALSE(dialect.data.delimited().header());
  EXPECT_THAT(dialect.data.delimited().column(), ElementsAre("x", "y"));
}

TEST(DialectTest, QuotesMayHoldDelimitersAndLineBreaks) {
  const Dialect dialect = Find("\"a\",\"b\"\n1,\"x, \"\"y\"\"\nz\"\n2,\"u\"\n");
  EXPECT_EQ(dialect.data.delimited().delimiter(), ",");
  // The default of everything but tabs.
  EXPECT_FALSE(dialect.data.has_quote());
  EXPECT_THAT(dialect.findings, testing::Contains("quoted"));
  EXPECT_EQ(Find("\"a\"\t\"b\"\n\"1\"\t\"x\"\n").data.quote(), "\"");
}

TEST(DialectTest, QuotesThatAreBytesLikeOthersAreLeftAlone) {
  const Dialect dialect = Find("name,size\n\"half,5\"x\n\"whole,3\"x\n");
  EXPECT_TRUE(dialect.data.has_quote());
  EXPECT_EQ(dialect.data.quote(), "");
  EXPECT_FALSE(Find("a\tb\n\"x\t1\ny\t2\n").data.has_quote());
}

TEST(DialectTest, AHeaderIsToldFromRows) {
  EXPECT_TRUE(Find("age,job\n30,cook\n40,clerk\n").data.delimited().header());
  EXPECT_TRUE(Find("job,town\ncook,Ulm\nclerk,Bonn\n").data.delimited().header());
  EXPECT_TRUE(Find(",job\n0,cook\n1,clerk\n").data.delimited().header()) << "row numbers have no name";
  EXPECT_FALSE(Find("30,cook\n40,clerk\n").data.delimited().header());
  EXPECT_FALSE(Find("cook,Ulm\ncook,Bonn\nclerk,Ulm\nclerk,Bonn\n").data.delimited().header());
}

TEST(DialectTest, AHeaderMayLackANameOrHaveOneTwiceAboveNumbers) {
  EXPECT_TRUE(Find("age,job,\n30,cook,7\n40,clerk,8\n").data.delimited().header());
  EXPECT_TRUE(Find("age,job,job\n30,cook,Ulm\n40,clerk,Bonn\n").data.delimited().header());
  EXPECT_FALSE(
      Find("age,job,job\n30,cook,Ulm\n", "data { delimited { header: false } }").data.delimited().header());
  // Rows, one with a cell that is empty.
  EXPECT_FALSE(Find("cook,,Ulm\nclerk,3,Bonn\n").data.delimited().header());
  EXPECT_FALSE(Find("cook,cook\nclerk,cook\n").data.delimited().header());
  // A row without numbers, by chance: what says so is no name.
  EXPECT_FALSE(Find("?,?,cook\n30,2,cook\n40,3,clerk\n").data.delimited().header());
  EXPECT_FALSE(Find("NA,NA,cook\n30,2,cook\n40,3,clerk\n").data.delimited().header());
}

TEST(DialectTest, WhyNothingCutsTheLinesIsSaid) {
  EXPECT_THAT(Refused("a,b\r1,2\r3,4\r"), HasSubstr("carriage returns alone"));
  EXPECT_THAT(Refused("a,b,c\n1,2,3,4,5\n1,2,3,4,5\n3,4,5,6,7\n"),
              HasSubstr(":1: has 3 columns between ',', the lines below 5; give every column a name"));
  EXPECT_THAT(Refused("a,b\n1,1,2\n2,3,4\n3,5,6\n"), HasSubstr("row numbers without a name"));
  EXPECT_THAT(Refused("a\n1\n2\n3\n"), HasSubstr("no delimiter cuts"));
}

TEST(DialectTest, ColumnsWithoutAHeaderAreNamedByTheirPlace) {
  const Dialect dialect = Find("1,0,x\n2,1,y\n");
  EXPECT_THAT(dialect.data.delimited().column(), ElementsAre("column_1", "column_2", "column_3"));
}

TEST(DialectTest, TwoColonsAreOneDelimiter) {
  const Dialect dialect = Find("1::1193::5\n1::661::3\n");
  EXPECT_EQ(dialect.data.delimited().delimiter(), ":");
  EXPECT_THAT(dialect.data.delimited().column(),
              ElementsAre("column_1", "gap_1", "column_2", "gap_2", "column_3"));
}

TEST(DialectTest, JsonLinesSayTheirLists) {
  const Dialect dialect =
      Find("{\"y\": 1, \"tags\": [\"a\"], \"w\": {\"a\": 2}, \"deep\": {\"a\": \"b\"}}\n");
  EXPECT_TRUE(dialect.data.has_json_lines());
  EXPECT_THAT(dialect.lists.plain, ElementsAre("tags"));
  EXPECT_THAT(dialect.lists.weighted, ElementsAre("w"));
}

TEST(DialectTest, WhatIsNotReadIsNamed) {
  EXPECT_THAT(Refused(""), HasSubstr("empty"));
  EXPECT_THAT(Refused("{\n  \"a\": 1\n}\n"), HasSubstr("JSON lines"));
  EXPECT_THAT(Refused("[{\"a\": 1}]\n"), HasSubstr("jq"));
  EXPECT_THAT(Refused("1 3:1 5:1\n0 3:1\n"), HasSubstr("libsvm"));
  EXPECT_THAT(Refused("1 3:0.5 5:1\n0 3:1 4:2\n"), HasSubstr("libsvm"));
  EXPECT_THAT(Refused("nothing\nto cut\nhere is it\n"), HasSubstr("data.delimited.delimiter"));
}

TEST(DialectTest, LinesOfLibfmWithOneValueAFieldAreColumns) {
  const Dialect dialect = Find("1 3:1 5:1\n-1 2:1 7:1\n");
  EXPECT_EQ(dialect.data.delimited().delimiter(), " ");
  EXPECT_EQ(dialect.data.delimited().column_size(), 3);
}

TEST(DialectTest, AnEncodingThatIsNotUtf8IsSaid) {
  EXPECT_THAT(absl::StrJoin(Find("a,b\n1,\xe9t\xe9\n").findings, ","), HasSubstr("not UTF-8"));
  EXPECT_THAT(absl::StrJoin(Find("\xef\xbb\xbf"
                                 "a,b\n1,\xc3\xa9\n")
                                .findings,
                            ","),
              HasSubstr("UTF-8 with a byte order mark"));
}

TEST(DialectTest, KeyValueTextIsRefused) {
  std::string in_order, in_any, with_header = "clicked|user|item\n", base64, one_of_three;
  for (int i = 0; i < 20; ++i) {
    const std::string user = absl::StrCat("user=u", i), item = absl::StrCat("item=i", i % 7);
    const std::string label = absl::StrCat("label=", i % 2);
    absl::StrAppend(&in_order, user, "|", item, "|", label, "\n");
    absl::StrAppend(&in_any, i % 2 == 0 ? user : label, "\t", item, "\t", i % 2 == 0 ? label : user, "\n");
    absl::StrAppend(&with_header, i % 2, "|", user, "|", i % 7, "\n");
    absl::StrAppend(&base64, i % 2, "\tdGVz", i, "==\tabc", i, "=x\n");
    absl::StrAppend(&one_of_three, i % 2, ",q=shoes,", i, "\n");
  }
  EXPECT_THAT(Refused(in_order),
              AllOf(HasSubstr("log: this looks like key=value text, which isn't read: in 3 of 3 columns"),
                    HasSubstr("('user=u0')")));
  EXPECT_THAT(Refused(in_any), HasSubstr("key=value text"));
  for (const std::string& text : {with_header, base64, one_of_three}) Find(text);
  const Dialect asked = Find(in_order, "data { delimited { delimiter: '|' } }");
  EXPECT_EQ(asked.data.delimited().delimiter(), "|");
  EXPECT_THAT(asked.notes, Contains(HasSubstr("Look here: this looks like key=value text")));
}

}  // namespace
}  // namespace tandem
