// A run's metrics.jsonl as a report reads it.
#include "src/report/run_history.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class RunHistoryTest : public SampleFilesTest {};

TEST_F(RunHistoryTest, EveryKindOfLineIsReadAndAnUnfinishedOneIsNot) {
  Write(
      "run/metrics.jsonl",
      R"({"step":10,"day":"2026-01-01","rows":640,"losses":{"teacher_label":0.6,"student_label":null},"format":2}
{"step":12,"day":"2026-01-01","rows":700,"malformed":3,"clicks":70,"progressive":{"student":{"auc":0.7,"logloss":0.3,"normalized_entropy":0.9}},"format":2}
{"step":12,"rows":100,"pass":1,"validation":{"teacher":{"auc":null,"logloss":0.4}},"best":true,"format":2}
{"step":12,"event":"of another kind","format":2}
{"step":20,"day":"2026-)");
  const auto history = ReadRunHistory(FileSystem::Default(), Path("run"));
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->losses.size(), 1);
  EXPECT_EQ(history->losses[0].teacher, 0.6);
  EXPECT_FALSE(history->losses[0].student.has_value());
  ASSERT_EQ(history->days.size(), 1);
  EXPECT_EQ(history->days[0].malformed, 3);
  EXPECT_EQ(history->days[0].clicks, 70);
  EXPECT_EQ(history->days[0].student.auc, 0.7);
  EXPECT_FALSE(history->days[0].teacher.auc.has_value());
  ASSERT_EQ(history->validations.size(), 1);
  EXPECT_EQ(history->validations[0].teacher.logloss, 0.4);
  EXPECT_FALSE(history->validations[0].teacher.auc.has_value());
}

TEST_F(RunHistoryTest, WithoutTheFileThereIsNoHistory) {
  EXPECT_TRUE(ReadRunHistory(FileSystem::Default(), Path("none"))->days.empty());
}

TEST_F(RunHistoryTest, ALineThatIsNoneIsNamed) {
  Write("run/metrics.jsonl", "{\"step\":1}\nhello\n");
  const absl::Status status = ReadRunHistory(FileSystem::Default(), Path("run")).status();
  EXPECT_EQ(ExitCode(status), kExitModel);
  EXPECT_TRUE(absl::StrContains(status.message(), "metrics.jsonl:2: not a JSON object")) << status;
}

}  // namespace
}  // namespace tandem
