// DayReader: rows read = good + set aside, on made-up and on real logs.
#include "tandem/day_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What a log is read with.
struct Log {
  explicit Log(const proto::Experiment& experiment)
      : schema(experiment), format(MakeSampleFormat(experiment.data())) {}
  Schema schema;
  std::unique_ptr<const SampleFormat> format;
};

Log SmallLog(const std::string& data = "") {
  return Log(ExperimentOf(absl::StrCat("data { path: 'unused' ", data, R"( }
    feature { name: "user" sparse {} } feature { name: "tags" sparse { multi_valued: true } }
    feature { name: "age" dense {} } model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } })")));
}

constexpr char kHeader[] = "label\tuser\ttags\tage\n";

// `rows` lines, every `bad_every`-th malformed in one way or another (0: none).
std::string Rows(int rows, int bad_every = 0) {
  static constexpr const char* kBad[] = {"2\tu\ta\t1",   "1\tu\ta", "1\tu\ta\tx",
                                         "1\tu\ta\tnan", "1",       "1\tu\ta\t1\t"};
  std::string text;
  for (int row = 1; row <= rows; ++row) {
    if (bad_every > 0 && row % bad_every == 0) {
      absl::StrAppend(&text, kBad[row / bad_every % 6], "\n");
    } else {
      absl::StrAppend(&text, row % 3 == 0 ? 1 : 0, "\tu", row, "\ta", row % 5, "|b", row % 7, "\t", row % 80,
                      "\n");
    }
  }
  return text;
}

class DayReaderTest : public SampleFilesTest {
 protected:
  DayReaderTest() { std::filesystem::create_directories(Path("run")); }

  // All rows of the files, read in blocks; checks that rows read = good + bad.
  absl::StatusOr<std::vector<std::string>> Read(const Log& log, const std::vector<std::string>& files,
                                                int block_rows = 65536, Workers* workers = nullptr,
                                                double max_bad_fraction = 1) {
    Quarantine quarantine(FileSystem::Default(), Path("run/quarantine"), max_bad_fraction);
    DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, files, &quarantine,
                     workers);
    std::vector<std::string> rows;
    Batch block;
    for (;;) {
      const absl::StatusOr<bool> more = reader.ReadBlock(block_rows, &block);
      if (!more.ok()) return more.status();
      EXPECT_EQ(*more, block.rows() > 0);
      if (!*more) break;
      EXPECT_EQ(rows.size() % block_rows, 0u) << "only the last block is short";
      for (const std::string& row : RowTexts(block)) rows.push_back(row);
    }
    EXPECT_EQ(quarantine.rows_read(), quarantine.rows_bad() + static_cast<int64_t>(rows.size()));
    bad_ = quarantine.rows_bad();
    passed_over_ = quarantine.rows_passed_over();
    counts_ = FaultCounts(quarantine.by_fault());
    return rows;
  }

  int64_t bad_ = 0;
  int64_t passed_over_ = 0;
  std::string counts_;
};

TEST_F(DayReaderTest, FilesOfADayComeOneAfterAnother) {
  const Log log = SmallLog();
  const auto first = Read(log, {Write("a", kHeader + Rows(10))});
  const auto both =
      Read(log, {Write("b", kHeader + Rows(10)), Write("empty", ""), Write("empty.gz", Gzip("")),
                 Write("header-only", kHeader), Write("c.gz", Gzip(kHeader + Rows(10)))});
  ASSERT_TRUE(first.ok() && both.ok());
  std::vector<std::string> twice = *first;
  twice.insert(twice.end(), first->begin(), first->end());
  EXPECT_EQ(*both, twice);
}

TEST_F(DayReaderTest, ADayWithoutARowEndsAtOnceAndStaysEnded) {
  const Log log = SmallLog();
  for (const std::vector<std::string>& files :
       {std::vector<std::string>{}, {Write("empty", "")}, {Write("header", kHeader)}}) {
    DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, files, nullptr, nullptr);
    Batch block;
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(*reader.ReadBlock(10, &block));
    EXPECT_EQ(block.rows(), 0);
  }
}

TEST_F(DayReaderTest, NeitherWorkersNorBlocksChangeTheRows) {
  const Log log = SmallLog();
  const std::vector<std::string> files = {Write("a", kHeader + Rows(20000, 50)),
                                          Write("b", kHeader + Rows(9000, 7))};
  const auto expected = Read(log, files);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const std::string counts = counts_;
  const std::string set_aside = FileBytes(Path("run/quarantine/b"));
  for (const int threads : {1, 2, 4}) {
    Workers workers(threads);
    for (const int block : {100000, 8192, 1000, 7}) {
      if (block == 7 && threads > 1) continue;
      const auto rows = Read(log, files, block, &workers);
      ASSERT_TRUE(rows.ok()) << rows.status();
      EXPECT_TRUE(*rows == *expected) << threads << " workers, blocks of " << block;
      EXPECT_EQ(counts_, counts);
      EXPECT_EQ(FileBytes(Path("run/quarantine/b")), set_aside);
    }
  }
}

TEST_F(DayReaderTest, WorkersDoNotChangeWhenABadFileIsGivenUp) {
  const Log log = SmallLog();
  const std::string path = Write("a", kHeader + Rows(3000) + Rows(20000, 4));
  const std::string expected(Read(log, {path}, 65536, nullptr, 0.01).status().message());
  EXPECT_THAT(expected,
              AllOf(HasSubstr("/a: "), HasSubstr("malformed"), ContainsRegex("the first is [^ ]*/a:3005: ")));
  for (const int threads : {1, 2, 4}) {
    Workers workers(threads);
    const absl::Status status = Read(log, {path}, 65536, &workers, 0.01).status();
    EXPECT_EQ(ExitCode(status), kExitData);
    EXPECT_EQ(status.message(), expected) << threads;
  }
}

TEST_F(DayReaderTest, MalformedRowsAreSetAsideAndCanBeReadAgainOnceRepaired) {
  const Log log = SmallLog();
  const std::string path = Write("2000-11-20.tsv.gz", Gzip(kHeader + Rows(600, 10)));
  ASSERT_TRUE(Read(log, {path}).ok());
  EXPECT_EQ(bad_, 60);
  EXPECT_EQ(counts_, "column count 30, label 10, number 10, not finite 10");
  const std::string aside = Path("run/quarantine/2000-11-20.tsv");
  const std::string text = FileBytes(aside);
  EXPECT_EQ(text.substr(0, sizeof(kHeader) - 1), kHeader);

  const auto again = Read(log, {Write("again", text)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(*again, IsEmpty());
  EXPECT_EQ(bad_, 60);
  std::string repaired = text;
  for (size_t at; (at = repaired.find("nan")) != std::string::npos;) repaired.replace(at, 3, "7");
  EXPECT_EQ(Read(log, {Write("repaired", repaired)})->size(), 10u);
}

TEST_F(DayReaderTest, WithoutAQuarantineMalformedRowsAreSkipped) {
  const Log log = SmallLog();
  const std::string path = Write("a", kHeader + Rows(600, 3));
  const auto expected = Read(log, {path});
  DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, {path}, nullptr, nullptr);
  Batch block;
  EXPECT_TRUE(*reader.ReadBlock(1000, &block));
  EXPECT_EQ(RowTexts(block), *expected);
}

TEST_F(DayReaderTest, LineEndsDoNotChangeTheRows) {
  const Log log = SmallLog();
  const std::string text = kHeader + Rows(100);
  const auto expected = Read(log, {Write("unix", text)});
  const std::string dos = absl::StrJoin(absl::StrSplit(text, '\n'), "\r\n");
  EXPECT_EQ(*Read(log, {Write("dos", dos)}), *expected);
  EXPECT_EQ(*Read(log, {Write("no-end", text.substr(0, text.size() - 1))}), *expected);
  EXPECT_EQ(*Read(log, {Write("zstd", Zstd("\xef\xbb\xbf" + dos))}), *expected);
}

TEST_F(DayReaderTest, AnOverLongLineIsAMalformedRow) {
  const Log log = SmallLog("delimited { max_line_bytes: 100 }");
  const std::string big(10 << 20, 'x');
  const auto rows = Read(log, {Write("a", absl::StrCat(kHeader, Rows(3), "1\t", big, "\t\t\n", Rows(3)))});
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->size(), 6u);
  EXPECT_EQ(counts_, "row too long 1");
  const auto whole = Read(SmallLog(), {Path("a")});
  EXPECT_EQ(whole->size(), 7u) << "within the default limit it is a row";
}

TEST_F(DayReaderTest, RandomBytesAreRowsAndFaultsThatSumToTheLines) {
  const Log log = SmallLog();
  const Random random(2, RandomPurpose::kSynthetic, {});
  uint64_t counter = 0;
  const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
  std::string text = Rows(3000);
  for (int i = 0; i < 4000; ++i) text[draw(static_cast<int>(text.size()))] = static_cast<char>(draw(256));
  text.push_back('\n');
  const auto lines = std::count(text.begin(), text.end(), '\n');
  for (const std::string& bytes : {kHeader + text, Gzip(kHeader + text)}) {
    const auto rows = Read(log, {Write("a", bytes)});
    ASSERT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ(static_cast<int64_t>(rows->size()) + bad_ + passed_over_, lines);
    EXPECT_GT(rows->size(), 500u);
    EXPECT_GT(bad_, 100);
  }
}

TEST_F(DayReaderTest, ErrorsNameTheFile) {
  const Log log = SmallLog();
  const std::string good = Write("good", kHeader + Rows(5));
  const std::string whole = Gzip(kHeader + Rows(5000));
  for (const std::string& bad :
       {Path("absent"), Write("cut.gz", whole.substr(0, whole.size() / 2)),
        Write("no-label", "user\ttags\tage\n"), Write("binary", "\x1f\x8b\x08garbage")}) {
    const absl::Status status = Read(log, {good, bad}).status();
    EXPECT_EQ(ExitCode(status), kExitData) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad));
  }
}

// ---- real logs

TEST_F(DayReaderTest, TheCriteoSampleParsesWithoutAFault) {
  const std::string path = RealData("criteo-sample/train.txt.gz");
  if (path.empty()) GTEST_SKIP() << "no Criteo sample";
  absl::StatusOr<proto::Experiment> experiment =
      LoadExperiment({TANDEM_SOURCE_DIR "/configs/criteo.pbtxt"}, {});
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  const Log log(*experiment);
  Workers workers(2);
  const auto rows = Read(log, {path}, 65536, &workers, 0);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->size(), 7200u);
}

TEST_F(DayReaderTest, TheHotelBookingsParseWithoutAFault) {
  const std::string path = RealData("hotel-bookings/hotel_bookings.csv.gz");
  if (path.empty()) GTEST_SKIP() << "no hotel bookings";
  const Log log(ExperimentOf(R"(
    data { path: "unused" delimited { delimiter: "," } label: "is_canceled" missing_value: "NULL" missing_value: "NA" }
    feature { name: "country" sparse {} } feature { name: "agent" sparse {} } feature { name: "company" sparse {} }
    feature { name: "lead_time" dense { transform: LOG1P } } feature { name: "adr" dense {} }
    feature { name: "children" dense { bucketize { boundaries: 1 boundaries: 2 } } }
    model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } })"));
  Quarantine quarantine(FileSystem::Default(), "", 0);
  DayReader reader(FileSystem::Default(), *log.format, log.schema, RowUse::kTrain, {path}, &quarantine,
                   nullptr);
  Batch block;
  int64_t positives = 0, companies = 0, no_children = 0;
  while (*reader.ReadBlock(65536, &block)) {
    for (const float label : block.labels) positives += label > 0 ? 1 : 0;
    companies += static_cast<int64_t>(block.fields[2].keys.size());
    const uint64_t missing = log.schema.Key(log.schema.fields()[5].table, "missing");
    no_children += std::count(block.fields[5].keys.begin(), block.fields[5].keys.end(), missing);
  }
  EXPECT_EQ(quarantine.rows_bad(), 0) << FaultCounts(quarantine.by_fault());
  EXPECT_EQ(quarantine.rows_read(), 119390);
  EXPECT_EQ(positives, 44224);
  EXPECT_EQ(companies, 119390 - 112593) << "the others are NULL";
  EXPECT_EQ(no_children, 4) << "NA";
}

}  // namespace
}  // namespace tandem
