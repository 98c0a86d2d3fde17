// What an online run writes down, and takes back with a roll-back.
#include "src/online/online_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "tandem/kernels.h"
#include "tandem/online.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

class OnlineReportTest : public testing::Test {
 protected:
  OnlineReportTest()
      : experiment_(OnlineExperiment(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"))),
        learner_(experiment_, &workers_, &run_, &stream_) {
    auto model = std::make_unique<DualModel>(experiment_, *FindKernels("auto").value(), /*trained=*/true);
    model->Initialize();
    learner_.Take(std::move(model));
  }
  std::unique_ptr<OnlineReport> Open() {
    absl::StatusOr<std::unique_ptr<OnlineReport>> report =
        OnlineReport::Open(fs_, clock_, /*observer=*/nullptr, experiment_, scratch_.path(), run_, stream_);
    EXPECT_TRUE(report.ok()) << report.status();
    return *std::move(report);
  }
  LossTerms Learn(int rows) {
    return *learner_.Learn(RandomBatch(learner_.model().schema(), rows, run_.step()));
  }
  std::vector<Json> Lines(OnlineReport* report) {
    EXPECT_TRUE(report->Sync().ok());
    std::vector<Json> lines;
    const std::string text = *fs_.ReadFile(scratch_ / "metrics.jsonl");
    for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
      lines.push_back(Json::parse(std::string(line)));
    return lines;
  }

  FileSystem& fs_ = FileSystem::Default();
  ManualClock clock_;
  const ScratchDirectory scratch_;
  const proto::Experiment experiment_;
  Workers workers_{1};
  proto::RunState run_;
  proto::OnlineState stream_;
  Learner learner_;
};

TEST_F(OnlineReportTest, AStepTellsTheWindowAndTheRateSinceTheLastOne) {
  const std::unique_ptr<OnlineReport> report = Open();
  stream_.set_offset(1234);
  for (const int rows : {50, 30}) {
    const LossTerms losses = Learn(rows);
    clock_.Advance(10);
    ASSERT_TRUE(report->Step(learner_, &losses, /*waiting=*/3).ok());
  }
  const std::vector<Json> lines = Lines(report.get());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["step"], 2);
  EXPECT_EQ(lines[1]["rows"], 80);
  EXPECT_EQ(lines[1]["offset"], 1234);
  EXPECT_EQ(lines[1]["window"]["rows"], 80);
  EXPECT_EQ(lines[1]["waiting"], 3);
  EXPECT_DOUBLE_EQ(lines[0]["rows_per_second"], 5);
  EXPECT_DOUBLE_EQ(lines[1]["rows_per_second"], 3);
  EXPECT_TRUE(lines[1].contains("loss"));
}

TEST_F(OnlineReportTest, ResumedItKnowsWhetherTheStepWasToldAndDropsWhatCameAfter) {
  {
    const std::unique_ptr<OnlineReport> report = Open();
    Learn(10);
    ASSERT_TRUE(report->Step(learner_, nullptr, 0).ok());
    EXPECT_TRUE(report->HasStep());
    Learn(10);
    EXPECT_FALSE(report->HasStep());
    ASSERT_TRUE(report->Step(learner_, nullptr, 0).ok());
    ASSERT_TRUE(report->Sync().ok());
  }
  run_.set_step(1);
  {
    const std::unique_ptr<OnlineReport> report = Open();
    EXPECT_TRUE(report->HasStep());
    EXPECT_EQ(Lines(report.get()).size(), 1u);
    ASSERT_TRUE(report->RolledBack(0, "why").ok());
    ASSERT_TRUE(report->Sync().ok());
  }
  EXPECT_FALSE(Open()->HasStep()) << "an event has no window";
}

TEST_F(OnlineReportTest, EventsSayWhatHappened) {
  const std::unique_ptr<OnlineReport> report = Open();
  run_.set_step(9);
  run_.set_base_id("abc");
  stream_.set_offset(77);
  ASSERT_TRUE(report->NewBase("daily/checkpoint").ok());
  ASSERT_TRUE(report->Accepted(0.5, "why").ok());
  ASSERT_TRUE(report->RolledBack(4, "it was worse").ok());
  const std::vector<Json> lines = Lines(report.get());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], Json::parse(R"({"step":9,"event":"base","base":"abc","offset":77,"format":2})"));
  EXPECT_EQ(lines[1], Json::parse(R"({"step":9,"event":"accepted","logloss":0.5,"format":2})"));
  EXPECT_EQ(lines[2], Json::parse(R"({"step":9,"event":"rollback","to":4,"why":"it was worse","format":2})"));
}

}  // namespace
}  // namespace tandem
