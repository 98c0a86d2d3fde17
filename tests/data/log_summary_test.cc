// The figures of a log's columns, against those worked out by hand.
#include "tandem/log_summary.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/quarantine.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class LogSummaryTest : public SampleFilesTest {
 protected:
  static proto::Experiment Experiment(const std::string& text) {
    return ParseExperiment(text, "test").value();
  }
};

constexpr char kLog[] =
    "user\tprice\ttags\n"
    "ann\t1\ta|b\n"
    "bob\t2\t\n"
    "ann\t\tb\n"
    "carl\t6\ta|b|c\n"
    "no row\n";

TEST_F(LogSummaryTest, ABinaryFileIsRefusedByName) {
  const std::string nul(1, '\0');
  for (const std::string& text : {nul + "\tuser\nann\tbob\n", "user\tprice\nann\t" + nul + "\n", nul}) {
    for (const char* format : {"", "data { json_lines {} }"}) {
      const std::string path = Write("day", text);
      const absl::Status status = SummarizeLog(FileSystem::Default(), Experiment(format), {path}).status();
      EXPECT_EQ(ExitCode(status), kExitData);
      EXPECT_TRUE(absl::StartsWith(status.message(), path + ": is binary, not text: it has NUL bytes; data."))
          << status;
    }
  }
}

TEST_F(LogSummaryTest, FiguresAreOfTheCellsThatAreThere) {
  const auto log = SummarizeLog(FileSystem::Default(),
                                Experiment("feature { name: 'tags' sparse { multi_valued: true } }"),
                                {Write("day.tsv", kLog)});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->rows, 5);
  EXPECT_EQ(log->malformed_rows, 1);
  ASSERT_EQ(log->columns.size(), 3u);
  const ColumnSummary &user = log->columns[0], &price = log->columns[1], &tags = log->columns[2];
  EXPECT_EQ(user.distinct, 3);
  EXPECT_EQ(user.coverage(), 1);
  EXPECT_FALSE(user.numbers.has_value());
  EXPECT_EQ(price.missing, 1);
  EXPECT_EQ(price.coverage(), 0.75);
  ASSERT_TRUE(price.numbers.has_value());
  EXPECT_DOUBLE_EQ(price.numbers->mean, 3);
  EXPECT_DOUBLE_EQ(price.numbers->deviation, std::sqrt(14.0 / 3));
  EXPECT_EQ(price.numbers->least, 1);
  EXPECT_EQ(price.numbers->greatest, 6);
  EXPECT_EQ(tags.values, 6);
  EXPECT_EQ(tags.distinct, 3);
  EXPECT_EQ(tags.values_per_row(), 1.5);
}

TEST_F(LogSummaryTest, RowsThatTrainingSetsAsideAreMalformedHereToo) {
  const std::string path = Write("day.tsv",
                                 "label\tuser\tprice\n"
                                 "1\tann\t2\n"
                                 "x\tbob\t2\n"
                                 "0\tcarl\tcheap\n"
                                 "0\tdora\n"
                                 "\tema\t1\n"
                                 "0\tfrank\t\n");
  constexpr char kFeatures[] = "feature { name: 'user' sparse {} } feature { name: 'price' dense {} } ";
  const std::string model = "model { method: STUDENT_ALONE student { mlp { hidden: 4 } } }";
  const auto log = SummarizeLog(FileSystem::Default(), Experiment(kFeatures + model), {path});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->only_format, "");
  EXPECT_EQ(log->rows, 6);
  EXPECT_EQ(log->malformed_rows, 4);
  EXPECT_EQ(log->columns[1].distinct, 2) << "malformed rows are counted in no column";

  // As training counts them.
  proto::Experiment trained = Experiment(kFeatures + model);
  trained.mutable_data()->set_path(path);
  ResolveDefaults(&trained);
  const Schema schema(trained);
  const auto format = MakeSampleFormat(trained.data());
  Quarantine quarantine(FileSystem::Default(), "", /*max_bad_fraction=*/1);
  Workers workers(1);
  DayReader reader(FileSystem::Default(), *format, schema, RowUse::kTrain, {path}, &quarantine, &workers);
  Batch batch(static_cast<int>(schema.fields().size()));
  while (reader.ReadBlock(100, &batch).value()) {
  }
  EXPECT_EQ(quarantine.rows_bad(), log->malformed_rows);
}

TEST_F(LogSummaryTest, WhatTheMalformedWereFoundByIsSaid) {
  const std::string path = Write("day.tsv", kLog);
  EXPECT_EQ(SummarizeLog(FileSystem::Default(), Experiment(""), {path})->only_format,
            "the configuration names no features");
  const auto log = SummarizeLog(
      FileSystem::Default(),
      Experiment(
          "feature { name: 'user' sparse {} } model { method: STUDENT_ALONE student { mlp { hidden: 4 } } }"),
      {path});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(absl::StrContains(log->only_format, "no column 'label'")) << log->only_format;
  EXPECT_EQ(log->malformed_rows, 1);
  EXPECT_TRUE(absl::StrContains(LogSummaryText(*log), "by their format alone: ")) << LogSummaryText(*log);
}

TEST_F(LogSummaryTest, FilesMayHaveOtherColumnsInAnotherOrder) {
  const auto log = SummarizeLog(FileSystem::Default(), Experiment(""),
                                {Write("a.tsv", "x\ty\n1\t2\n"), Write("b.tsv", "z\tx\n5\t3\n")});
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_EQ(log->columns.size(), 3u);
  EXPECT_EQ(log->columns[0].cells, 2);
  EXPECT_EQ(log->columns[0].numbers->mean, 2);
  EXPECT_EQ(log->columns[1].cells, 1);
}

TEST_F(LogSummaryTest, TextAndJsonSayTheSame) {
  const auto log = SummarizeLog(FileSystem::Default(), Experiment(""), {Write("day.tsv", kLog)});
  ASSERT_TRUE(log.ok()) << log.status();
  const auto json = nlohmann::json::parse(LogSummaryJson(*log));
  EXPECT_EQ(json.at("malformed_rows"), 1);
  EXPECT_EQ(json.at("columns").at(1).at("mean"), 3);
  EXPECT_FALSE(json.at("columns").at(0).contains("mean"));
  const std::string text = LogSummaryText(*log);
  EXPECT_TRUE(absl::StrContains(text, "5 rows, 1 of them")) << text;
  EXPECT_TRUE(absl::StrContains(text, "75.00%")) << text;
}

TEST_F(LogSummaryTest, WhatCanNotBeReadByIsSaid) {
  const std::string file = Write("day.tsv", kLog);
  EXPECT_EQ(
      ExitCode(SummarizeLog(FileSystem::Default(), Experiment("data { delimited { header: false } }"), {file})
                   .status()),
      kExitUsage);
  EXPECT_EQ(ExitCode(SummarizeLog(FileSystem::Default(), Experiment(""), {Path("nowhere.tsv")}).status()),
            kExitData);
}

}  // namespace
}  // namespace tandem
