// A whole tuning of a small log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/tune/ledger.h"
#include "src/util/seal.h"
#include "tandem/clock.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/setup.h"
#include "tandem/status.h"
#include "tandem/tune.h"
#include "tests/support/sample_files.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

constexpr char kExperiment[] = R"(
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  feature { name: "query" sparse {} }
  embedding { dim: 4 }
  model { teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 } }
          distill { phase { fraction: 1 steps_per_row: 1 } } }
  train { batch_size: 64 epochs: 3 validation { share: 0.2 patience: 2 } }
)";

// Goes on by a hundredth of a second whenever somebody looks: how much a budget holds doesn't depend on the
// machine.
class TickingClock : public Clock {
 public:
  double Now() override { return 0.01 * static_cast<double>(++looks_); }
  double SinceEpoch() override { return 0; }
  void Sleep(double /*seconds*/) override {}
  void WaitUntil(double /*deadline*/, std::condition_variable* changed,
                 std::unique_lock<std::mutex>* lock) override {
    // Whoever waits looks again: seldom, so that a slow machine doesn't use up the budget by waiting.
    changed->wait_for(*lock, std::chrono::milliseconds(20));
  }

 private:
  std::atomic<int64_t> looks_{0};
};

class TuneRunTest : public SampleFilesTest {
 protected:
  TuneRunTest() {
    experiment_ = ParseExperiment(kExperiment, "experiment").value();
    experiment_.mutable_data()->set_path(Write("log.tsv", SmallLog(600, 1)));
    options_.run_dir = scratch_ / "tuned";
    options_.days = DaysToTrain(FileSystem::Default(), experiment_, "").value();
    options_.progress = [this](const std::string& line) { progress_.push_back(line); };
    options_.budget = kBudget;
    options_.clock = &clock_;
  }

  Ledger ReadLedger() {
    FileSystem& fs = FileSystem::Default();
    const std::string path = scratch_ / "tuned/trials.jsonl";
    const std::string& file = options_.days[0].files[0];
    return Ledger::Open(fs, path, absl::StrCat(file, " ", fs.Size(file).value()),
                        KernelsOrBest(nullptr).name())
        .value();
  }

  const ScratchDirectory scratch_;
  static constexpr double kBudget = 3;
  TickingClock clock_;
  proto::Experiment experiment_;
  TuneOptions options_;
  std::vector<std::string> progress_;
};

TEST_F(TuneRunTest, TheBestIsWrittenTrainsAndIsSaid) {
  const auto summary = RunTuning(experiment_, options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_GT(summary->trials, 3);
  EXPECT_EQ(summary->output, scratch_ / "tuned/best.pbtxt");
  const std::string text = FileBytes(summary->output);
  EXPECT_TRUE(IsUntouched(text, "tandem tune"));
  const auto best = ExperimentToTrain(FileSystem::Default(), {summary->output}, {});
  ASSERT_TRUE(best.ok()) << best.status();
  EXPECT_EQ(summary->better, !ConfigDifferences(experiment_, *best, "a", "b").empty());
  const Ledger ledger = ReadLedger();
  EXPECT_TRUE(ledger.trials()[0].settings.empty());
  EXPECT_EQ(ledger.trials()[0].state, Trial::kDone);
  for (const Trial& trial : ledger.trials()) {
    if (trial.state == Trial::kPending) continue;
    EXPECT_FALSE(
        FileSystem::Default().Exists(scratch_ / absl::StrCat("tuned/trials/", trial.id, "/checkpoints")));
  }
  // A second call with the directory is refused, a resumed one with nothing left says the same.
  EXPECT_EQ(ExitCode(RunTuning(experiment_, options_).status()), kExitUsage);
  options_.resume = true;
  const auto again = RunTuning(experiment_, options_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->better, summary->better);
}

TEST_F(TuneRunTest, OnOneThreadAndTheSameClockEqualTuningsAreEqual) {
  experiment_.mutable_runtime()->set_threads(1);
  options_.budget = 3 * kBudget;
  ASSERT_TRUE(RunTuning(experiment_, options_).ok());
  const Ledger one = ReadLedger();
  options_.run_dir = scratch_ / "other";
  ASSERT_TRUE(RunTuning(experiment_, options_).ok());
  ASSERT_TRUE(FileSystem::Default().RemoveAll(scratch_ / "tuned").ok());
  ASSERT_TRUE(FileSystem::Default().Rename(scratch_ / "other", scratch_ / "tuned").ok());
  const Ledger other = ReadLedger();
  ASSERT_GE(one.trials().size(), 3u);
  ASSERT_EQ(one.trials().size(), other.trials().size());
  for (size_t i = 0; i < one.trials().size(); ++i) {
    EXPECT_EQ(one.trials()[i].settings, other.trials()[i].settings) << i;
    EXPECT_EQ(one.trials()[i].state, other.trials()[i].state) << i;
    EXPECT_EQ(one.trials()[i].logloss, other.trials()[i].logloss) << i;
  }
}

TEST_F(TuneRunTest, StoppedItKeepsTheBestSoFarAndGoesOn) {
  std::atomic<int> stop{0};
  options_.stop = &stop;
  options_.budget = 3 * kBudget;
  options_.progress = [&](const std::string& line) {
    if (absl::StrContains(line, "trial 2")) stop = 2;
  };
  const auto stopped = RunTuning(experiment_, options_);
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_EQ(stopped->stopped_by, 2);
  const size_t trials = ReadLedger().trials().size();
  const double spent = ReadLedger().spent();
  EXPECT_LT(spent, 3 * kBudget);
  stop = 0;
  options_.progress = nullptr;
  options_.resume = true;
  options_.budget = 0;
  const auto summary = RunTuning(experiment_, options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  const Ledger ledger = ReadLedger();
  EXPECT_EQ(ledger.budget(), 3 * kBudget);
  EXPECT_GT(ledger.trials().size(), trials);
  EXPECT_GT(ledger.spent(), spent);
  EXPECT_LT(ledger.spent(), 3 * kBudget + 1);
}

TEST_F(TuneRunTest, RowsAreHeldOutWhereTheConfigurationHoldsNone) {
  experiment_.mutable_train()->clear_validation();
  const auto summary = RunTuning(experiment_, options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  ASSERT_FALSE(progress_.empty());
  EXPECT_THAT(progress_[0], testing::HasSubstr("holds no rows out"));
  const auto best = LoadExperiment({summary->output}, {});
  EXPECT_EQ(best->train().validation().share(), 0.12);
}

TEST_F(TuneRunTest, ABudgetThatIsTooSmallIsSaidWithOneThatWouldDoAndCanBeRaised) {
  options_.budget = 1e-3;
  const absl::Status status = RunTuning(experiment_, options_).status();
  EXPECT_EQ(ExitCode(status), kExitInternal) << status << ": nothing is wrong with how it is asked";
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("before the configuration as it is was trained once"),
                             testing::HasSubstr("would do: resume with budget=1s")));
  options_.budget = kBudget;
  options_.resume = true;
  EXPECT_TRUE(RunTuning(experiment_, options_).ok());
}

TEST_F(TuneRunTest, AnOutputThatSomebodyWroteIsLeftAlone) {
  options_.output = Write("mine.pbtxt", "train { epochs: 3 }\n");
  EXPECT_EQ(ExitCode(RunTuning(experiment_, options_).status()), kExitUsage);
  EXPECT_FALSE(FileSystem::Default().Exists(options_.run_dir)) << "nothing was begun";
  options_.replace = true;
  EXPECT_TRUE(RunTuning(experiment_, options_).ok());
  EXPECT_NE(FileBytes(options_.output), "train { epochs: 3 }\n");
}

TEST_F(TuneRunTest, AnotherConfigurationDoesNotGoOn) {
  ASSERT_TRUE(RunTuning(experiment_, options_).ok());
  options_.resume = true;
  experiment_.mutable_train()->set_epochs(4);
  const absl::Status status = RunTuning(experiment_, options_).status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("train.epochs 3"));
}

TEST_F(TuneRunTest, AnErrorOfTheConfigurationAsItIsIsTheTunings) {
  experiment_.mutable_data()->set_label("nowhere");
  const absl::Status status = RunTuning(experiment_, options_).status();
  EXPECT_EQ(ExitCode(status), kExitData) << status;
  EXPECT_FALSE(FileSystem::Default().Exists(options_.run_dir)) << "the same call works once it is mended";
}

}  // namespace
}  // namespace tandem
