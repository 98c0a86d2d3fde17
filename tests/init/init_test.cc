// From a table to a configuration: what is written is valid, says why, and needs no edit.
#include "tandem/init.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"
#include "tests/support/sanitized.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A shop's table: a quoted header, names with blanks and dots, text labels, blanks among numbers, an id a
// row, a column that was written after the event.
std::string ShopTable(int rows) {
  std::string text = "order id;age of buyer;emp.rate;job;bought_at;invoice;bought\n";
  for (int i = 0; i < rows; ++i) {
    const int age = 18 + i * 7 % 61;
    const bool bought = (i * 31 % 100) < (age > 40 ? 70 : 20);
    absl::StrAppend(&text, "o", i * 7919 % 1000003, ";", i % 9 == 0 ? "NA" : absl::StrCat(age), ";",
                    absl::StrFormat("%.2f", i * 13 % 97 / 7.0), ";job ", i % 5, ", or so;2026-01-",
                    i % 9 + 10, " ", i % 24 + 10 > 23 ? "09" : absl::StrCat(i % 24 + 10), ":00:00;",
                    bought ? "sent" : "", ";", bought ? "yes" : "no", "\n");
  }
  return text;
}

class InitTest : public SampleFilesTest {
 protected:
  InitOptions Options(const std::string& file) {
    InitOptions options;
    options.input = {file};
    options.output = Path("experiment.pbtxt");
    return options;
  }
  static proto::Experiment Read(const InitReport& report) {
    return ParseExperiment(report.configuration, "test").value();
  }
  static std::string KindOf(const InitReport& report, const std::string& name) {
    for (const InitColumn& column : report.columns) {
      if (column.name == name) return column.kind;
    }
    return "";
  }
};

TEST_F(InitTest, ATableBecomesAValidConfigurationThatSaysWhy) {
  InitOptions options = Options(Write("shop.csv", ShopTable(3000)));
  options.label = "bought";
  const auto report = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(FileBytes(options.output), report->configuration);
  EXPECT_EQ(KindOf(*report, "order id"), "key");
  EXPECT_EQ(KindOf(*report, "invoice"), "leak-like");
  EXPECT_EQ(KindOf(*report, "age of buyer"), "number");
  EXPECT_EQ(KindOf(*report, "job"), "ids");
  EXPECT_EQ(KindOf(*report, "bought_at"), "time");
  proto::Experiment experiment = Read(*report);
  EXPECT_EQ(experiment.data().delimited().delimiter(), ";");
  EXPECT_THAT(experiment.data().positive(), ElementsAre("yes"));
  EXPECT_THAT(experiment.data().negative(), ElementsAre("no"));
  EXPECT_THAT(experiment.data().missing_value(), ElementsAre("NA"));
  EXPECT_THAT(experiment.data().key_columns(), ElementsAre("order id"));
  std::vector<std::string> names;
  for (const proto::Feature& feature : experiment.feature()) names.push_back(feature.name());
  EXPECT_THAT(names, ElementsAre("age_of_buyer", "emp_rate", "job", "bought_at_hour", "bought_at_weekday"));
  EXPECT_EQ(experiment.feature(0).column(), "age of buyer");
  EXPECT_GE(experiment.feature(0).dense().piecewise().knots_size(), 4);
  EXPECT_THAT(report->configuration, HasSubstr("# age of buyer: integers from 18 to 78"));
  EXPECT_THAT(report->configuration, HasSubstr("invoice: leak-like"));
  ResolveDefaults(&experiment);
  EXPECT_TRUE(ValidateExperiment(experiment).ok()) << ValidateExperiment(experiment);
}

TEST_F(InitTest, TheReportFitsATerminalAndEndsWithWhatToType) {
  InitOptions options = Options(Write("shop.csv", ShopTable(3000)));
  const auto report = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  const std::string text = InitReportText(*report);
  // Of long paths and commands the lines may be longer.
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.find(options.output.c_str()) != absl::string_view::npos) continue;
    EXPECT_LE(line.size(), 100u) << line;
  }
  EXPECT_THAT(text, HasSubstr("tandem train --config="));
  EXPECT_THAT(text, HasSubstr("Look here: 'invoice' is left out"));
  EXPECT_THAT(text, HasSubstr("Label: bought, chosen by its name and its two classes"));
}

TEST_F(InitTest, EqualTablesGiveEqualConfigurations) {
  InitOptions options = Options(Write("shop.csv", ShopTable(2000)));
  const auto first = InitExperiment(FileSystem::Default(), options);
  options.replace = true;
  const auto second = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(first.ok() && second.ok()) << second.status();
  EXPECT_EQ(first->configuration, second->configuration);
}

TEST_F(InitTest, WhatIsThereIsNotOverwrittenUnasked) {
  InitOptions options = Options(Write("shop.csv", ShopTable(1000)));
  Write("experiment.pbtxt", "mine");
  const auto report = InitExperiment(FileSystem::Default(), options);
  EXPECT_EQ(ExitCode(report.status()), kExitUsage);
  EXPECT_EQ(FileBytes(options.output), "mine");
  options.replace = true;
  EXPECT_TRUE(InitExperiment(FileSystem::Default(), options).ok());
  // Neither the log itself, nor a folder that holds something else, whatever is asked.
  options.output = options.input[0];
  EXPECT_EQ(ExitCode(InitExperiment(FileSystem::Default(), options).status()), kExitUsage);
  EXPECT_EQ(FileBytes(options.input[0]), ShopTable(1000));
  options.output = Path("other.pbtxt");
  options.date = "bought_at";
  options.days_folder = Path("");
  EXPECT_EQ(ExitCode(InitExperiment(FileSystem::Default(), options).status()), kExitUsage);
  EXPECT_EQ(FileBytes(options.input[0]), ShopTable(1000));
}

TEST_F(InitTest, DaysOfOneLogBecomeDailyFiles) {
  InitOptions options = Options(Write("shop.csv", ShopTable(3000)));
  options.label = "bought";
  options.date = "bought_at";
  options.days_folder = Path("days");
  const auto report = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  const proto::Experiment experiment = Read(*report);
  EXPECT_EQ(experiment.data().path(), Path("days/{date}.csv"));
  EXPECT_EQ(experiment.train().window_days(), 9);
  EXPECT_EQ(experiment.train().validation().days(), 1);
  EXPECT_THAT(report->commands[0], HasSubstr("--end_date=2026-01-18"));
  EXPECT_TRUE(FileSystem::Default().Exists(Path("days/2026-01-10.csv")));
}

TEST_F(InitTest, ListsOfJsonAreSeen) {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    absl::StrAppend(&text, "{\"click\": ", i * 7 % 3 == 0 ? 1 : 0, ", \"user\": \"u", i % 20,
                    "\", \"tags\": [\"a", i % 4, "\", \"b\"], \"weights\": {\"c", i % 5, "\": 2.5}}\n");
  }
  const auto report = InitExperiment(FileSystem::Default(), Options(Write("log.jsonl", text)));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(KindOf(*report, "tags"), "id lists");
  EXPECT_EQ(KindOf(*report, "weights"), "weighted ids");
  EXPECT_TRUE(Read(*report).data().has_json_lines());
}

TEST_F(InitTest, CompressedFilesAreReadAlike) {
  const auto plain = InitExperiment(FileSystem::Default(), Options(Write("shop.csv", ShopTable(1000))));
  InitOptions options = Options(Write("shop.csv.zst", Zstd(ShopTable(1000))));
  options.replace = true;
  const auto packed = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(plain.ok() && packed.ok()) << packed.status();
  EXPECT_EQ(Read(*plain).feature_size(), Read(*packed).feature_size());
}

TEST_F(InitTest, ALogBeyondTheSampleIsEstimated) {
  InitOptions options = Options(Write("shop.csv", ShopTable(5000)));
  options.sample_rows = 1000;
  const auto report = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->rows, 1000);
  EXPECT_NEAR(report->total_rows, 5000, 200);
}

TEST_F(InitTest, OneClassIsNoLabel) {
  std::string text = "y,x\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&text, "0,", i % 7, "\n");
  InitOptions options = Options(Write("log.csv", text));
  options.label = "y";
  const auto report = InitExperiment(FileSystem::Default(), options);
  EXPECT_EQ(ExitCode(report.status()), kExitData);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("two classes"));
}

// Real logs, where they are: read as they are, with what their README says of labels.
struct RealLog {
  std::string file, label;
  std::vector<std::string> positive;
};

TEST_F(InitTest, RealLogsNeedNoEdit) {
  const std::vector<RealLog> logs = {{"avazu-sample/train.csv.gz", "click", {}},
                                     {"avazu-sample/dev.csv.gz", "column_2", {}},
                                     {"criteo-sample/train.txt.gz", "column_1", {}},
                                     {"frappe/frappe.part.libfm.gz", "column_1", {}},
                                     {"hotel-bookings/hotel_bookings.csv.gz", "is_canceled", {}},
                                     {"ml-100k/u.data.gz", "column_3", {"4", "5"}},
                                     {"ml-1m-part/ratings.dat.gz", "column_3", {"4", "5"}},
                                     {"open-bandit-sample/bts/men/men.csv.gz", "click", {}},
                                     {"talkingdata-sample/train_sample.csv.gz", "is_attributed", {}},
                                     {"uci-adult/adult.data.gz", "column_15", {">50K"}},
                                     {"uci-coupon/in-vehicle-coupon-recommendation.csv.gz", "Y", {}}};
  if (RealData(logs[0].file).empty()) GTEST_SKIP() << "no real logs";
  for (const RealLog& log : logs) {
    SCOPED_TRACE(log.file);
    InitOptions options = Options(RealData(log.file));
    options.label = log.label;
    options.positive = log.positive;
    options.output = "";
    options.sample_rows = kSanitized ? 2000 : 20000;
    const auto report = InitExperiment(FileSystem::Default(), options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GT(report->positive_rate, 0.001);
    EXPECT_LT(report->positive_rate, 0.9);
  }
}

TEST_F(InitTest, ColumnsThatTellTheLabelOfRealLogsAreSeen) {
  const std::string hotel = RealData("hotel-bookings/hotel_bookings.csv.gz");
  if (hotel.empty()) GTEST_SKIP() << "no real logs";
  InitOptions options = Options(hotel);
  options.label = "is_canceled";
  if (kSanitized) options.sample_rows = 5000;
  const auto report = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(KindOf(*report, "reservation_status"), "leak-like");
  options = Options(RealData("talkingdata-sample/train_sample.csv.gz"));
  options.label = "is_attributed";
  options.output = "";
  const auto talking = InitExperiment(FileSystem::Default(), options);
  ASSERT_TRUE(talking.ok()) << talking.status();
  EXPECT_EQ(KindOf(*talking, "attributed_time"), "leak-like");
  EXPECT_EQ(KindOf(*talking, "click_time"), "time");
}

TEST_F(InitTest, ABinaryFileIsRefusedByName) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += std::string("\x08\0\0\0a,b\n1,2\n", 12);
  const std::string path = Write("log.bin", bytes);
  const absl::Status status = InitExperiment(FileSystem::Default(), Options(path)).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(path + ": is binary, not text: it has NUL bytes; data.delimited reads text"));
}

}  // namespace
}  // namespace tandem
