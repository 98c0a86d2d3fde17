// BatchSource: the batches of a log are those that its blocks, permuted, are cut into.
#include "tandem/batch_source.h"

#include <glog/logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tandem/day_reader.h"
#include "tandem/day_watch.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAreArray;

class BatchSourceTest : public SampleFilesTest {
 protected:
  static proto::Experiment ExperimentWith(const std::string& train) {
    return ExperimentOf(
        absl::StrCat(R"(data { path: 'unused' max_bad_fraction: 0.5 } feature { name: "user" sparse {} }
      feature { name: "tags" sparse { multi_valued: true } } feature { name: "age" dense {} }
      model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } } train { )",
                     train, " }"));
  }

  // `rows` good rows with their number in them, every `bad_every`-th followed by a malformed one.
  std::vector<Day> LogOf(int rows, int bad_every) const {
    std::string text = "label\tuser\ttags\tage\n";
    for (int row = 0; row < rows; ++row) {
      absl::StrAppend(&text, row % 3 == 0 ? 1 : 0, "\tu", row % 97, row % 5 == 0 ? "\t" : "\ta|b", "\t", row,
                      "\n");
      if (row % bad_every == 0) absl::StrAppend(&text, "x\tu\ta\t1\n");
    }
    return {{"", {Write("log", text)}}};
  }

  std::string Quarantine() const { return Path("quarantine"); }
};

TEST_F(BatchSourceTest, BatchesAreThePermutedBlocksCut) {
  constexpr int kRows = 5000;
  for (const int shuffle_rows : {0, 100, 1500}) {
    const proto::Experiment experiment =
        ExperimentWith(absl::StrCat("epochs: 2 seed: 5 batch_size: 64 shuffle_rows: ", shuffle_rows));
    const Schema schema(experiment);
    const std::vector<Day> days = LogOf(kRows, 300);
    const auto format = MakeSampleFormat(experiment.data());
    DayReader reader(FileSystem::Default(), *format, schema, RowUse::kTrain, days[0].files, nullptr, nullptr);
    Batch all;
    ASSERT_TRUE(reader.ReadBlock(2 * kRows, &all).value());
    ASSERT_EQ(all.rows(), kRows);
    const std::vector<std::string> texts = RowTexts(all);

    BatchSource source(FileSystem::Default(), experiment, schema, days, Quarantine(), LogPosition{});
    const int block_rows = shuffle_rows == 0 ? 65536 : (shuffle_rows + 63) / 64 * 64;
    for (int pass = 0; pass < 2; ++pass) {
      for (int block = 0; block * block_rows < kRows; ++block) {
        const int first = block * block_rows;
        const int rows = std::min(block_rows, kRows - first);
        std::vector<int> order(rows);
        std::iota(order.begin(), order.end(), first);
        const Random random(5, RandomPurpose::kShuffle,
                            {static_cast<uint64_t>(pass), 0, static_cast<uint64_t>(block)});
        for (int i = rows - 1; i > 0 && shuffle_rows > 0; --i) {
          std::swap(order[i], order[static_cast<int>(random.UniformDouble(i) * (i + 1))]);
        }
        for (int begin = 0; begin < rows; begin += 64) {
          const absl::StatusOr<const LogEvent*> event = source.Next();
          ASSERT_TRUE(event.ok()) << event.status();
          ASSERT_EQ((*event)->kind, LogEvent::kBatch);
          std::vector<std::string> expected;
          for (int i = begin; i < std::min(begin + 64, rows); ++i) expected.push_back(texts[order[i]]);
          ASSERT_THAT(RowTexts((*event)->batch), ElementsAreArray(expected));
          const bool last = begin + 64 >= rows;
          EXPECT_EQ((*event)->next.block, last ? block + 1 : block);
          EXPECT_EQ((*event)->next.batch, last ? 0 : begin / 64 + 1);
        }
      }
      const absl::StatusOr<const LogEvent*> event = source.Next();
      ASSERT_TRUE(event.ok()) << event.status();
      EXPECT_EQ((*event)->kind, LogEvent::kDayEnd);
      EXPECT_EQ((*event)->batch.rows(), 0);
    }
    EXPECT_EQ(source.Next().value()->kind, LogEvent::kEnd);
  }
}

// Writes down what it is asked, and fails where it is told to.
class WrittenDown : public DayWatch {
 public:
  explicit WrittenDown(std::string fails_at = "") : fails_at_(std::move(fails_at)) {}
  absl::Status Begin(const Day& day) override { return Note("begin " + day.date); }
  absl::Status End(const Day& day) override { return Note("end " + day.date); }
  std::vector<std::string> calls;  // of the reading thread: to be read when it has stopped

 private:
  absl::Status Note(const std::string& call) {
    calls.push_back(call);
    return call == fails_at_ ? absl::DataLossError("told to") : absl::OkStatus();
  }
  const std::string fails_at_;
};

TEST_F(BatchSourceTest, ADaysWatchIsAskedBeforeItIsReadAndAfterItInEveryPass) {
  const proto::Experiment experiment = ExperimentWith("epochs: 2 batch_size: 4 shuffle_rows: 0");
  const Schema schema(experiment);
  std::vector<Day> days;
  for (const char* const date : {"2026-02-01", "2026-02-02"})
    days.push_back({date, {Write(date, "label\tuser\ttags\tage\n1\tu\ta\t3\n")}});
  const auto read = [&](WrittenDown* watch) {
    BatchSource source(FileSystem::Default(), experiment, schema, days, Quarantine(), LogPosition{}, {},
                       watch);
    int batches = 0;
    for (;;) {
      const absl::StatusOr<const LogEvent*> event = source.Next();
      if (!event.ok()) return absl::StrCat(batches, " batches, ", event.status().ToString());
      if ((*event)->kind == LogEvent::kEnd) return absl::StrCat(batches, " batches");
      batches += (*event)->kind == LogEvent::kBatch ? 1 : 0;
    }
  };
  WrittenDown all;
  EXPECT_EQ(read(&all), "4 batches");
  const std::vector<std::string> pass = {"begin 2026-02-01", "end 2026-02-01", "begin 2026-02-02",
                                         "end 2026-02-02"};
  std::vector<std::string> twice = pass;
  twice.insert(twice.end(), pass.begin(), pass.end());
  EXPECT_THAT(all.calls, ElementsAreArray(twice));

  WrittenDown before("begin 2026-02-02");
  EXPECT_EQ(read(&before), "1 batches, DATA_LOSS: told to") << "in its place: what came before it is read";
  EXPECT_THAT(before.calls, ElementsAreArray({"begin 2026-02-01", "end 2026-02-01", "begin 2026-02-02"}));
  WrittenDown after("end 2026-02-01");
  EXPECT_THAT(read(&after), testing::HasSubstr("DATA_LOSS: told to"));
  EXPECT_EQ(after.calls.size(), 2u);
}

// Batches of a window of small days, from a place on.
struct Crossing {
  std::vector<std::vector<std::string>> batches;
  std::vector<LogPosition> places;  // after each
  std::vector<int> days;            // each is of
  std::vector<int64_t> day_batches, day_rows;
};

Crossing ReadCrossing(const proto::Experiment& experiment, const std::vector<Day>& days,
                      const std::string& quarantine, const LogPosition& start) {
  const Schema schema(experiment);
  BatchSource source(FileSystem::Default(), experiment, schema, days, quarantine, start);
  Crossing read;
  for (;;) {
    const absl::StatusOr<const LogEvent*> event = source.Next();
    CHECK(event.ok()) << event.status();
    if ((*event)->kind == LogEvent::kEnd) return read;
    if ((*event)->kind == LogEvent::kDayEnd) {
      read.day_batches.push_back((*event)->day_batches);
      read.day_rows.push_back((*event)->day_rows.good);
      continue;
    }
    read.batches.push_back(RowTexts((*event)->batch));
    read.places.push_back((*event)->next);
    read.days.push_back((*event)->day);
  }
}

TEST_F(BatchSourceTest, BatchesThatCrossDaysAreWholeAndAPlaceStaysFourIntegers) {
  std::vector<Day> days;
  int rows = 0;
  for (const int of_day : {10, 0, 100, 64, 7, 300, 3}) {
    std::string text = "label\tuser\ttags\tage\n";
    for (int row = 0; row < of_day; ++row, ++rows)
      absl::StrAppend(&text, rows % 3 == 0, "\tu", rows % 97, "\ta\t", rows, "\n");
    const std::string date = absl::StrCat("2026-02-0", days.size() + 1);
    days.push_back({date, {Write(date, text)}});
  }
  for (const int shuffle_rows : {0, 64, 200}) {
    const proto::Experiment experiment = ExperimentWith(absl::StrCat(
        "epochs: 2 seed: 5 batch_size: 64 batches_cross_days: true shuffle_rows: ", shuffle_rows));
    const Crossing all = ReadCrossing(experiment, days, Quarantine(), LogPosition{});
    ASSERT_EQ(all.batches.size(), 2u * 8);
    std::vector<std::string> of_pass;
    for (size_t b = 0; b < 8; ++b) {
      EXPECT_EQ(all.batches[b].size(), b < 7 ? 64u : static_cast<size_t>(rows - 7 * 64)) << b;
      of_pass.insert(of_pass.end(), all.batches[b].begin(), all.batches[b].end());
    }
    std::sort(of_pass.begin(), of_pass.end());
    EXPECT_EQ(std::unique(of_pass.begin(), of_pass.end()) - of_pass.begin(), rows) << "each row once";
    EXPECT_EQ(all.day_batches, (std::vector<int64_t>{0, 0, 1, 1, 0, 5, 1, 0, 0, 1, 1, 0, 5, 1}));
    EXPECT_EQ(std::vector<int64_t>(all.day_rows.begin(), all.day_rows.begin() + 7),
              (std::vector<int64_t>{10, 0, 100, 64, 7, 300, 3}));
    EXPECT_EQ(all.days, (std::vector<int>{2, 3, 5, 5, 5, 5, 5, 6, 2, 3, 5, 5, 5, 5, 5, 6}));
    for (size_t b = 0; b < all.batches.size(); ++b) {
      const Crossing rest = ReadCrossing(experiment, days, Quarantine(), all.places[b]);
      EXPECT_EQ(rest.batches,
                std::vector<std::vector<std::string>>(all.batches.begin() + b + 1, all.batches.end()))
          << "from batch " << b + 1 << ", shuffle_rows " << shuffle_rows;
    }
  }
}

// Until nothing has been allocated for a while: the reading thread waits.
void WaitForCalm() {
  for (int64_t count = -1; count != AllocationCount();) {
    count = AllocationCount();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// Reading, decompressing, parsing, hashing, shuffling, cutting: once every buffer has had its size.
TEST_F(BatchSourceTest, ReadingOnInADayAllocatesNothing) {
  constexpr int kRows = 120000, kBatch = 64;
  std::string text = "label\tuser\ttags\tage\n";
  for (int row = 0; row < kRows; ++row)
    absl::StrAppend(&text, row % 2, "\tu", 1000 + row % 97, "\ta|b\t17\n");
  struct Case {
    std::string file;
    int shuffle_rows, threads;  // 40 threads: three parsers
  };
  for (const Case& c : {Case{Write("log", text), 0, 40}, Case{Write("log.gz", Gzip(text)), 1500, 1},
                        Case{Write("log.zst", Zstd(text)), 1500, 40}}) {
    const proto::Experiment experiment = ExperimentWith(absl::StrCat(
        "batch_size: ", kBatch, " shuffle_rows: ", c.shuffle_rows, " } runtime { threads: ", c.threads));
    const Schema schema(experiment);
    BatchSource source(FileSystem::Default(), experiment, schema, {{"", {c.file}}}, Quarantine(),
                       LogPosition{});
    const auto read = [&](int rows) {
      for (int batch = 0; batch < rows / kBatch; ++batch) {
        const absl::StatusOr<const LogEvent*> event = source.Next();
        ASSERT_TRUE(event.ok()) << event.status();
        ASSERT_EQ((*event)->batch.rows(), kBatch);
      }
    };
    read(67000);  // more than a block where nothing is shuffled
    // How many events wait depends on the threads' luck, and the first one to wait as the last of so many is
    // a new one: there may be several tries.
    int64_t allocations = -1;
    for (int rows = 67000; allocations != 0 && rows + 10000 < kRows; rows += 10000) {
      WaitForCalm();
      const int64_t before = AllocationCount();
      read(10000);
      allocations = AllocationCount() - before;
    }
    EXPECT_EQ(allocations, 0) << c.file;
  }
}

// Rows without a label make batches of their own, and change nothing of the others'.
class UnlabelledTest : public BatchSourceTest {
 protected:
  struct Read {
    std::vector<std::vector<std::string>> labelled, unlabelled;  // batches
    std::string kinds;                                           // "lul...": in their order
    std::vector<LogPosition> places;                             // after each batch
    LogEvent end;                                                // of the day
  };

  static proto::Experiment ExperimentFor(const std::string& unlabelled, int shuffle_rows) {
    proto::Experiment experiment =
        ExperimentWith(absl::StrCat("seed: 5 batch_size: 64 shuffle_rows: ", shuffle_rows));
    proto::Data::Unlabelled value;
    CHECK(proto::Data::Unlabelled_Parse(unlabelled, &value));
    experiment.mutable_data()->set_unlabelled(value);
    return experiment;
  }

  // Every row whose number `hidden` takes has no label, or isn't there.
  template <typename Hidden>
  std::vector<Day> PartLog(const std::string& name, int rows, bool keep, const Hidden& hidden) const {
    std::string text = "label\tuser\ttags\tage\n";
    for (int row = 0; row < rows; ++row) {
      if (hidden(row) && !keep) continue;
      const std::string label = hidden(row) ? "" : row % 3 == 0 ? "1" : "0";
      absl::StrAppend(&text, label, "\tu", row % 97, "\ta|b\t", row, "\n");
    }
    return {{"", {Write(name, text)}}};
  }

  Read ReadAll(const proto::Experiment& experiment, const std::vector<Day>& days,
               const LogPosition& start = LogPosition{}) const {
    const Schema schema(experiment);
    BatchSource source(FileSystem::Default(), experiment, schema, days, Quarantine(), start);
    Read read;
    for (;;) {
      const absl::StatusOr<const LogEvent*> event = source.Next();
      CHECK(event.ok()) << event.status();
      if ((*event)->kind == LogEvent::kEnd) return read;
      if ((*event)->kind == LogEvent::kDayEnd) {
        read.end = **event;
        continue;
      }
      Batch batch = (*event)->batch;
      const bool labelled = batch.labelled();
      // NaN isn't equal to itself.
      if (!labelled) std::fill(batch.labels.begin(), batch.labels.end(), -1.0f);
      (labelled ? read.labelled : read.unlabelled).push_back(RowTexts(batch));
      read.kinds += labelled ? 'l' : 'u';
      read.places.push_back((*event)->next);
    }
  }
};

TEST_F(UnlabelledTest, BatchesWithALabelAreThoseOfTheLogWithoutTheOthers) {
  constexpr int kRows = 3000;
  const auto most = [](int row) { return row % 7 != 0; };
  const auto some = [](int row) { return row % 5 == 0; };
  const auto tail = [](int row) { return row > 1000; };
  const std::vector<std::function<bool(int)>> cases = {most, some, tail};
  for (const std::function<bool(int)>& hidden : cases) {
    for (const int shuffle_rows : {0, 200, 100000}) {
      const std::vector<Day> log = PartLog("log", kRows, true, hidden);
      const Read less =
          ReadAll(ExperimentFor("MALFORMED", shuffle_rows), PartLog("less", kRows, false, hidden));
      const Read dropped = ReadAll(ExperimentFor("DROP", shuffle_rows), log);
      const Read all = ReadAll(ExperimentFor("USE_TEACHER", shuffle_rows), log);
      EXPECT_EQ(dropped.labelled, less.labelled);
      EXPECT_EQ(all.labelled, less.labelled);
      EXPECT_TRUE(dropped.unlabelled.empty());
      int rows = 0;
      for (const std::vector<std::string>& batch : all.unlabelled) rows += static_cast<int>(batch.size());
      int expected = 0;
      for (int row = 0; row < kRows; ++row) expected += hidden(row);
      EXPECT_EQ(rows, expected);
      EXPECT_EQ(all.end.day_rows.unlabelled, expected);
      EXPECT_EQ(all.end.day_rows.good, kRows);
      EXPECT_EQ(all.end.day_batches, static_cast<int64_t>(all.kinds.size()));
      EXPECT_EQ(dropped.end.day_rows.unlabelled, expected);
    }
  }
}

TEST_F(UnlabelledTest, TheyAreSpreadEvenlyOverTheirBlock) {
  const std::vector<Day> log = PartLog("log", 64 * 9, true, [](int row) { return row % 3 == 0; });
  EXPECT_EQ(ReadAll(ExperimentFor("USE_TEACHER", 0), log).kinds, "llullullu");
}

TEST_F(UnlabelledTest, EveryPlaceGoesOnWithTheSameBatches) {
  const std::vector<Day> log = PartLog("log", 3000, true, [](int row) { return row % 4 != 0; });
  const proto::Experiment experiment = ExperimentFor("USE_TEACHER", 300);
  const Read all = ReadAll(experiment, log);
  for (size_t done = 0; done < all.kinds.size(); ++done) {
    const Read rest = ReadAll(experiment, log, all.places[done]);
    ASSERT_EQ(rest.kinds, all.kinds.substr(done + 1));
    // The last batches are the last ones.
    ASSERT_TRUE(std::equal(rest.labelled.rbegin(), rest.labelled.rend(), all.labelled.rbegin()));
    ASSERT_TRUE(std::equal(rest.unlabelled.rbegin(), rest.unlabelled.rend(), all.unlabelled.rbegin()));
    // Batches of the whole day, counted from its beginning.
    const Read counted = ReadAll(experiment, log, {0, 0, 0, static_cast<int>(done) + 1});
    ASSERT_EQ(counted.kinds, rest.kinds);
    ASSERT_EQ(counted.labelled, rest.labelled);
    ASSERT_EQ(rest.end.day_batches, static_cast<int64_t>(all.kinds.size()));
  }
}

}  // namespace
}  // namespace tandem
