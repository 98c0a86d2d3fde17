// What a tuning varies, and what it leaves alone.
#include "src/tune/search_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tests/support/experiments.h"
#include "tests/support/interaction_configs.h"

namespace tandem {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr char kModel[] = R"(
  teacher { interaction { fm {} } mlp { hidden: [16, 8] dropout: 0.1 } }
  student { mlp { hidden: 8 } }
  distill { phase { fraction: 2 } }
)";

const Dimension* Find(const SearchSpace& space, const std::string& key) {
  for (const Dimension& dimension : space.dimensions())
    if (dimension.key == key) return &dimension;
  return nullptr;
}

std::vector<std::string> KeysOf(const SearchSpace& space) {
  std::vector<std::string> keys;
  for (const Dimension& dimension : space.dimensions()) keys.push_back(dimension.key);
  return keys;
}

TEST(SearchSpaceTest, TheConfigurationsOwnIsOneOfTheChoices) {
  const SearchSpace space = SearchSpace::Around(SmallExperiment(kModel, "embedding { dim: 8 }"));
  const Dimension* dim = Find(space, "embedding.dim");
  ASSERT_NE(dim, nullptr);
  EXPECT_THAT(dim->values, ElementsAre("4", "8", "16"));
  EXPECT_EQ(dim->base, 1);
  const Dimension* rate = Find(space, "embedding.optimizer.adagrad.lr");
  ASSERT_NE(rate, nullptr);
  EXPECT_EQ(rate->values.front(), "0.0125");
  EXPECT_EQ(rate->values[rate->base], "0.05");
  EXPECT_EQ(rate->values.back(), "0.2");
  EXPECT_TRUE(space.SettingsOf(space.ChoicesOf({})).empty());
}

TEST(SearchSpaceTest, EveryChoiceMakesAValidConfiguration) {
  const proto::Experiment base = SmallExperiment(
      kModel, "embedding { dim: 8 l2: 1e-3 slow_copy { decay: 0.99 } } train { average_decay: 0.99 }");
  const SearchSpace space = SearchSpace::Around(base);
  EXPECT_GT(space.dimensions().size(), 15u);
  for (const Dimension& dimension : space.dimensions()) {
    for (int choice = 0; choice < static_cast<int>(dimension.values.size()); ++choice) {
      if (choice == dimension.base) continue;
      proto::Experiment changed = base;
      ASSERT_TRUE(ApplySettings({{dimension.key, dimension.values[choice]}}, &changed).ok());
      ResolveDefaults(&changed);
      EXPECT_TRUE(ValidateExperiment(changed).ok()) << dimension.key << " " << dimension.values[choice];
      EXPECT_NE(ConfigDifferences(base, changed, "a", "b"), "")
          << dimension.key << " " << dimension.values[choice] << " changes nothing";
    }
  }
}

TEST(SearchSpaceTest, WhatTheMethodDoesNotUseIsNotVaried) {
  const std::vector<std::string> alone =
      KeysOf(SearchSpace::Around(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }")));
  EXPECT_THAT(alone, Contains("model.student.mlp.hidden"));
  EXPECT_THAT(alone, Not(Contains(kTeachersKind)));
  EXPECT_THAT(alone, Not(Contains("model.distill.student_label_weight")));
  const std::vector<std::string> teacher = KeysOf(SearchSpace::Around(
      SmallExperiment("method: TEACHER_ALONE teacher { interaction { fm {} } mlp { hidden: 8 } }")));
  EXPECT_THAT(teacher, Contains(kTeachersKind));
  EXPECT_THAT(teacher, Not(Contains("model.student.mlp.hidden")));
}

TEST(SearchSpaceTest, BatchesKeepTheirSizeWhereAScheduleCountsSteps) {
  const SearchSpace space =
      SearchSpace::Around(SmallExperiment(kModel, "train { schedule { decay: COSINE decay_steps: 100 } }"));
  EXPECT_EQ(Find(space, "train.batch_size"), nullptr);
}

TEST(SearchSpaceTest, TheTeachersKindReplacesItsInteractionsButTransformers) {
  proto::Experiment experiment = SmallExperiment(kModel);
  experiment.mutable_model()->mutable_teacher()->add_interaction()->mutable_transformer();
  ASSERT_TRUE(ApplySettings({{kTeachersKind, "cin"}}, &experiment).ok());
  ASSERT_EQ(experiment.model().teacher().interaction_size(), 2);
  EXPECT_EQ(experiment.model().teacher().interaction(0).cin().layers_size(), 2);
  EXPECT_TRUE(experiment.model().teacher().interaction(1).has_transformer());
  ASSERT_TRUE(ApplySettings({{kTeachersKind, "none"}}, &experiment).ok());
  EXPECT_EQ(experiment.model().teacher().interaction_size(), 1);
}

TEST(SearchSpaceTest, EveryKindOfInteractionThatNeedsNoSequenceIsTried) {
  const SearchSpace space = SearchSpace::Around(SmallExperiment(kModel));
  const Dimension* kind = Find(space, kTeachersKind);
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->values.front(), "none");
  const auto& arms = *proto::Interaction::descriptor()->FindOneofByName("kind");
  ASSERT_GE(arms.field_count(), 4);
  for (int i = 0; i < arms.field_count(); ++i) {
    const std::string& name = arms.field(i)->name();
    const auto tried = std::count(kind->values.begin(), kind->values.end(), name);
    EXPECT_EQ(tried, name == "transformer" ? 0 : 1) << name;
  }
  for (const std::string& value : kind->values) {
    proto::Experiment changed = SmallExperiment(kModel);
    ASSERT_TRUE(ApplySettings({{kTeachersKind, value}}, &changed).ok());
    ASSERT_EQ(changed.model().teacher().interaction_size(), value == "none" ? 0 : 1);
    if (value != "cin") continue;
    EXPECT_THAT(changed.model().teacher().interaction(0).cin().layers(), ElementsAre(32, 32));
  }
}

TEST(SearchSpaceTest, WhateverTheTeachersKindItHasItsNameAndTheOthersAreTried) {
  for (const std::string layer : kInteractionConfigs) {
    if (absl::StartsWith(layer, "transformer")) continue;  // stays beside any kind
    const SearchSpace space = SearchSpace::Around(SmallExperiment(
        absl::StrCat("method: TEACHER_ALONE teacher { interaction { ", layer, " } mlp { hidden: 8 } }")));
    const Dimension* kind = Find(space, kTeachersKind);
    ASSERT_NE(kind, nullptr) << layer;
    EXPECT_EQ(kind->values[kind->base], layer.substr(0, layer.find(' ')));
    for (const char* other : {"none", "fm", "cin", "cross"})
      EXPECT_THAT(kind->values, Contains(other)) << "where the teacher has " << layer;
  }
}

TEST(SearchSpaceTest, EverySecondKnotStaysAndBothEnds) {
  proto::Experiment experiment;
  for (int knots : {7, 8}) {
    proto::Piecewise& piecewise = *experiment.add_feature()->mutable_dense()->mutable_piecewise();
    for (int i = 0; i < knots; ++i) piecewise.add_knots(i);
  }
  experiment.add_feature()->mutable_dense()->mutable_piecewise()->set_max_knots(24);
  ASSERT_TRUE(ApplySettings({{kKnots, "every second"}}, &experiment).ok());
  EXPECT_THAT(experiment.feature(0).dense().piecewise().knots(), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(experiment.feature(1).dense().piecewise().knots(), ElementsAre(0, 2, 4, 6, 7));
  EXPECT_EQ(experiment.feature(2).dense().piecewise().max_knots(), 12);
}

TEST(SearchSpaceTest, MembersOfAKindVaryTogether) {
  proto::Experiment experiment = SmallExperiment(
      "committee { member { copies: 3 tower { mlp { hidden: 8 hidden: 4 } } } member { tower { linear: true "
      "mlp { hidden: 6 } } } } student { mlp { hidden: 8 } } distill { switches { own_embedding: true } "
      "hint_weight: 0 }");
  const SearchSpace space = SearchSpace::Around(experiment);
  const std::string first = "model.committee.member[0].tower.mlp",
                    second = "model.committee.member[1].tower.mlp";
  for (const std::string& key : {first, second}) {
    EXPECT_THAT(KeysOf(space), Contains(key + ".hidden"));
    EXPECT_THAT(KeysOf(space), Contains(key + ".dropout"));
  }
  ASSERT_TRUE(ApplySettings({{first + ".hidden", "16,8"}, {second + ".dropout", "0.2"}}, &experiment).ok());
  const auto& members = experiment.model().committee().member();
  EXPECT_THAT(members[0].tower().mlp().hidden(), ElementsAre(16, 8));
  EXPECT_EQ(members[0].tower().mlp().dropout(), 0);
  EXPECT_EQ(members[0].copies(), 3);
  EXPECT_THAT(members[1].tower().mlp().hidden(), ElementsAre(6));
  EXPECT_EQ(members[1].tower().mlp().dropout(), 0.2);
  EXPECT_TRUE(experiment.model().has_student());
  EXPECT_FALSE(ApplySettings({{first + ".hiden", "16"}}, &experiment).ok());
}

TEST(SearchSpaceTest, SettingsAndChoicesAreTheSame) {
  const SearchSpace space = SearchSpace::Around(SmallExperiment(kModel, "embedding { dim: 8 }"));
  const Settings settings = {{"embedding.dim", "16"}, {"model.teacher.mlp.hidden", "8,4"}};
  EXPECT_EQ(space.SettingsOf(space.ChoicesOf(settings)), settings);
}

}  // namespace
}  // namespace tandem
