// The synthetic log: what its documentation promises.
#include "src/data/synthetic.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/data/synthetic_log.h"
#include "src/util/aside.h"
#include "tandem/file_system.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kTagsCell = 1 + kTags, kInterestsCell = 1 + kInterests;
constexpr int kPriceCell = 1 + kSyntheticColumns, kRecencyCell = kPriceCell + 1;

std::string FreshDirectory(const std::string& name) {
  std::string directory = absl::StrCat(::testing::TempDir(), "/synthetic_test_", name);
  std::filesystem::remove_all(directory);
  return directory;
}

std::string FileBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<std::vector<std::string>> ReadRows(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  std::vector<char> line(1 << 16);
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    rows.push_back(absl::StrSplit(absl::StripSuffix(line.data(), "\n"), '\t'));
  }
  gzclose(file);
  return rows;
}

// name -> bytes of every file of a directory.
std::map<std::string, std::string> DirectoryBytes(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename().string()] = FileBytes(entry.path().string());
  }
  return files;
}

SyntheticReport Write(const SyntheticOptions& options) {
  absl::StatusOr<SyntheticReport> report = WriteSyntheticLog(FileSystem::Default(), options);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : SyntheticReport();
}

SyntheticOptions SmallLog(const std::string& name) {
  SyntheticOptions options;
  options.output = FreshDirectory(name);
  options.days = 3;
  options.rows_per_day = 500;
  options.holdout_rows = 200;
  options.vocabulary = 1000;
  return options;
}

void ExpectSameFiles(const std::string& first, const std::string& second) {
  const auto a = DirectoryBytes(first), b = DirectoryBytes(second);
  ASSERT_FALSE(a.empty());
  for (const auto& [name, bytes] : a) {
    ASSERT_TRUE(b.count(name)) << name;
    EXPECT_TRUE(bytes == b.at(name)) << name << " differs";
  }
  EXPECT_EQ(a.size(), b.size());
}

TEST(SyntheticLog, EqualOptionsGiveEqualBytesOnAnyNumberOfThreads) {
  SyntheticOptions options = SmallLog("threads1");
  options.threads = 1;
  Write(options);
  SyntheticOptions other = SmallLog("threads3");
  other.threads = 3;
  Write(other);
  ExpectSameFiles(options.output, other.output);
}

TEST(SyntheticLog, AnotherSeedGivesOtherRows) {
  SyntheticOptions options = SmallLog("seed1");
  Write(options);
  SyntheticOptions other = SmallLog("seed2");
  other.seed = 2;
  Write(other);
  EXPECT_NE(ReadRows(options.output + "/2026-01-01.tsv.gz"), ReadRows(other.output + "/2026-01-01.tsv.gz"));
}

TEST(SyntheticLog, WritesOneFileADayTheHoldoutAndTheTruth) {
  SyntheticOptions options = SmallLog("files");
  options.begin_date = "2024-02-28";
  const SyntheticReport report = Write(options);
  std::set<std::string> names;
  for (const auto& [name, bytes] : DirectoryBytes(options.output)) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"2024-02-28.tsv.gz", "2024-02-29.tsv.gz", "2024-03-01.tsv.gz",
                                          "holdout.tsv.gz", "TRUTH.json"}));
  EXPECT_EQ(ReadRows(options.output + "/2024-02-29.tsv.gz").size(), 501u);
  EXPECT_EQ(ReadRows(options.output + "/holdout.tsv.gz").size(), 201u);
  EXPECT_EQ(report.total.rows, 1500);
  EXPECT_EQ(report.holdout.rows, 200);
}

TEST(SyntheticLog, TruthFileAgreesWithTheReport) {
  const SyntheticOptions options = SmallLog("truth");
  const SyntheticReport report = Write(options);
  const auto truth = nlohmann::json::parse(FileBytes(options.output + "/TRUTH.json"));
  EXPECT_EQ(truth["total"]["positives"], report.total.positives);
  EXPECT_NEAR(truth["total"]["bayes_auc"], report.total.bayes_auc, 1e-6);
  EXPECT_NEAR(truth["bias"], SyntheticTruth(options.seed, options.vocabulary).bias(), 1e-12);
  EXPECT_EQ(truth["columns"].size(), static_cast<size_t>(kSyntheticColumns));
  EXPECT_FALSE(truth["pairs"].empty());
  EXPECT_FALSE(truth["triples"].empty());
}

TEST(SyntheticLog, EveryRowIsWellFormed) {
  const SyntheticOptions options = SmallLog("rows");
  const SyntheticReport report = Write(options);
  const auto rows = ReadRows(options.output + "/2026-01-02.tsv.gz");
  EXPECT_EQ(rows[0], report.columns);
  for (size_t r = 1; r < rows.size(); ++r) {
    const auto& row = rows[r];
    ASSERT_EQ(row.size(), report.columns.size()) << "row " << r;
    ASSERT_TRUE(row[0] == "0" || row[0] == "1") << "row " << r;
    ASSERT_EQ(row[1 + kWeekday], "4") << "2026-01-02 is a Friday";
    double number = 0;
    ASSERT_TRUE(row[kPriceCell].empty() || (absl::SimpleAtod(row[kPriceCell], &number) && number >= 0))
        << row[kPriceCell];
    ASSERT_TRUE(row[kRecencyCell].empty() || absl::SimpleAtod(row[kRecencyCell], &number))
        << row[kRecencyCell];
    for (const absl::string_view item : absl::StrSplit(row[kInterestsCell], '|', absl::SkipEmpty())) {
      const std::vector<std::string> parts = absl::StrSplit(item, ':');
      ASSERT_EQ(parts.size(), 2u) << item;
      ASSERT_TRUE(absl::SimpleAtod(parts[1], &number) && number > 0 && number <= 1) << item;
    }
  }
}

TEST(SyntheticLog, BagsAndNumbersAreSometimesMissing) {
  const SyntheticOptions options = SmallLog("missing");
  Write(options);
  const auto rows = ReadRows(options.output + "/2026-01-01.tsv.gz");
  for (const int cell : {kTagsCell, kInterestsCell, kPriceCell, kRecencyCell}) {
    const auto empty =
        std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row[cell].empty(); });
    EXPECT_GT(empty, 0) << "column " << rows[0][cell];
    EXPECT_LT(empty, static_cast<int64_t>(rows.size()) / 2) << "column " << rows[0][cell];
  }
}

TEST(SyntheticLog, ItemAndUserCarryTheirAttributes) {
  const SyntheticOptions options = SmallLog("attributes");
  Write(options);
  std::map<std::string, std::string> category, segment;
  for (const auto& row : ReadRows(options.output + "/2026-01-01.tsv.gz")) {
    EXPECT_EQ(category.emplace(row[1 + kItem], row[1 + kCategory]).first->second, row[1 + kCategory]);
    EXPECT_EQ(segment.emplace(row[1 + kUser], row[1 + kSegment]).first->second, row[1 + kSegment]);
  }
}

// The reported AUC against one that sorts the logits, ties half.
TEST(SyntheticLog, BayesAucIsThatOfTheTrueLogit) {
  SyntheticOptions options = SmallLog("auc");
  options.days = 1;
  options.rows_per_day = 24000;
  const SyntheticReport report = Write(options);
  const auto rows = ReadRows(options.output + "/2026-01-01.tsv.gz");
  const SyntheticTruth truth(options.seed, options.vocabulary);
  std::vector<std::pair<double, bool>> scored;
  double loss = 0;
  for (int64_t index = 0; index < options.rows_per_day; ++index) {
    const int hour = std::stoi(rows[index + 1][1 + kHour]);
    const SyntheticRow row = truth.Draw({SyntheticStream::kLog, 0, 3}, index, hour);
    ASSERT_EQ(row.label, rows[index + 1][0] == "1") << "row " << index;
    scored.emplace_back(row.logit, row.label);
    const double p = 1 / (1 + std::exp(-row.logit));
    loss -= std::log(row.label ? p : 1 - p);
  }
  std::sort(scored.begin(), scored.end());
  double pairs = 0, negatives = 0, positives = 0;
  for (const auto& [logit, label] : scored) {
    if (label) pairs += negatives;
    ++(label ? positives : negatives);
  }
  EXPECT_NEAR(report.total.bayes_auc, pairs / (positives * negatives), 2e-5);
  EXPECT_NEAR(report.total.bayes_logloss, loss / static_cast<double>(options.rows_per_day), 1e-9);
}

// data/README.md says how the sample was made. A change of the truth must be meant, and noted there.
TEST(SyntheticLog, TheSampleInTheRepositoryIsWhatIsWrittenToday) {
  SyntheticOptions options;
  options.output = FreshDirectory("sample");
  options.days = 3;
  options.rows_per_day = 200;
  options.holdout_rows = 100;
  options.vocabulary = 200;
  Write(options);
  const std::string sample = TANDEM_SOURCE_DIR "/data/sample";
  for (const std::string name : {"2026-01-01.tsv.gz", "2026-01-03.tsv.gz", "holdout.tsv.gz"}) {
    EXPECT_EQ(ReadRows(absl::StrCat(sample, "/", name)), ReadRows(absl::StrCat(options.output, "/", name)))
        << name;
  }
  EXPECT_EQ(FileBytes(sample + "/TRUTH.json"), FileBytes(options.output + "/TRUTH.json"));
}

TEST(SyntheticLog, NothingButWholeFilesIsLeftWhenWritingFails) {
  const SyntheticOptions options = SmallLog("fails");
  // The second day can't be put in its place.
  std::filesystem::create_directories(options.output + "/2026-01-02.tsv.gz/in_the_way");
  const absl::Status status = WriteSyntheticLog(FileSystem::Default(), options).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("2026-01-02.tsv.gz"), absl::string_view::npos) << status;
  for (const auto& entry : std::filesystem::directory_iterator(options.output)) {
    const std::string name = entry.path().filename().string();
    EXPECT_FALSE(IsAside(name)) << name;
    EXPECT_NE(name, "TRUTH.json");
  }
}

TEST(SyntheticLog, WantsADirectoryOfItsOwn) {
  const std::string directory = FreshDirectory("own");
  FileSystem& fs = FileSystem::Default();
  EXPECT_TRUE(CheckLogDirectory(fs, directory).ok());
  std::filesystem::create_directories(directory);
  EXPECT_TRUE(CheckLogDirectory(fs, directory).ok());
  std::ofstream(directory + "/2025-12-31.tsv.gz") << "of another truth";
  for (const std::string& path : {directory, directory + "/2025-12-31.tsv.gz"}) {
    const absl::Status status = CheckLogDirectory(fs, path);
    EXPECT_EQ(ExitCode(status), kExitUsage);
    EXPECT_EQ(status.message().find(path + " is "), 0u) << status;
  }
}

TEST(SyntheticLog, TheReportAsJsonHasWhatTheLogHas) {
  SyntheticOptions options = SmallLog("json");
  options.holdout_rows = 50;
  const SyntheticReport report = WriteSyntheticLog(FileSystem::Default(), options).value();
  const auto json = nlohmann::json::parse(SyntheticReportToJson(report));
  EXPECT_EQ(json["rows"], options.days * options.rows_per_day);
  EXPECT_EQ(json["days"], options.days);
  EXPECT_EQ(json["fields"], report.columns.size() - 1);
  EXPECT_EQ(json["bayes_auc"], report.total.bayes_auc);
  EXPECT_EQ(json["holdout"]["rows"], 50);
  EXPECT_TRUE(std::filesystem::exists(json["truth"].get<std::string>()));
}

TEST(SyntheticLog, OptionsOutOfRangeAreNamed) {
  const auto fault = [](auto change) {
    SyntheticOptions options = SmallLog("range");
    change(&options);
    return WriteSyntheticLog(FileSystem::Default(), options).status();
  };
  const absl::Status days = fault([](SyntheticOptions* o) { o->days = 0; });
  EXPECT_EQ(ExitCode(days), kExitUsage);
  EXPECT_NE(days.message().find("days: 0"), absl::string_view::npos) << days;
  const absl::Status date = fault([](SyntheticOptions* o) { o->begin_date = "2026-02-30"; });
  EXPECT_EQ(ExitCode(date), kExitUsage);
  EXPECT_NE(date.message().find("2026-02-30"), absl::string_view::npos) << date;
  EXPECT_EQ(ExitCode(fault([](SyntheticOptions* o) { o->output.clear(); })), kExitUsage);
  EXPECT_EQ(ExitCode(fault([](SyntheticOptions* o) { o->vocabulary = 3; })), kExitUsage);
}

// ---- the truth

std::vector<SyntheticRow> DrawRows(const SyntheticTruth& truth, int day, int count) {
  std::vector<SyntheticRow> rows;
  rows.reserve(count);
  for (int index = 0; index < count; ++index) {
    rows.push_back(truth.Draw({SyntheticStream::kLog, day, day % 7}, index, index % 24));
  }
  return rows;
}

double Share(const std::vector<SyntheticRow>& rows, const std::set<int64_t>& ids, SyntheticColumn column) {
  const auto hits =
      std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return ids.count(row.ids[column]); });
  return static_cast<double>(hits) / static_cast<double>(rows.size());
}

std::set<int64_t> Ids(const std::vector<SyntheticRow>& rows, SyntheticColumn column) {
  std::set<int64_t> ids;
  for (const SyntheticRow& row : rows) ids.insert(row.ids[column]);
  return ids;
}

TEST(SyntheticTruth, ClickRateIsAboutOneInFive) {
  for (const uint64_t seed : {1, 2, 3}) {
    const auto rows = DrawRows(SyntheticTruth(seed, 5000), 2, 20000);
    const auto clicks = std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.label; });
    EXPECT_NEAR(static_cast<double>(clicks) / 20000, 0.2, 0.03) << "seed " << seed;
  }
}

TEST(SyntheticTruth, ARowDependsOnNoOther) {
  const SyntheticTruth truth(7, 1000);
  const auto rows = DrawRows(truth, 4, 50);
  std::string alone, among;
  SyntheticTruth::AppendLine(truth.Draw({SyntheticStream::kLog, 4, 4}, 33, 33 % 24), &alone);
  SyntheticTruth::AppendLine(rows[33], &among);
  EXPECT_EQ(alone, among);
}

TEST(SyntheticTruth, PopularIdsComeOften) {
  const auto rows = DrawRows(SyntheticTruth(1, 20000), 0, 20000);
  std::map<int64_t, int> counts;
  for (const SyntheticRow& row : rows) ++counts[row.ids[kItem]];
  // Uniform draws over 2,000 ids would give each 10.
  // rest would be.
  EXPECT_GT(counts[0], 20 * 20000 / 2000);
  EXPECT_GT(counts[0], counts[10]);
  EXPECT_GT(counts.size(), 1000u);
}

TEST(SyntheticTruth, NewIdsComeAndOldOnesGo) {
  const SyntheticTruth truth(1, 5000);
  const auto first = DrawRows(truth, 0, 20000), next = DrawRows(truth, 1, 20000),
             late = DrawRows(truth, 44, 20000);
  const std::set<int64_t> known = Ids(first, kItem);
  EXPECT_GT(Share(next, known, kItem), 0.9);
  EXPECT_LT(Share(late, known, kItem), 0.2);
  EXPECT_GT(Share(late, Ids(first, kSite), kSite), 0.99);  // sites stay
}

TEST(SyntheticTruth, IdsReachTheWholeVocabulary) {
  const auto rows = DrawRows(SyntheticTruth(1, 10000000), 0, 20000);
  EXPECT_GT(Ids(rows, kUser).size(), 15000u);
  EXPECT_GT(*Ids(rows, kUser).rbegin(), 9000000);
}

TEST(SyntheticTruth, HoldoutRowsAreOthersOfTheSameDay) {
  const SyntheticTruth truth(1, 5000);
  int equal = 0;
  for (int index = 0; index < 1000; ++index) {
    const SyntheticRow log = truth.Draw({SyntheticStream::kLog, 5, 1}, index, 12);
    const SyntheticRow holdout = truth.Draw({SyntheticStream::kHoldout, 5, 1}, index, 12);
    equal += log.ids[kUser] == holdout.ids[kUser];
  }
  EXPECT_LT(equal, 50);
}

}  // namespace
}  // namespace tandem
