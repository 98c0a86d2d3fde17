// What a configuration's towers are said to hold, of every layer there is: a model's files that are smaller are
// refused, so that a layer that is counted too high makes models that can't be read.
#include "src/nn/model_floats.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/dual_model.h"
#include "tandem/export.h"
#include "tandem/predictor.h"
#include "tests/support/experiments.h"
#include "tests/support/interaction_configs.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

// SGD keeps no state, which would make the files larger than the weights are.
constexpr char kRest[] = R"(
  data { path: "unused" }
  embedding { dim: 16 optimizer { sgd {} } }
  train { optimizer { sgd {} } }
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  feature { name: "query" sparse {} }
  feature { name: "age" dense { transform: LOG1P } } )";
constexpr char kHistory[] =
    "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'item' } } ";

class ModelFloatsTest : public testing::TestWithParam<const char*> {
 protected:
  static proto::Experiment ExperimentWith(const std::string& rest) {
    const std::string tower = absl::StrCat("{ interaction { ", GetParam(), " } ", rest, " } ");
    return ExperimentOf(absl::StrCat(kRest, absl::StrContains(tower, "history") ? kHistory : "",
                                     "model { teacher ", tower, " student ", tower, " }"));
  }
};

INSTANTIATE_TEST_SUITE_P(Interactions, ModelFloatsTest, testing::ValuesIn(kInteractionConfigs));

TEST_P(ModelFloatsTest, WeightsAreAboutThoseOfTheLayersAndNeverMore) {
  for (const char* rest : {"", "mlp { hidden: 64 }", "mlp { hidden: 64 } combine: PARALLEL"}) {
    const proto::Experiment experiment = ExperimentWith(rest);
    const DualModel model(experiment, *FindKernels("auto").value(), /*trained=*/false);
    const auto check = [&](const char* tower, double weights, const ParameterLayout& layout) {
      const auto held = static_cast<double>(layout.trained());
      EXPECT_LE(weights, held) << tower << " with '" << rest << "'";
      EXPECT_GE(weights, 0.5 * held) << tower << " with '" << rest << "'";
    };
    check("teacher", TeacherFloats(experiment).weights, model.teacher().layout());
    check("student", StudentFloats(experiment).weights, model.student().layout());
  }
}

TEST_P(ModelFloatsTest, ACheckpointAndItsBundleLoad) {
  const ScratchDirectory scratch;
  const std::string checkpoint = scratch / "step-1", bundle = scratch / "bundle";
  WriteTrainedCheckpoint(ExperimentWith("mlp { hidden: 64 }"), /*steps=*/1, checkpoint);
  const auto both = Predictor::Load(checkpoint, {});
  EXPECT_TRUE(both.ok()) << both.status();
  ASSERT_TRUE(ExportBundle(FileSystem::Default(), checkpoint, bundle, {}).ok());
  PredictorOptions student;
  student.towers = TowerChoice::kStudent;
  const auto exported = Predictor::Load(bundle, student);
  EXPECT_TRUE(exported.ok()) << exported.status();
}

}  // namespace
}  // namespace tandem
