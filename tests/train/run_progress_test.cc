// What a run tells while it trains.
#include "src/train/run_progress.h"

#include <glog/logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tandem/row_fault.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class RunProgressTest : public SampleFilesTest {
 protected:
  RunProgress Progress(const std::string& model, double passes = 1, bool quiet = true) {
    const std::vector<Day> days = {{"2000-11-20", {Write("a", std::string(100, 'x'))}},
                                   {"2000-11-21", {Write("b", std::string(300, 'x'))}}};
    return RunProgress(FileSystem::Default(), SmallExperiment(model), days, passes, /*terminal=*/false,
                       quiet);
  }
  StepReport Step(int64_t rows, bool labelled = true) const {
    return {7, day_, rows, losses_, labelled, /*rows_per_second=*/50};
  }

  const std::string day_ = "2000-11-20";
  const LossTerms losses_ = [] {
    LossTerms losses;
    losses.total = 1.25;
    losses.teacher_label = 0.5;
    losses.student_label = 0.625;
    losses.logit = 0.125;
    return losses;
  }();
};

class Lines : public google::LogSink {
 public:
  Lines() { google::AddLogSink(this); }
  ~Lines() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity /*severity*/, const char* /*path*/, const char* /*name*/, int /*line*/,
            const google::LogMessageTime& /*time*/, const char* text, size_t size) override {
    said.emplace_back(text, size);
  }
  std::vector<std::string> said;
};

constexpr char kBoth[] = "teacher { mlp { hidden: 8 } } student { mlp { hidden: 8 } } distill {}";

TEST_F(RunProgressTest, QuietLeavesNoLineOfADay) {
  const DayReport day{7, day_, 100, 0, 0, {}, {}};
  Lines lines;
  ASSERT_TRUE(Progress(kBoth).OnDay(day).ok());
  EXPECT_THAT(lines.said, testing::IsEmpty());
  ASSERT_TRUE(Progress(kBoth, 1, /*quiet=*/false).OnDay(day).ok());
  EXPECT_THAT(lines.said, testing::ElementsAre(testing::HasSubstr("2000-11-20 done: 100 rows")));
}

TEST_F(RunProgressTest, AStepShowsTheTermsThatThereAre) {
  EXPECT_EQ(
      Progress(kBoth).StepLine(Step(700)),
      "2000-11-20 step 7: 50 rows/s, loss 1.2500 (teacher 0.5000 student 0.6250 logit 0.1250 hint 0.0000)");
  EXPECT_EQ(Progress(kBoth).StepLine(Step(700, /*labelled=*/false)),
            "2000-11-20 step 7: 50 rows/s, loss 1.2500 (logit 0.1250 hint 0.0000)");
  EXPECT_EQ(Progress("method: TEACHER_ALONE teacher { mlp { hidden: 8 } }").StepLine(Step(700)),
            "2000-11-20 step 7: 50 rows/s, loss 1.2500 (teacher 0.5000)");
}

TEST_F(RunProgressTest, TheTimeLeftComesFromTheBytesOfTheDaysThatAreDone) {
  RunProgress progress = Progress(kBoth, /*passes=*/2);
  EXPECT_EQ(progress.StepLine(Step(10)).find(" left"), std::string::npos) << "nothing is known yet";
  ASSERT_TRUE(progress.OnDay({7, day_, /*rows=*/1000, 0, 0, {}, {}}).ok());
  // 100 bytes held 1,000 rows: 800 bytes in all hold 8,000, of which 7,000 are left.
  const std::string line = progress.StepLine(Step(1000));
  EXPECT_NE(line.find(", 2m20s left"), std::string::npos) << line;
}

TEST_F(RunProgressTest, ADayShowsWhatBothTowersSawOfIt) {
  DayReport day{7, day_, 12000, 40, 0, {}, {}};
  day.teacher.emplace().auc = 0.75;
  EXPECT_EQ(
      Progress(kBoth).DayLine(day),
      "2000-11-20 done: 12,000 rows, 40 of them without a label, progressive AUC teacher 0.7500 student "
      "undefined");
}

TEST(RowsLine, SaysWhereEachRowWent) {
  proto::RunState state;
  state.mutable_rows_bad()->Resize(kRowFaults, 0);
  state.set_rows_good(12000);
  EXPECT_EQ(RowsLine(state, false, false), "12,000 rows read = 12,000 trained + 0 quarantined");
  state.set_rows_bad(static_cast<int>(RowFault::kLabel), 3);
  state.set_rows_unlabelled(2000);
  EXPECT_EQ(RowsLine(state, false, false),
            "12,003 rows read = 10,000 trained + 2,000 without a label, left out + 3 quarantined (label 3)");
  EXPECT_EQ(RowsLine(state, true, false),
            "12,003 rows read = 12,000 trained, 2,000 of them without a label + 3 quarantined (label 3)");
}

TEST(RowsLine, RowsThatWereHeldOutAndLearnedAtLastAreTrained) {
  proto::RunState state;
  state.mutable_rows_bad()->Resize(kRowFaults, 0);
  state.set_rows_good(12000);
  state.set_rows_held_out(2000);
  EXPECT_EQ(RowsLine(state, false, false),
            "12,000 rows read = 10,000 trained + 2,000 held out + 0 quarantined");
  EXPECT_EQ(RowsLine(state, false, true),
            "12,000 rows read = 12,000 trained, 2,000 of them held out until the end + 0 quarantined");
}

}  // namespace
}  // namespace tandem
