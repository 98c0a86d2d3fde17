// Rows that no batch has read for embedding.expire_days days of the log go, and nothing else changes.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "src/embedding/embedding_file.h"
#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/run.h"
#include "tests/support/experiments.h"
#include "tests/support/remote_rows.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 8 } }"
    " student { mlp { hidden: 8 } } distill { hint {} }";
constexpr int kRows = 150;

std::string DateOf(int day) { return absl::FormatCivilTime(absl::CivilDay(2026, 1, 1) + day); }

struct TableCounts {
  int64_t rows = 0, pending = 0, bytes = 0;
};

TableCounts CountsOf(const std::string& path) {
  TableCounts counts;
  auto reader = EmbeddingFileReader::Open(FileSystem::Default(), path, "", Precision::kF32);
  EXPECT_TRUE(reader.ok()) << reader.status();
  for (int t = 0; reader.ok() && t < (*reader)->header().tables(); ++t) {
    EXPECT_TRUE((*reader)->NextTable().ok());
    counts.rows += (*reader)->table().rows();
    counts.pending += (*reader)->table().pending();
  }
  counts.bytes = static_cast<int64_t>(stdfs::file_size(path));
  return counts;
}

// Every day has users of its own, an item that the next day has too, and words that all days have.
class ExpiryTest : public testing::Test {
 protected:
  void WriteDays(int days) {
    for (int day = 0; day < days; ++day) {
      std::ofstream file(scratch_ / absl::StrCat(DateOf(day), ".tsv"));
      file << absl::StrJoin(SmallLogColumns(), "\t") << "\n";
      int row = 0;
      for (std::vector<std::string>& cells : SmallLogRows(kRows, 100 + day)) {
        cells[1] = absl::StrCat("u", day, "-", row % 70);
        cells[2] = absl::StrCat("i", day + row % 2);
        file << absl::StrJoin(cells, "\t") << "\n";
        ++row;
      }
    }
  }

  RunOptions Options(const std::string& name, int first, int last) const {
    RunOptions options;
    options.run_dir = scratch_ / name;
    std::vector<std::string> missing;
    options.days =
        FindDays(FileSystem::Default(), scratch_ / "{date}.tsv", DateOf(first), DateOf(last), &missing)
            .value();
    options.quiet = true;
    return options;
  }

  proto::Experiment Experiment(const std::string& more) const {
    proto::Experiment experiment = SmallExperiment(kModel, more);
    experiment.mutable_data()->set_path(scratch_ / "{date}.tsv");
    return experiment;
  }

  static std::string Bytes(const stdfs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void ExpectSameFiles(const std::string& a, const std::string& b,
                              const std::vector<std::string>& names) {
    for (const std::string& name : names)
      EXPECT_EQ(Bytes(stdfs::path(a) / name), Bytes(stdfs::path(b) / name)) << name;
  }
  static void ExpectSameCheckpoints(const std::string& a, const std::string& b) {
    ASSERT_EQ(stdfs::path(a).filename(), stdfs::path(b).filename());
    for (const auto& entry : stdfs::directory_iterator(a))
      EXPECT_EQ(Bytes(entry.path()), Bytes(stdfs::path(b) / entry.path().filename())) << entry.path();
  }

  const ScratchDirectory scratch_;
};

class SizesOfDays : public RunObserver {
 public:
  absl::Status OnCheckpoint(const CheckpointReport& report) override {
    sizes.push_back(CountsOf(report.path + "/embedding.bin"));
    return absl::OkStatus();
  }
  std::vector<TableCounts> sizes;
};

TEST_F(ExpiryTest, NinetyDaysOfNewIdsKeepTheTablesAndTheirCheckpointsFlat) {
  constexpr int kDays = 90;
  WriteDays(kDays);
  SizesOfDays kept, grown;
  for (const bool expires : {true, false}) {
    RunOptions options = Options(absl::StrCat("run", expires ? 1 : 0), 0, kDays - 1);
    options.observer = expires ? &kept : &grown;
    const absl::StatusOr<RunSummary> run = TrainRun(
        Experiment(expires ? "embedding { expire_days: 7 min_count: 2 }" : "embedding { min_count: 2 }"),
        options);
    ASSERT_TRUE(run.ok()) << run.status();
  }
  ASSERT_GT(kept.sizes.size(), 80u);
  // From the day on that the first ids have gone.
  const TableCounts& first = kept.sizes[14];
  for (size_t i = 15; i < kept.sizes.size(); ++i) {
    const TableCounts& now = kept.sizes[i];
    EXPECT_NEAR(now.rows, first.rows, 0.05 * first.rows) << i;
    EXPECT_NEAR(now.rows + now.pending, first.rows + first.pending, 0.05 * (first.rows + first.pending)) << i;
    EXPECT_NEAR(now.bytes, first.bytes, 0.05 * first.bytes) << i;
  }
  EXPECT_GT(grown.sizes.back().rows, 5 * kept.sizes.back().rows) << "the log has no new ids";
}

struct Case {
  const char* name;
  const char* more;
};
class ExpiringRunTest : public ExpiryTest, public testing::WithParamInterface<Case> {};

// Interrupted after every step, on other threads, with rows in another process.
TEST_P(ExpiringRunTest, HasTheSameBytesInterruptedOnThreadsAndElsewhere) {
  RowProcess process({/*seed=*/3, /*shuffles=*/true, 0, /*refused=*/0.1, 0, 0});
  WriteDays(7);
  proto::Experiment experiment = Experiment(GetParam().more);
  const absl::StatusOr<RunSummary> whole = TrainRun(experiment, Options("whole", 0, 6));
  ASSERT_TRUE(whole.ok()) << whole.status();

  const std::atomic<int> stop(SIGTERM);
  RunOptions options = Options("stopped", 0, 6);
  options.stop = &stop;
  options.resume = true;
  RunSummary summary;
  int starts = 0;
  do {
    const absl::StatusOr<RunSummary> part = TrainRun(experiment, options);
    ASSERT_TRUE(part.ok()) << part.status();
    summary = *part;
    ASSERT_LT(++starts, 200);
  } while (summary.stopped_by != 0);
  EXPECT_GT(starts, 10);
  ExpectSameCheckpoints(whole->checkpoint, summary.checkpoint);

  options = Options("remote", 0, 6);
  options.row_stores = process.stores();
  const absl::StatusOr<RunSummary> remote = TrainRun(experiment, options);
  ASSERT_TRUE(remote.ok()) << remote.status();
  ExpectSameCheckpoints(whole->checkpoint, remote->checkpoint);

  experiment.mutable_runtime()->set_threads(3);
  const absl::StatusOr<RunSummary> threads = TrainRun(experiment, Options("threads", 0, 6));
  ASSERT_TRUE(threads.ok()) << threads.status();
  ExpectSameFiles(whole->checkpoint, threads->checkpoint, {"embedding.bin"});
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, ExpiringRunTest,
    testing::Values(
        Case{"Counts", "embedding { expire_days: 2 min_count: 2 id_dropout: 0.1 }"},
        Case{"TwoPasses", "embedding { expire_days: 1 } train { epochs: 2 }"},
        Case{"Decay", "embedding { expire_days: 2 weight_decay: 0.01 max_rows: 300 }"},
        Case{"SlowCopyAndReplay",
             "embedding { expire_days: 1 slow_copy { decay: 0.9 } optimizer { adam { lr: 0.01 } } }"
             " model { distill { replay { steps: 3 batches: 9 } } }"},
        Case{"L2OfTheTable", "embedding { expire_days: 2 l2: 0.01 l2_scope: TABLE }"},
        Case{"OwnTables",
             "embedding { expire_days: 1 } model { method: TWO_STAGE_KD distill "
             "{ phase { fraction: 0.6 } } }"},
        Case{"StudentPhase",
             "embedding { expire_days: 2 } model { distill "
             "{ replay { steps: 2 batches: 5 } phase { fraction: 0.6 } } }"}),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

TEST_F(ExpiryTest, DaysOfAWarmStartCountOnAndABundleLacksWhatIsGone) {
  WriteDays(6);
  const std::string more = "embedding { expire_days: 3 optimizer { sgd { lr: 0.01 } } }";
  const absl::StatusOr<RunSummary> first = TrainRun(Experiment(more), Options("first", 0, 3));
  ASSERT_TRUE(first.ok()) << first.status();
  RunOptions options = Options("next", 4, 4);
  options.init_from = first->checkpoint;
  const absl::StatusOr<RunSummary> next = TrainRun(Experiment(more), options);
  ASSERT_TRUE(next.ok()) << next.status();
  // A day's users; its items are of the day itself and the next one.
  const TableCounts before = CountsOf(first->checkpoint + "/embedding.bin");
  const TableCounts after = CountsOf(next->checkpoint + "/embedding.bin");
  EXPECT_EQ(after.rows, before.rows) << "a day's ids came, a day's ids went";

  ASSERT_TRUE(
      ExportBundle(FileSystem::Default(), next->checkpoint, scratch_ / "bundle", ExportOptions()).ok());
  std::string file;
  for (const auto& entry : stdfs::directory_iterator(stdfs::path(scratch_ / "bundle"))) {
    if (absl::StrContains(entry.path().filename().string(), "embedding")) file = entry.path();
  }
  ASSERT_FALSE(file.empty());
  EXPECT_LT(stdfs::file_size(file), stdfs::file_size(next->checkpoint + "/embedding.bin"));

  // Rows whose days nobody kept count from the end of the first day.
  const absl::StatusOr<RunSummary> plain =
      TrainRun(Experiment("embedding { optimizer { sgd { lr: 0.01 } } }"), Options("plain", 0, 3));
  ASSERT_TRUE(plain.ok()) << plain.status();
  options = Options("from_plain", 4, 5);
  options.init_from = plain->checkpoint;
  const absl::StatusOr<RunSummary> of_plain = TrainRun(Experiment(more), options);
  ASSERT_TRUE(of_plain.ok()) << of_plain.status();
  EXPECT_GT(CountsOf(of_plain->checkpoint + "/embedding.bin").rows,
            CountsOf(plain->checkpoint + "/embedding.bin").rows);
}

TEST_F(ExpiryTest, ALogWithoutDaysIsRefused) {
  WriteDays(1);
  proto::Experiment experiment = Experiment("embedding { expire_days: 3 }");
  experiment.mutable_data()->set_path(scratch_ / "*.tsv");
  RunOptions options = Options("run", 0, 0);
  options.days[0].date.clear();
  const absl::StatusOr<RunSummary> run = TrainRun(experiment, options);
  EXPECT_TRUE(absl::StrContains(run.status().message(), "embedding.expire_days: 3 counts days of the log"))
      << run.status();
  EXPECT_FALSE(stdfs::exists(options.run_dir));
}

// Local rows but for Expire.
class KeepingRowStore : public RowStore {
 public:
  explicit KeepingRowStore(const RowStoreRequest& request)
      : rows_(MakeLocalRowStore(request.experiment, request.schema, request.trained)) {}
  const RowShape& shape() const override { return rows_->shape(); }
  absl::Status Read(absl::Span<TableRows> tables) const override { return rows_->Read(tables); }
  absl::Status Admit(const AdmitStep& step, RowDemand* demand, Workers* workers) override {
    return rows_->Admit(step, demand, workers);
  }
  absl::Status Learn(const LearnStep& step, absl::Span<const TableRows> tables, const RowGradients& gradients,
                     Workers* workers) override {
    return rows_->Learn(step, tables, gradients, workers);
  }
  absl::StatusOr<StoreState> State() const override { return rows_->State(); }
  absl::StatusOr<std::vector<uint64_t>> Keys(int table, int64_t most) const override {
    return rows_->Keys(table, most);
  }
  absl::Status Export(int table, absl::FunctionRef<absl::Status(const RowBlock&)> take) const override {
    return rows_->Export(table, take);
  }
  absl::Status Import(int table, const RowBlock& block) override { return rows_->Import(table, block); }
  absl::Status Restore(const StoreState& state) override { return rows_->Restore(state); }

 private:
  const std::unique_ptr<RowStore> rows_;
};

TEST_F(ExpiryTest, AStoreThatCantDropRowsIsRefusedBeforeTheFirstRow) {
  WriteDays(1);
  RunOptions options = Options("run", 0, 0);
  options.row_stores = [](const RowStoreRequest& request) -> absl::StatusOr<std::unique_ptr<RowStore>> {
    return std::make_unique<KeepingRowStore>(request);
  };
  const absl::StatusOr<RunSummary> run = TrainRun(Experiment("embedding { expire_days: 3 }"), options);
  EXPECT_TRUE(absl::IsUnimplemented(run.status())) << run.status();
  EXPECT_TRUE(absl::StrContains(run.status().message(), "embedding.expire_days must be 0")) << run.status();
  EXPECT_FALSE(stdfs::exists(options.run_dir));
}

}  // namespace
}  // namespace tandem
