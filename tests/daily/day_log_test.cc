// The days of a log: which count as days, and their rows.
#include "src/daily/day_log.h"

#include <gtest/gtest.h>

#include <string>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class DayLogTest : public SampleFilesTest {
 protected:
  DayLogTest() {
    experiment_ = ParseExperiment(
                      "feature { name: 'user' sparse {} } data { max_bad_fraction: 0.5 } "
                      "model { method: STUDENT_ALONE student { mlp { hidden: 4 } } }",
                      "test")
                      .value();
    experiment_.mutable_data()->set_path(Path("{date}.tsv"));
    ResolveDefaults(&experiment_);
  }
  Day WriteDay(const std::string& date, const std::string& rows) const {
    return {date, {Write(date + ".tsv", "label\tuser\n" + rows)}};
  }
  bool Holds(const Day& day) { return DayLog(FileSystem::Default(), experiment_).HoldsRows(day).value(); }

  proto::Experiment experiment_;
};

TEST_F(DayLogTest, ADayHoldsRowsWhereOneHasALabelOrTooManyAreMalformed) {
  EXPECT_TRUE(Holds(WriteDay("2026-01-01", "1\tann\n")));
  EXPECT_FALSE(Holds(WriteDay("2026-01-02", "")));
  EXPECT_TRUE(Holds(WriteDay("2026-01-03", "x\tann\n"))) << "who reads it must stop, and say so";
}

TEST_F(DayLogTest, TheNextDayIsTheFirstWithRowsAndThereMayBeNone) {
  DayLog log(FileSystem::Default(), experiment_);
  WriteDay("2026-01-03", "");
  WriteDay("2026-01-06", "1\tann\n");
  EXPECT_EQ(log.NextDay(absl::CivilDay(2026, 1, 1)).value()->date, "2026-01-06");
  EXPECT_FALSE(log.NextDay(absl::CivilDay(2026, 1, 6)).value().has_value());
  EXPECT_FALSE(log.NextDay(absl::CivilDay(2026, 1, 6) - DayLog::kDaysAhead - 1).value().has_value());
  EXPECT_TRUE(log.NextDay(absl::CivilDay(2026, 1, 6) - DayLog::kDaysAhead).value().has_value());
}

TEST_F(DayLogTest, RowsAreCountedOnce) {
  DayLog log(FileSystem::Default(), experiment_);
  const Day day = WriteDay("2026-01-01", "1\tann\n0\tbob\nx\tcarl\n");
  EXPECT_EQ(log.CountRows(day)->good, 2);
  EXPECT_EQ(log.CountRows(day)->bad, 1);
  WriteDay("2026-01-01", "");
  EXPECT_EQ(log.CountRows(day)->good, 2);
}

}  // namespace
}  // namespace tandem
