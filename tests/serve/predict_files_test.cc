// Files to lines of scores, and a model that is published meanwhile.
#include "tandem/predict_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/serve/unknown_share.h"
#include "src/util/links.h"
#include "src/util/profile.h"
#include "tandem/evaluate_model.h"
#include "tandem/score_files.h"
#include "tandem/served_model.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

class PredictFilesTest : public SampleFilesTest {
 protected:
  PredictFilesTest() {
    WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/3, Path("one"));
    WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/9, Path("two"));
  }

  std::unique_ptr<ServedModel> Open(const std::string& name, TowerChoice towers = TowerChoice::kStudent,
                                    int threads = 1) const {
    PredictorOptions options;
    options.towers = towers;
    options.data_overrides = {absl::StrCat("runtime.threads=", threads), "data.max_bad_fraction=0.5"};
    return ServedModel::Open(Path(name), options).value();
  }
  static std::string Text(ServedModel* model, const std::vector<std::string>& files) {
    std::string text;
    const auto rows = PredictFiles(model, files, [&](absl::string_view piece) {
      absl::StrAppend(&text, piece);
      return absl::OkStatus();
    });
    EXPECT_TRUE(rows.ok()) << rows.status();
    return text;
  }
};

// Which files there are to score, and what reading them does, the caller's file system says.
TEST_F(PredictFilesTest, FilesAreReadByTheFileSystemOfTheModel) {
  const std::string file = Write("day.tsv", SmallLog(30, 1));
  FaultyFileSystem faulty(FileSystem::Default());
  PredictorOptions options;
  options.towers = TowerChoice::kStudent;
  options.file_system = &faulty;
  const auto model = ServedModel::Open(Path("one"), options).value();
  const auto ignore = [](absl::string_view /*piece*/) { return absl::OkStatus(); };
  ASSERT_TRUE(PredictFiles(model.get(), {file}, ignore).ok());
  faulty.FailRead(0);
  EXPECT_FALSE(PredictFiles(model.get(), {file}, ignore).ok());
  faulty.FailRead(0);
  EXPECT_FALSE(EvaluateModel(*model->current(), {file}).ok());
}

// What a log says, line by line.
class Logged : public google::LogSink {
 public:
  Logged() { google::AddLogSink(this); }
  ~Logged() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity /*severity*/, const char* /*full_filename*/, const char* /*base_filename*/,
            int /*line*/, const google::LogMessageTime& /*time*/, const char* message,
            size_t message_length) override {
    absl::StrAppend(&text, absl::string_view(message, message_length), "\n");
  }
  std::string text;
};

TEST_F(PredictFilesTest, IdsThatTheModelDoesNotKnowAreToldWhoeverCalls) {
  std::string rows = "label\tuser\titem\ttags\tquery\tage\n";
  for (int row = 0; row < 30; ++row) absl::StrAppend(&rows, "1\tnobody", row, "\t1\t\t1\t30\n");
  const std::string file = Write("day.tsv", rows);
  const Logged logged;
  Text(Open("one").get(), {file});
  EXPECT_NE(logged.text.find("ids unknown to the model, by feature: user 100 %"), std::string::npos)
      << logged.text;
  EXPECT_NE(logged.text.find("feature 'user', column 'user': 30 of 30 ids are unknown"), std::string::npos)
      << logged.text;
}

TEST_F(PredictFilesTest, AProfileIsThereWhereItIsAskedForAndOneAtATime) {
  const auto model = Open("one");
  const std::string file = Write("day.tsv", SmallLog(20, 1));
  const auto nothing = [](absl::string_view /*piece*/) { return absl::OkStatus(); };
  EXPECT_EQ(PredictFiles(model.get(), {file}, nothing).value().profile, "");
  PredictFilesOptions options;
  options.profile = true;
  const auto rows = PredictFiles(model.get(), {file}, nothing, options);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE(absl::StrContains(rows->profile, "student forward")) << rows->profile;
  EXPECT_EQ(Profile::Current(), nullptr);
  const Profile other(ProfiledCommand::kPredict, 1, MachinePeak());
  EXPECT_EQ(ExitCode(PredictFiles(model.get(), {file}, nothing, options).status()), kExitUsage);
}

TEST_F(PredictFilesTest, AProfileKnowsWhatScoringCosts) {
  const std::string file = Write("day.tsv", SmallLog(30, 1));
  const Profile profile(ProfiledCommand::kPredict, 1, MachinePeak());
  Text(Open("one").get(), {file});
  const auto stages = nlohmann::json::parse(profile.Json())["stages"];
  const auto student = std::find_if(stages.begin(), stages.end(),
                                    [](const auto& stage) { return stage["stage"] == "student_forward"; });
  ASSERT_NE(student, stages.end()) << stages;
  EXPECT_GT((*student)["flops"], 0);
}

// The column of scores behind one key column, of the lines [begin, end).
std::vector<float> ScoresIn(const std::string& text, size_t begin, size_t end, size_t column = 1) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  std::vector<float> scores;
  for (size_t line = begin; line < end; ++line) {
    const std::vector<std::string> cells = absl::StrSplit(lines.at(line), '\t');
    float score = -1;
    EXPECT_TRUE(absl::SimpleAtof(cells.at(column), &score)) << lines[line];
    scores.push_back(score);
  }
  return scores;
}

TEST(UnknownShareTextTest, NoneAndAllAreSaidOfNoneAndAllAlone) {
  const auto text = [](int64_t unknown) { return UnknownShareText({"user", 3000000, unknown}); };
  EXPECT_EQ(text(0), "0 %");
  EXPECT_EQ(text(1), "< 0.01 %");
  EXPECT_EQ(text(375000), "12.5 %");
  EXPECT_EQ(text(2999999), "> 99.99 %");
  EXPECT_EQ(text(3000000), "100 %");
}

TEST_F(PredictFilesTest, LinesReadBackToTheScoresInOrder) {
  const std::string file = Write("day.tsv", SmallLog(2000, 1));
  const auto model = Open("one", TowerChoice::kBoth);
  const std::string text = Text(model.get(), {file});
  EXPECT_EQ(text.substr(0, text.find('\n')), "user\tstudent\tteacher");
  const auto logs = ScoreFiles({model->current().get()}, {file});
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_EQ(ScoresIn(text, 1, 2001, 1), (*logs)[0].student.probabilities());
  EXPECT_EQ(ScoresIn(text, 1, 2001, 2), (*logs)[0].teacher.probabilities());
}

TEST_F(PredictFilesTest, TheTextDoesNotDependOnTheThreads) {
  const std::string file = Write("day.tsv", SmallLog(5000, 1));
  EXPECT_EQ(Text(Open("one", TowerChoice::kStudent, 3).get(), {file}), Text(Open("one").get(), {file}));
}

TEST_F(PredictFilesTest, AMalformedRowKeepsItsPlaceWithItsKeysAndNoScore) {
  const std::string file = Write("day.tsv",
                                 "user\titem\ttags\tquery\tage\n"
                                 "ann\t4\t\t5\t30\n"
                                 "bob\t4\t\t5\told\n"
                                 "carl\t4\t\t5\t30\n");
  const auto model = Open("one");
  std::string text;
  const auto rows = PredictFiles(model.get(), {file}, [&](absl::string_view piece) {
    absl::StrAppend(&text, piece);
    return absl::OkStatus();
  });
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->rows, 3);
  EXPECT_EQ(rows->malformed, 1);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2], "bob\t");
  EXPECT_EQ(lines[3].substr(0, 5), "carl\t");
}

TEST_F(PredictFilesTest, AModelThatIsPublishedMeanwhileScoresFromTheNextFileOn) {
  const std::string file = Write("day.tsv", SmallLog(100, 1));
  ASSERT_TRUE(PointLink(FileSystem::Default(), Path("published"), "one").ok());
  const auto model = Open("published");
  std::string text;
  int pieces = 0;
  const auto rows = PredictFiles(model.get(), {file, file}, [&](absl::string_view piece) {
    absl::StrAppend(&text, piece);
    // While the first file is being scored.
    return ++pieces == 1 ? PointLink(FileSystem::Default(), Path("published"), "two") : absl::OkStatus();
  });
  ASSERT_TRUE(rows.ok()) << rows.status();
  // The header is the first piece: the link had moved before the first file was begun.
  EXPECT_EQ(ScoresIn(text, 1, 101), ScoresIn(Text(Open("two").get(), {file}), 1, 101));

  ASSERT_TRUE(PointLink(FileSystem::Default(), Path("published"), "one").ok());
  const auto again = Open("published");
  text.clear();
  pieces = 0;
  ASSERT_TRUE(PredictFiles(again.get(), {file, file}, [&](absl::string_view piece) {
                absl::StrAppend(&text, piece);
                return ++pieces == 2 ? PointLink(FileSystem::Default(), Path("published"), "two")
                                     : absl::OkStatus();
              }).ok());
  EXPECT_EQ(ScoresIn(text, 1, 101), ScoresIn(Text(Open("one").get(), {file}), 1, 101));
  EXPECT_EQ(ScoresIn(text, 101, 201), ScoresIn(Text(Open("two").get(), {file}), 1, 101));
}

TEST_F(PredictFilesTest, AModelOfOtherColumnsThatIsPublishedMeanwhileIsRefused) {
  WriteTrainedCheckpoint(SmallExperiment(kModel, "data { key_columns: 'item' }"), /*steps=*/1, Path("other"));
  const std::string file = Write("day.tsv", SmallLog(10, 1));
  ASSERT_TRUE(PointLink(FileSystem::Default(), Path("published"), "one").ok());
  const auto model = Open("published");
  const absl::Status status = PredictFiles(model.get(), {file}, [&](absl::string_view) {
                                return PointLink(FileSystem::Default(), Path("published"), "other");
                              }).status();
  EXPECT_EQ(ExitCode(status), kExitUsage) << status;
}

TEST_F(PredictFilesTest, WhatWritingSaysEndsIt) {
  const auto model = Open("one");
  const auto rows = PredictFiles(model.get(), {Write("day.tsv", SmallLog(10, 1))},
                                 [](absl::string_view) { return absl::UnknownError("no room"); });
  EXPECT_EQ(rows.status(), absl::UnknownError("no room"));
}

}  // namespace
}  // namespace tandem
