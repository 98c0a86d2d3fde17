// A log becomes a file a day: every row once, as it was, in its order, and what has no day is kept apart.
#include "src/init/split_days.h"

#include <gmock/gmock.h>

#include <string>

#include "tandem/experiment.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SplitDaysTest : public SampleFilesTest {
 protected:
  absl::StatusOr<SplitDays> Split(const std::string& data, const std::vector<std::string>& files) {
    return SplitByDay(FileSystem::Default(), ParseExperiment(data, "test").value().data(), files, "when",
                      Path("days"));
  }
};

constexpr char kComma[] = "data { delimited { delimiter: ',' } }";

TEST_F(SplitDaysTest, EveryRowIsInTheFileOfItsDayAsItWas) {
  const auto days = Split(kComma, {Write("a.csv",
                                         "y,when\n"
                                         "1,2026-01-02 10:00:00\n"
                                         "0,2026-01-01 23:59:59\n"
                                         "0,soon\n"
                                         "1,2026-01-02\n"),
                                   Write("b.csv",
                                         "y,when\n"
                                         "1,1767225600\n")});  // 2026-01-01 00:00 UTC
  ASSERT_TRUE(days.ok()) << days.status();
  EXPECT_EQ(days->path, Path("days/{date}.csv"));
  EXPECT_THAT(days->days, ElementsAre("2026-01-01", "2026-01-02"));
  EXPECT_EQ(days->rows, 5);
  EXPECT_EQ(days->undated, 1);
  EXPECT_EQ(FileBytes(Path("days/2026-01-01.csv")), "y,when\n0,2026-01-01 23:59:59\n1,1767225600\n");
  EXPECT_EQ(FileBytes(Path("days/2026-01-02.csv")), "y,when\n1,2026-01-02 10:00:00\n1,2026-01-02\n");
  EXPECT_EQ(FileBytes(Path("days/undated.csv")), "y,when\n0,soon\n");
}

TEST_F(SplitDaysTest, JsonLinesAreSplitAlike) {
  const auto days =
      Split("data { json_lines {} }",
            {Write("a.jsonl",
                   "{\"y\": 1, \"when\": \"2026-01-02T10:00:00Z\"}\n{\"y\": 0, \"when\": 1767225600000}\n")});
  ASSERT_TRUE(days.ok()) << days.status();
  EXPECT_EQ(FileBytes(Path("days/2026-01-01.jsonl")), "{\"y\": 0, \"when\": 1767225600000}\n");
}

TEST_F(SplitDaysTest, NothingIsLeftWhereNoRowHasATimeOrColumnsDiffer) {
  const std::string first = Write("a.csv", "y,when\n1,2026-01-02\n");
  EXPECT_THAT(std::string(Split(kComma, {Write("b.csv", "y,when\n1,soon\n")}).status().message()),
              HasSubstr("no row has a time"));
  EXPECT_THAT(
      std::string(Split(kComma, {first, Write("c.csv", "when,y\n2026-01-02,1\n")}).status().message()),
      HasSubstr("header"));
  EXPECT_FALSE(FileSystem::Default().Exists(Path("days")));
}

}  // namespace
}  // namespace tandem
