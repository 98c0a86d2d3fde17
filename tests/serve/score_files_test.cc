// Labelled files to scores and metrics.
#include "tandem/score_files.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/evaluate_model.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

class ScoreFilesTest : public SampleFilesTest {
 protected:
  std::unique_ptr<Predictor> Model(int steps, const std::string& more = "",
                                   TowerChoice towers = TowerChoice::kBoth) const {
    const std::string path = Path(absl::StrCat("step-", steps, more.empty() ? "" : "-more"));
    if (!FileSystem::Default().Exists(path))
      WriteTrainedCheckpoint(SmallExperiment(kModel, more), steps, path);
    PredictorOptions options;
    options.towers = towers;
    return Predictor::Load(path, options).value();
  }
};

TEST_F(ScoreFilesTest, RowsComeInTheOrderOfTheFilesWhateverTheirNames) {
  const std::unique_ptr<Predictor> model = Model(3);
  const std::string first = Write("a,b.tsv", SmallLog(50, 1)), second = Write("c.tsv", SmallLog(30, 2));
  const auto one = ScoreFiles({model.get()}, {first}), two = ScoreFiles({model.get()}, {second}),
             both = ScoreFiles({model.get()}, {first, second});
  ASSERT_TRUE(one.ok() && two.ok() && both.ok()) << both.status();
  ScoreLog joined = (*one)[0].student;
  joined.Merge((*two)[0].student);
  EXPECT_EQ(joined.rows(), 80);
  EXPECT_EQ((*both)[0].student.Serialize(), joined.Serialize());
}

TEST_F(ScoreFilesTest, EachPredictorHasALogAndATowerThatIsNotLoadedHasNone) {
  const std::unique_ptr<Predictor> one = Model(3), two = Model(9, "", TowerChoice::kStudent);
  const std::string file = Write("day.tsv", SmallLog(50, 1));
  const auto together = ScoreFiles({one.get(), two.get()}, {file}), alone = ScoreFiles({two.get()}, {file});
  ASSERT_TRUE(together.ok() && alone.ok()) << together.status();
  EXPECT_EQ((*together)[0].teacher.rows(), 50);
  EXPECT_EQ((*together)[1].teacher.rows(), 0);
  EXPECT_EQ((*together)[1].student.Serialize(), (*alone)[0].student.Serialize());
  EXPECT_NE((*together)[0].student.Serialize(), (*alone)[0].student.Serialize());
}

TEST_F(ScoreFilesTest, SeenIsWhetherTheGroupHasARowInTheTable) {
  const std::unique_ptr<Predictor> model = Model(9), student = Model(9, "", TowerChoice::kStudent);
  // Training has seen the users 0 to 29.
  const std::string file = Write("day.tsv",
                                 "label\tuser\titem\ttags\tquery\tage\n"
                                 "1\t17\t4\t\t5\t30\n"
                                 "0\tnobody\t4\t\t5\t30\n");
  for (const Predictor* predictor : {model.get(), student.get()}) {
    const auto logs = ScoreFiles({predictor}, {file});
    ASSERT_TRUE(logs.ok()) << logs.status();
    EXPECT_EQ((*logs)[0].seen, (std::vector<bool>{true, false}));
  }
}

TEST_F(ScoreFilesTest, ACommitteesMemberIsEvaluatedWhereItIsAskedFor) {
  WriteTrainedCheckpoint(
      SmallExperiment("method: TEACHER_ALONE committee { member { copies: 2 tower { mlp { hidden: 4 } } } }"),
      3, Path("committee"));
  PredictorOptions options;
  options.members = true;
  const std::unique_ptr<Predictor> committee = Predictor::Load(Path("committee"), options).value();
  const std::string file = Write("day.tsv", SmallLog(50, 1));
  const ModelEvaluation whole = EvaluateModel(*committee, {file}).value();
  ASSERT_EQ(whole.members.size(), 2u);
  EXPECT_EQ(whole.teacher_name, "teacher");
  const ModelEvaluation mean = EvaluateModel(*committee, {file}, {/*committee=*/true, {}}).value();
  EXPECT_EQ(mean.teacher_name, "committee");
  EXPECT_EQ(EvaluationToJson(*mean.teacher), EvaluationToJson(*whole.teacher));
  const ModelEvaluation second = EvaluateModel(*committee, {file}, {true, 1}).value();
  EXPECT_EQ(second.teacher_name, "member 1");
  EXPECT_EQ(EvaluationToJson(*second.teacher), EvaluationToJson(whole.members[1]));
  EXPECT_NE(EvaluationToJson(*second.teacher), EvaluationToJson(*whole.teacher));

  const absl::Status none = EvaluateModel(*committee, {file}, {true, 2}).status();
  EXPECT_EQ(ExitCode(none), kExitUsage);
  EXPECT_TRUE(absl::StrContains(none.message(), "has 2 members, from 0 to 1, and no member 2")) << none;
  const absl::Status alone = EvaluateModel(*Model(3), {file}, {true, {}}).status();
  EXPECT_EQ(ExitCode(alone), kExitUsage);
  EXPECT_TRUE(absl::StrContains(alone.message(), "has one teacher, and no committee")) << alone;
}

TEST_F(ScoreFilesTest, MalformedAndUnlabelledRowsAreLeftOut) {
  const std::unique_ptr<Predictor> model = Model(3, "data { unlabelled: DROP max_bad_fraction: 0.5 }");
  const std::string file = Write("day.tsv",
                                 "label\tuser\titem\ttags\tquery\tage\n"
                                 "1\t1\t4\t\t5\t30\n"
                                 "\t2\t4\t\t5\t30\n"
                                 "0\t3\t4\t\t5\told\n"
                                 "0\t4\t4\t\t5\t30\n");
  const auto logs = ScoreFiles({model.get()}, {file});
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_EQ((*logs)[0].student.labels(), (std::vector<float>{1, 0}));
  EXPECT_EQ((*logs)[0].unlabelled, 1);
}

TEST_F(ScoreFilesTest, ANegativeWeighsForThoseThatWereSampledAway) {
  const std::unique_ptr<Predictor> model = Model(3, "data { negative_keep_rate: 0.25 }");
  const auto logs = ScoreFiles({model.get()}, {Write("day.tsv", SmallLog(50, 1))});
  ASSERT_TRUE(logs.ok()) << logs.status();
  const ScoreLog& log = (*logs)[0].student;
  for (int row = 0; row < 50; ++row) EXPECT_EQ(log.weights()[row], log.labels()[row] > 0 ? 1 : 4);
}

TEST_F(ScoreFilesTest, WhatIsLearnedAndWhatIsHeldOutAreAllRowsAndNoneTwice) {
  const std::unique_ptr<Predictor> model = Model(3);
  const std::string file = Write("day.tsv", SmallLog(400, 1));
  ScoreFilesOptions learned, held_out;
  learned.choice = {RowChoice::kLearned, 0.25};
  held_out.choice = {RowChoice::kHeldOut, 0.25};
  const auto all = ScoreFiles({model.get()}, {file}), most = ScoreFiles({model.get()}, {file}, learned),
             others = ScoreFiles({model.get()}, {file}, held_out);
  ASSERT_TRUE(all.ok() && most.ok() && others.ok()) << others.status();
  const auto scores = [](const absl::StatusOr<std::vector<TowerLogs>>& logs) -> const std::vector<float>& {
    return (*logs)[0].student.probabilities();
  };
  std::vector<float> both = scores(most);
  EXPECT_GT(both.size(), 200u);
  EXPECT_GT(scores(others).size(), 50u);
  both.insert(both.end(), scores(others).begin(), scores(others).end());
  std::vector<float> expected = scores(all);
  std::sort(both.begin(), both.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(both, expected);
}

TEST_F(ScoreFilesTest, OfFilesThatWereJudgedBeforeMalformedRowsAreNoError) {
  const std::unique_ptr<Predictor> model = Model(3);
  const std::string file = Write("day.tsv",
                                 "label\tuser\titem\ttags\tquery\tage\n"
                                 "1\t1\t4\t\t5\t30\n"
                                 "0\t3\t4\t\t5\told\n");
  EXPECT_EQ(ExitCode(ScoreFiles({model.get()}, {file}).status()), kExitData);
  ScoreFilesOptions options;
  options.judged = true;
  const auto logs = ScoreFiles({model.get()}, {file}, options);
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_EQ((*logs)[0].student.labels(), (std::vector<float>{1}));
}

TEST_F(ScoreFilesTest, NoRowIsADataErrorThatNamesTheFile) {
  const std::unique_ptr<Predictor> model = Model(3);
  const absl::Status status = ScoreFiles({model.get()}, {Write("empty.tsv", SmallLog(0, 1))}).status();
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_TRUE(absl::StrContains(status.message(), "empty.tsv: not one row to evaluate")) << status;
}

TEST_F(ScoreFilesTest, AnEvaluationIsTheMetricsOfTheLogs) {
  const std::unique_ptr<Predictor> model = Model(9), student = Model(9, "", TowerChoice::kStudent);
  const std::string file = Write("day.tsv", SmallLog(200, 1));
  const auto logs = ScoreFiles({model.get()}, {file});
  const auto evaluation = EvaluateModel(*model, {file}), of_student = EvaluateModel(*student, {file});
  ASSERT_TRUE(logs.ok() && evaluation.ok() && of_student.ok()) << evaluation.status();
  EXPECT_EQ(evaluation->rows, 200);
  EXPECT_EQ(evaluation->teacher->all.auc, ComputeMetrics((*logs)[0].teacher, true).auc);
  EXPECT_EQ(evaluation->student->all.gauc, ComputeMetrics((*logs)[0].student, true).gauc);
  EXPECT_FALSE(of_student->teacher.has_value());
  const auto json = nlohmann::json::parse(ModelEvaluationToJson(*evaluation));
  EXPECT_EQ(json.at("rows"), 200);
  EXPECT_EQ(json.at("student").at("auc").get<double>(), *evaluation->student->all.auc);
  EXPECT_FALSE(json.contains("unlabelled"));
  EXPECT_FALSE(nlohmann::json::parse(ModelEvaluationToJson(*of_student)).contains("teacher"));
}

TEST_F(ScoreFilesTest, ATextShowsTheFiguresAndLeavesOutTowersThatAreNotThere) {
  ModelEvaluation evaluation;
  evaluation.rows = 1234;
  evaluation.unlabelled = 5;
  evaluation.group_column = "user";
  Evaluation& student = evaluation.student.emplace();
  student.all.auc = 0.75;
  student.all.logloss = 0.5;
  student.all.normalized_entropy = 0.8;
  student.seen = student.unseen = student.all;
  student.seen->rows = 1000;
  student.calibration = {{617, 617, 0, 0.2, 0.1, 0.15}, {617, 617, 0.2, 1, 0.5, 0.35}};
  const std::string text = ModelEvaluationText(evaluation);
  for (const char* part : {"1,234 rows, 25 % of them clicks (label 1); 5 without a label, left out\n",
                           "the click rate alone has 0.6250", "1,000 rows whose user training has seen",
                           "\nauc                  0.7500  ", "\ngauc                      -  ",
                           "\n1              617              0.1000            0.1500\n"})
    EXPECT_TRUE(absl::StrContains(text, part)) << part << "\n" << text;
  EXPECT_FALSE(absl::StrContains(text, "teacher")) << text;
}

}  // namespace
}  // namespace tandem
