// The page of a report: its verdict, and that it holds what it should for every kind of model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "src/report/report_data.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 } }";

Evaluation EvaluationOf(double auc, double entropy, double copc) {
  Evaluation evaluation;
  evaluation.all.rows = 1000;
  evaluation.all.auc = auc;
  evaluation.all.logloss = 0.6 * entropy;
  evaluation.all.normalized_entropy = entropy;
  evaluation.all.copc = copc;
  evaluation.calibration = {{500, 500, 0, 0.2, 0.1, 0.12}, {500, 500, 0.2, 1, 0.5, 0.48}};
  return evaluation;
}

// Judged on two days: item is worth something, hour nothing.
ReportData Example(double entropy = 0.85, double copc = 1.01) {
  ReportData data;
  data.model = "run<1>";
  data.date = "2026-11-30";
  data.experiment = SmallExperiment(kModel, "model { distill { replay { steps: 3 } } }");
  data.description.student.emplace().dense_parameters = 1234;
  data.days = {"2026-01-01", "2026-01-02"};
  data.rows_read = 2000;
  data.history.emplace().days = {{"2026-01-01", 5, 1000, 2, 250.0, {}, {0.6, 0.5, 0.95}}};
  JudgedRows& judged = data.judged.emplace();
  judged.files = {"2026-01-03.tsv", "2026-01-04.tsv"};
  judged.evaluation.rows = 1000;
  judged.evaluation.group_column = "user";
  judged.evaluation.student = EvaluationOf(0.75, entropy, copc);
  judged.evaluation.teacher = EvaluationOf(0.76, entropy, copc);
  judged.student.emplace().clicks[3] = 1;
  judged.days = {{"2026-01-03", judged.evaluation}, {"2026-01-04", judged.evaluation}};
  const auto column = [](const char* name, double mean) {
    const TowerImportance tower{MeanLoss{mean, 0.01}, MeanLoss{mean, 0.01}};
    return ColumnImportance{name, {name}, tower, tower};
  };
  judged.importance.columns = {column("item", 0.1), column("hour", 0.001)};
  judged.importance.rows = 1000;
  judged.importance.teacher = judged.evaluation.teacher->all;
  judged.importance.student = judged.evaluation.student->all;
  return data;
}

TEST(ReportPage, AGoodModelIsSaidToBeOneInWords) {
  const Verdict verdict = VerdictOn(Example());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kGood);
  const std::string all = testing::PrintToString(verdict.sentences);
  EXPECT_THAT(all, HasSubstr("in 75.0 of 100 pairs (AUC 0.7500); the teacher's is 0.7600, 0.0100 more."));
  EXPECT_THAT(all, HasSubstr("log loss is 0.5100, 15.0 % below the 0.6000"));
  EXPECT_THAT(all, HasSubstr("It leans most on item. 1 of 2 columns make no difference"));
}

TEST(ReportPage, AModelNoBetterThanTheClickRateIsNotToBeServed) {
  const Verdict verdict = VerdictOn(Example(/*entropy=*/1.02));
  EXPECT_EQ(verdict.kind, Verdict::Kind::kBad);
  EXPECT_THAT(testing::PrintToString(verdict.sentences), HasSubstr("Don't serve it."));
}

TEST(ReportPage, AModelThatPredictsTooManyClicksIsNoPlainGood) {
  const Verdict verdict = VerdictOn(Example(0.85, /*copc=*/0.8));
  EXPECT_EQ(verdict.kind, Verdict::Kind::kOpen);
  EXPECT_THAT(testing::PrintToString(verdict.sentences),
              HasSubstr("too many clicks: for 100 predicted there are 80"));
}

TEST(ReportPage, WithoutJudgedRowsThePageSaysWhatIsMissing) {
  ReportData data = Example();
  data.judged.reset();
  const std::string page = ReportHtml(data);
  EXPECT_THAT(page, HasSubstr("Not asked: metrics, calibration"));
  EXPECT_THAT(page, HasSubstr("The student's log loss is 0.5000, 5.0 % below"));
}

TEST(ReportPage, ThePageNeedsNothingFromElsewhereAndEscapesItsTexts) {
  const std::string page = ReportHtml(Example());
  EXPECT_THAT(page, HasSubstr("What did run&lt;1&gt; learn?"));
  EXPECT_THAT(page, HasSubstr("Made on 2026-11-30"));
  EXPECT_THAT(page, HasSubstr("25.00 %"));  // clicks of the day
  EXPECT_THAT(page, HasSubstr("Replay: 3 student steps a batch"));
  for (const char* elsewhere : {"http", "src=", "href=", "<script", "@import", "nan"})
    EXPECT_THAT(page, Not(HasSubstr(elsewhere)));
  EXPECT_EQ(page, ReportHtml(Example()));
}

TEST(ReportPage, EveryLogitLossIsSaidInWordsOfItsOwn) {
  const google::protobuf::EnumDescriptor& losses = *proto::Distill::LogitLoss_descriptor();
  std::set<std::string> said;
  for (int i = 0; i < losses.value_count(); ++i) {
    const std::string loss = losses.value(i)->name();
    const std::vector<std::string> words =
        WhatWasLearned(SmallExperiment(kModel, absl::StrCat("model { distill { logit_loss: ", loss, " } }")));
    EXPECT_TRUE(said.insert(absl::StrJoin(words, " ")).second) << loss;
  }
}

}  // namespace
}  // namespace tandem
