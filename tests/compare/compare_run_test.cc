// A whole comparison of a small log: cells, resuming, test files, a stop.
#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/compare/compare_data.h"
#include "src/util/format_version.h"
#include "tandem/clock.h"
#include "tandem/compare.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

constexpr char kExperiment[] = R"(
  data { group_column: "user" }
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  feature { name: "query" sparse {} }
  embedding { dim: 4 }
  model { teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 } } }
  train { batch_size: 64 window_days: 3 }
)";

class CompareRunTest : public SampleFilesTest {
 protected:
  CompareRunTest() {
    for (int day = 1; day <= 3; ++day) Write(absl::StrCat("logs/2026-01-0", day, ".tsv"), SmallLog(300, day));
    options_.config_files = {Write("experiment.pbtxt", kExperiment)};
    options_.overrides = {absl::StrCat("data.path=", Path("logs/{date}.tsv"))};
    options_.seeds = {1, 2};
    options_.end_date = "2026-01-03";
    options_.test_days = 1;
    options_.run_dir = Path("compared");
    options_.progress = [this](const std::string& line) { progress_.push_back(line); };
  }

  // With the paths of the log in place.
  proto::Experiment Experiment() const {
    return LoadExperiment(options_.config_files, options_.overrides).value();
  }
  void ExpectRefused(const std::string& says, int exit_code = kExitUsage) {
    const absl::Status status = RunComparison(options_).status();
    EXPECT_EQ(ExitCode(status), exit_code) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
  }

  CompareOptions options_;
  std::vector<std::string> progress_;
};

TEST_F(CompareRunTest, EveryRowIsTrainedWithEverySeedAndResumingTrainsWhatIsNew) {
  class Days : public RunObserver {
   public:
    absl::Status OnDay(const DayReport& day) override {
      rows += day.rows;
      return absl::OkStatus();
    }
    int64_t rows = 0;
  };
  Days days;
  options_.observer = &days;
  const auto whole = RunComparison(options_);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->stopped_by, 0);
  EXPECT_EQ(days.rows, 6 * 600) << "the observer hears of all cells";
  options_.observer = nullptr;
  ASSERT_FALSE(progress_.empty());
  EXPECT_EQ(progress_[0], "6 cells to train, 0 are done");
  const auto json = nlohmann::json::parse(FileBytes(Path("compared/compare.json")));
  ASSERT_EQ(json.at("rows").size(), 3u);
  EXPECT_EQ(json.at("rows").at(2).at("cells").size(), 2u);
  EXPECT_EQ(json.at("rows").at(2).at("cells").at(0).at("test_rows"), 300);
  EXPECT_EQ(whole->markdown, FileBytes(Path("compared/compare.md")));

  ExpectRefused("not empty");
  options_.resume = true;
  options_.seeds = {1, 2, 3};
  progress_.clear();
  ASSERT_TRUE(RunComparison(options_).ok());
  EXPECT_EQ(progress_[0], "3 cells to train, 6 are done");
  const std::string manifest = FileBytes(Path("compared/manifest.txt"));
  const std::string format = absl::StrCat("format ", kFormatVersion, "\n");
  ASSERT_EQ(manifest.substr(0, format.size()), format);
  Write("compared/manifest.txt", "format 9\n" + manifest.substr(format.size()));
  ExpectRefused("newer Tandem (format 9", kExitModel);
  Write("compared/manifest.txt", manifest.substr(format.size()));  // the first ones had no such line
  EXPECT_TRUE(RunComparison(options_).ok());
  const std::string times = FileBytes(Path("compared/cells/TEACHER_ALONE/times.json"));
  Write("compared/cells/TEACHER_ALONE/times.json", "{\"teacher\":1,\"format\":9}\n");
  ExpectRefused("newer Tandem (format 9", kExitModel);
  Write("compared/cells/TEACHER_ALONE/times.json", times);
  options_.test_days = 2;
  ExpectRefused("manifest.txt");
  options_.test_days = 1;
  options_.overrides.push_back("train.batch_size=32");
  ExpectRefused("train.batch_size");
}

TEST_F(CompareRunTest, OfACommitteeItsMembersAreMeasuredAndTheServedStudent) {
  options_.config_files.push_back(Write("committee.pbtxt", R"(
    clear: "model.teacher"
    model {
      committee { member { copies: 3 tower { mlp { hidden: 6 } } } }
      distill { switches { own_embedding: true } }
    })"));
  options_.seeds = {1};
  const auto whole = RunComparison(options_);
  ASSERT_TRUE(whole.ok()) << whole.status();
  for (const char* row : {"| COMMITTEE |", "| MEMBER, their mean |", "| MEMBER, the best here |",
                          "| STUDENT_ALONE |", "| DISTILLED |", "| SERVED, int8 |"})
    EXPECT_TRUE(absl::StrContains(whole->markdown, row)) << row << "\n" << whole->markdown;
  const auto json = nlohmann::json::parse(FileBytes(Path("compared/compare.json")));
  const auto& teacher = json.at("rows").at(0);
  ASSERT_EQ(teacher.at("cells").at(0).at("members").size(), 3u);
  double sum = 0, best = 0;
  for (const auto& member : teacher.at("cells").at(0).at("members")) {
    const double auc = member.at("metrics").at("auc");
    sum += auc;
    best = std::max(best, auc);
  }
  EXPECT_NEAR(teacher.at("members").at("auc").at("mean"), sum / 3, 1e-12);
  EXPECT_EQ(teacher.at("best_member").at("auc").at("mean"), best);
  EXPECT_FALSE(teacher.contains("served"));
  const auto& student = json.at("rows").at(2);
  EXPECT_NEAR(student.at("served").at("auc").at("mean"), student.at("student").at("auc").at("mean"), 0.02);
  EXPECT_EQ(student.at("cells").at(0).at("members"), teacher.at("cells").at(0).at("members"))
      << "nothing of the student reaches a member";
  options_.resume = true;
  EXPECT_EQ(RunComparison(options_)->markdown, whole->markdown);
}

TEST_F(CompareRunTest, TimesAreOfTheClockThatIsGivenAndAnObserverIsCalledOnceAtATime) {
  class Hours : public RunObserver {
   public:
    explicit Hours(ManualClock* clock) : clock_(*clock) {}
    absl::Status OnDay(const DayReport&) override {
      EXPECT_EQ(inside_++, 0);
      clock_.Advance(3600);
      inside_--;
      return absl::OkStatus();
    }

   private:
    ManualClock& clock_;
    std::atomic<int> inside_{0};
  };
  ManualClock clock;
  Hours hours(&clock);
  options_.clock = &clock;
  options_.observer = &hours;
  options_.seeds = {1};
  options_.jobs = 2;
  ASSERT_TRUE(RunComparison(options_).ok());
  const auto json = nlohmann::json::parse(FileBytes(Path("compared/compare.json")));
  const double seconds = json.at("rows").at(2).at("cells").at(0).at("train_seconds").get<double>();
  EXPECT_GE(seconds, 2 * 3600) << "two days are trained on";
}

TEST_F(CompareRunTest, AStopIsSaidAndResumingEndsInTheSameTables) {
  std::atomic<int> stop{15};
  options_.stop = &stop;
  const auto stopped = RunComparison(options_);
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_EQ(stopped->stopped_by, 15);
  stop = 0;
  options_.resume = true;
  EXPECT_TRUE(RunComparison(options_).ok());
  EXPECT_TRUE(FileSystem::Default().Exists(Path("compared/compare.html")));
}

TEST_F(CompareRunTest, ARowThatFailsIsLeftOutAndTheOthersHaveTheirTable) {
  options_.seeds = {1};
  options_.variants = {{"lost", {"embedding.optimizer.sgd.lr=1e30", "train.optimizer.adam.lr=1e30"}}};
  const auto compared = RunComparison(options_);
  ASSERT_TRUE(compared.ok()) << compared.status();
  EXPECT_TRUE(absl::StrContains(compared->failure.message(), "lost, seed 1: ")) << compared->failure;
  EXPECT_TRUE(absl::StrContains(compared->markdown, "Left out: lost")) << compared->markdown;
}

TEST_F(CompareRunTest, TheTestIsOfTheLastDaysOrOfFilesThatAreNotTrainedOn) {
  const proto::Experiment experiment = Experiment();
  const auto by_days = FindCompareData(experiment, options_);
  ASSERT_TRUE(by_days.ok()) << by_days.status();
  EXPECT_EQ(by_days->days.size(), 2u);
  EXPECT_EQ(by_days->test_files, (std::vector<std::string>{Path("logs/2026-01-03.tsv")}));
  EXPECT_EQ(by_days->test, "2026-01-03..2026-01-03");

  options_.test_days = 0;
  options_.test = {Write("held_out.tsv", SmallLog(10, 9))};
  const auto by_files = FindCompareData(experiment, options_);
  ASSERT_TRUE(by_files.ok()) << by_files.status();
  EXPECT_EQ(by_files->days.size(), 3u);
  EXPECT_EQ(by_files->test_files, options_.test);

  const auto refused = [&](const std::string& says) {
    const absl::Status status = FindCompareData(experiment, options_).status();
    EXPECT_EQ(ExitCode(status), kExitUsage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
  };
  options_.test = {Path("./logs/2026-01-02.tsv")};
  refused("is a file of the training window");
  options_.test = {"-"};
  refused("read only once");
  options_.test_days = 1;
  refused("one of them");
  options_.test.clear();
  options_.test_days = 3;
  refused("the window has 3 days");
  options_.end_date.clear();
  refused("needs an end_date");
}

}  // namespace
}  // namespace tandem
