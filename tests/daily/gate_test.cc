// What a new model must hold to be published.
#include "src/daily/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Metrics Of(double auc, double logloss, double copc, int64_t rows = 5000) {
  Metrics metrics;
  metrics.rows = rows;
  metrics.auc = auc;
  metrics.logloss = logloss;
  metrics.copc = copc;
  metrics.positives = 1000;
  return metrics;
}

GateFigures Good() {
  GateFigures figures;
  figures.candidate = Of(0.75, 0.58, 1.02);
  figures.in_place = Of(0.751, 0.581, 1.0);
  figures.newest_rows = 5000;
  figures.other_days_rows = 6000;
  return figures;
}

TEST(Gate, AModelAsGoodAsTheOneInPlacePasses) { EXPECT_THAT(GateReasons(proto::Gate(), Good()), IsEmpty()); }

TEST(Gate, EveryBoundHoldsAModelBackByItself) {
  GateFigures figures = Good();
  figures.candidate.auc = 0.7459;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("max_auc_loss")));
  figures = Good();
  figures.candidate.logloss = 0.62;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("max_logloss_growth")));
  figures = Good();
  figures.candidate.copc = 0.74;
  EXPECT_THAT(GateReasons(proto::Gate(), figures),
              ElementsAre("COPC 0.7400 (0.6947 to 0.7883, by 1000 clicks), less than min_copc 0.8"));
  figures.candidate.copc = 1.35;
  EXPECT_THAT(GateReasons(proto::Gate(), figures),
              ElementsAre("COPC 1.3500 (1.2673 to 1.4381, by 1000 clicks), more than max_copc 1.25"));
  figures = Good();
  figures.newest_rows = 999;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("the newest day has 999 rows")));
  figures = Good();
  figures.candidate.rows = 10;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("judged on 10 rows")));
  figures = Good();
  figures.other_days_rows = 51000;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("min_rows_share")));
  figures = Good();
  figures.newest_bad = 26;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("max_bad_fraction")));
  figures = Good();
  figures.in_place.reset();
  figures.candidate.auc = 0.49;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("min_auc")));
}

TEST(Gate, AFigureThatRestsOnFewClicksIsNoReason) {
  GateFigures figures = Good();
  figures.candidate.positives = 59;
  for (const double copc : {0.7, 1.4}) {
    figures.candidate.copc = copc;
    EXPECT_THAT(GateReasons(proto::Gate(), figures), IsEmpty()) << copc;
  }
  figures.candidate.copc = 0.4;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre(HasSubstr("by 59 clicks")));
  figures = Good();
  figures.candidate.auc = 0.74;
  figures.candidate.logloss = 0.62;
  figures.auc_loss_error = 0.004;
  figures.logloss_growth_error = 0.03;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), IsEmpty());
  figures.auc_loss_error = 0.002;
  figures.logloss_growth_error = 0.001;
  EXPECT_THAT(GateReasons(proto::Gate(), figures),
              ElementsAre(HasSubstr("max_auc_loss 0.005 (± 0.0040)"), HasSubstr("max_logloss_growth")));
  figures = Good();
  figures.in_place.reset();
  figures.candidate.auc = 0.47;
  figures.auc_error = 0.02;
  EXPECT_THAT(GateReasons(proto::Gate(), figures), IsEmpty());
}

TEST(Gate, AModelThatItsRunSpeaksAgainstDoesNotPass) {
  GateFigures figures = Good();
  figures.verdict = "the student has exploded";
  EXPECT_THAT(GateReasons(proto::Gate(), figures), ElementsAre("the student has exploded"));
}

TEST(Gate, AllReasonsAreGiven) {
  GateFigures figures = Good();
  figures.candidate = Of(0.5, 0.9, 2.0);
  EXPECT_EQ(GateReasons(proto::Gate(), figures).size(), 3u);
}

TEST(Gate, WhatIsUndefinedDoesNotPass) {
  GateFigures figures = Good();
  figures.candidate = Metrics();
  figures.candidate.rows = 5000;
  EXPECT_THAT(GateReasons(proto::Gate(), figures),
              ElementsAre(HasSubstr("COPC is undefined"), HasSubstr("AUC is undefined"),
                          HasSubstr("log loss is undefined")));
}

TEST(Gate, OneBoundOfCopcHoldsWithoutTheOther) {
  GateFigures figures = Good();
  proto::Gate gate;
  gate.set_max_copc(0);
  figures.candidate.copc = 2;
  EXPECT_THAT(GateReasons(gate, figures), IsEmpty());
  figures.candidate.copc = 0.7;
  EXPECT_THAT(GateReasons(gate, figures), ElementsAre(HasSubstr("min_copc")));
  gate = proto::Gate();
  gate.set_min_copc(0);
  EXPECT_THAT(GateReasons(gate, figures), IsEmpty());
  figures.candidate.copc = 2;
  EXPECT_THAT(GateReasons(gate, figures), ElementsAre(HasSubstr("max_copc")));
}

TEST(Gate, EveryBoundCanBeSwitchedOff) {
  proto::Gate gate;
  gate.set_max_auc_loss(0);
  gate.set_max_logloss_growth(0);
  gate.set_min_copc(0);
  gate.set_max_copc(0);
  gate.set_min_rows(0);
  gate.set_min_rows_share(0);
  gate.set_max_bad_fraction(0);
  gate.set_min_auc(0);
  GateFigures figures = Good();
  figures.candidate = Metrics();
  figures.newest_rows = 0;
  figures.newest_bad = 100;
  EXPECT_THAT(GateReasons(gate, figures), IsEmpty());
  figures.in_place.reset();
  EXPECT_THAT(GateReasons(gate, figures), IsEmpty());
}

}  // namespace
}  // namespace tandem
