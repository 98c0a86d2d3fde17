// Which optimizer moves what, and what of its state another one can go on with.
#include "src/config/optimizers.h"

#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

proto::Experiment With(const std::vector<std::string>& overrides) {
  proto::Experiment experiment = Example();
  for (const std::string& text : overrides) EXPECT_TRUE(ApplyOverride(text, &experiment).ok()) << text;
  ResolveDefaults(&experiment);
  return experiment;
}

TEST(Optimizers, ATowersOwnTakesThePlaceOfThatOfAll) {
  const proto::Experiment experiment =
      With({"train.optimizer.sgd.lr=0.5", "model.student.optimizer.adam.lr=0.25"});
  EXPECT_EQ(OptimizerOf(experiment, experiment.model().teacher()).sgd().lr(), 0.5);
  EXPECT_EQ(OptimizerOf(experiment, experiment.model().student()).adam().lr(), 0.25);
}

TEST(Optimizers, MuonLeavesTheRestToItsAdam) {
  const proto::Experiment experiment = With({"train.optimizer.muon.adam.lr=0.25"});
  EXPECT_EQ(WithoutMuon(experiment.train().optimizer()).adam().lr(), 0.25);
  EXPECT_TRUE(WithoutMuon(experiment.embedding().optimizer()).has_adagrad());
}

TEST(Optimizers, MuonAndAdamGoOnFromEachOthersState) {
  const proto::Optimizer muon = With({"train.optimizer.muon="}).train().optimizer();
  const proto::Optimizer adam = With({"train.optimizer.adam="}).train().optimizer();
  const proto::Optimizer sgd = With({"train.optimizer.sgd="}).train().optimizer();
  EXPECT_TRUE(SharesState(muon, adam));
  EXPECT_TRUE(SharesState(adam, muon));
  EXPECT_TRUE(SharesState(sgd, sgd));
  EXPECT_FALSE(SharesState(muon, sgd));
}

TEST(Optimizers, AFactorIsOfEveryRate) {
  proto::Experiment experiment = With(
      {"embedding.optimizer.ftrl.lr=1", "train.optimizer.sgd.lr=2", "model.teacher.optimizer.adagrad.lr=4",
       "model.student.optimizer.muon.lr=8", "model.student.optimizer.muon.adam.lr=16"});
  ScaleRates(0.5, &experiment);
  EXPECT_EQ(experiment.embedding().optimizer().ftrl().lr(), 0.5);
  EXPECT_EQ(experiment.train().optimizer().sgd().lr(), 1);
  EXPECT_EQ(experiment.model().teacher().optimizer().adagrad().lr(), 2);
  EXPECT_EQ(experiment.model().student().optimizer().muon().lr(), 4);
  EXPECT_EQ(experiment.model().student().optimizer().muon().adam().lr(), 8);
}

TEST(Optimizers, EveryKindHasARateThatAFactorScales) {
  EXPECT_EQ(RateSettingOf({}).key, "");
  const google::protobuf::OneofDescriptor& kinds = *proto::Optimizer::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    const std::string kind = kinds.field(i)->name();
    proto::Optimizer optimizer = With({"train.optimizer." + kind + ".lr=0.5"}).train().optimizer();
    EXPECT_EQ(RateSettingOf(optimizer).key, kind + ".lr");
    EXPECT_EQ(RateSettingOf(optimizer).value, 0.5) << kind;
    ScaleRate(0.5, &optimizer);
    EXPECT_EQ(RateSettingOf(optimizer).value, 0.25) << kind;
  }
}

TEST(Optimizers, AFactorInventsNoOptimizer) {
  proto::Experiment experiment = With({});
  ScaleRates(0.5, &experiment);
  EXPECT_FALSE(experiment.model().teacher().has_optimizer());
  EXPECT_FALSE(experiment.model().student().has_optimizer());
}

}  // namespace
}  // namespace tandem
