// Moments in text against Python's datetime (tests/oracle/make_moments.py).
#include "src/data/moments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

TEST(MomentsTest, EveryPartIsThatOfPythonsDatetime) {
  const std::string file = FileBytes(TANDEM_SOURCE_DIR "/tests/testdata/oracles/moments.tsv");
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(file, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> cells = absl::StrSplit(line, '\t');
    ASSERT_EQ(cells.size(), 5u) << line;
    ++lines;
    int column = 1;
    for (const TimePart part : {TimePart::kHour, TimePart::kWeekday, TimePart::kDay, TimePart::kMonth}) {
      int expected = -1;
      int value = -2;
      ASSERT_TRUE(absl::SimpleAtoi(cells[column++], &expected));
      ASSERT_TRUE(ParseMomentPart(cells[0], part, &value)) << cells[0];
      EXPECT_EQ(value, expected) << line;
    }
  }
  EXPECT_GT(lines, 300);
}

TEST(MomentsTest, WhatIsNeitherAMomentNorANumberIsNone) {
  int value = 0;
  for (const char* text : {"",
                           "now",
                           "2016-02-30",
                           "2016-13-01",
                           "2016-00-01",
                           "2016-01-00",
                           "0000-01-01",
                           "2016-1-1",
                           "2016-03-27 24:00:00",
                           "2016-03-27 00:60:00",
                           "2016-03-27 00:00:60",
                           "2016-03-27 00:00",
                           "2016-03-27 00:00:00.",
                           "2016-03-27 00:00:00.5x",
                           "2016-03-27 00:00:00ZZ",
                           "2016-03-27  00:00:00",
                           "2016-03-27 ",
                           "2016/03/27",
                           "27.03.2016",
                           "nan",
                           "inf",
                           "1e300",
                           "300000000000000",
                           "-300000000000000",
                           "12 34",
                           "2016-03-27 0:00:00",
                           "2016-03-27T",
                           "20-16"}) {
    EXPECT_FALSE(ParseMomentPart(text, TimePart::kHour, &value)) << text;
  }
}

}  // namespace
}  // namespace tandem
