// What is told of a model: sizes, fields, origin, times, precision.
#include "tandem/model_description.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "src/serve/tower_times.h"
#include "tandem/export.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } "
    "}";

class ModelDescriptionTest : public testing::Test {
 protected:
  ModelDescriptionTest() { WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/5, checkpoint_); }

  FileSystem& fs_ = FileSystem::Default();
  ScratchDirectory scratch_;
  const std::string checkpoint_ = scratch_ / "step-5";
};

TEST_F(ModelDescriptionTest, ACheckpointIsDescribedByWhatItHolds) {
  const auto model = DescribeModel(fs_, checkpoint_, {});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE(model->bundle);
  EXPECT_EQ(model->method, "CO_TRAIN");
  EXPECT_EQ(model->embedding_dim, 4);
  EXPECT_EQ(model->fields.size(), 5u);
  ASSERT_EQ(model->tables.size(), 4u);  // user, item, word of two fields, age
  ASSERT_TRUE(model->student.has_value() && model->teacher.has_value());
  // 5 fields of 4 floats, layers of 8 and 4, the read-out: weights and biases.
  EXPECT_EQ(model->student->dense_parameters, (20 * 8 + 8) + (8 * 4 + 4) + (4 + 1));
  int64_t rows = 0;
  for (const TableDescription& table : model->tables) rows += table.rows;
  EXPECT_EQ(model->student->embedding_rows, rows);
  EXPECT_EQ(model->student->embedding_bytes, rows * 4 * 4);
  EXPECT_EQ(model->teacher->embedding_bytes, rows * 5 * 4);
  EXPECT_FALSE(model->student->microseconds_per_sample.has_value());
}

TEST_F(ModelDescriptionTest, ABundleIsTheStudentOfItsCheckpoint) {
  ASSERT_TRUE(ExportBundle(fs_, checkpoint_, scratch_ / "bundle", {}).ok());
  const auto checkpoint = DescribeModel(fs_, checkpoint_, {}),
             bundle = DescribeModel(fs_, scratch_ / "bundle", {});
  ASSERT_TRUE(checkpoint.ok() && bundle.ok()) << bundle.status();
  EXPECT_TRUE(bundle->bundle);
  EXPECT_EQ(bundle->origin.model_id, checkpoint->origin.model_id);
  EXPECT_FALSE(bundle->teacher.has_value());
  EXPECT_EQ(bundle->student->dense_parameters, checkpoint->student->dense_parameters);
  EXPECT_EQ(bundle->student->embedding_rows, checkpoint->student->embedding_rows);
}

TEST_F(ModelDescriptionTest, TextAndJsonSayTheSame) {
  DescribeOptions options;
  options.times = true;
  const auto model = DescribeModel(fs_, checkpoint_, options);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_GT(model->student->microseconds_per_sample.value_or(0), 0);
  EXPECT_GT(model->teacher->microseconds_per_sample.value_or(0), 0);
  const auto json = nlohmann::json::parse(ModelDescriptionJson(*model));
  EXPECT_EQ(json.at("kind"), "checkpoint");
  EXPECT_EQ(json.at("model_id"), model->origin.model_id);
  EXPECT_EQ(json.at("fields").at(2).at("table"), "word");
  EXPECT_EQ(json.at("teacher").at("flops_per_sample"), model->teacher->flops_per_sample);
  EXPECT_EQ(json.at("student").at("parameters").at("mlp/0/weight"), (std::vector<int>{20, 8}));
  EXPECT_GT(json.at("student").at("microseconds_per_sample").get<double>(), 0);
  EXPECT_FALSE(json.contains("base_id"));
  const std::string text = ModelDescriptionText(*model);
  for (const std::string& said : {std::string("method CO_TRAIN, 5 fields of 4 values in f32"),
                                  model->directory, model->origin.model_id, std::string("us/sample")})
    EXPECT_TRUE(absl::StrContains(text, said)) << text;
}

TEST_F(ModelDescriptionTest, TimesAreThoseOfTheTowersThatAreThere) {
  ASSERT_TRUE(ExportBundle(fs_, checkpoint_, scratch_ / "bundle", {}).ok());
  const auto times = MeasureTowers(fs_, scratch_ / "bundle", /*kernels=*/nullptr);
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_FALSE(times->teacher.has_value());
  EXPECT_GT(times->student.value_or(0), 0);
}

TEST_F(ModelDescriptionTest, WhatIsNoModelIsAModelError) {
  EXPECT_EQ(ExitCode(DescribeModel(fs_, scratch_ / "nowhere", {}).status()), kExitModel);
  ASSERT_TRUE(fs_.RemoveAll(checkpoint_ + "/student.bin").ok());
  EXPECT_EQ(ExitCode(DescribeModel(fs_, checkpoint_, {}).status()), kExitModel);
}

TEST(PrecisionTable, ShowsBothAndTheChange) {
  PrecisionReport report;
  report.precision = Precision::kInt8;
  report.f32.rows = 12345;
  report.f32.auc = 0.75;
  report.served.auc = 0.7495;
  report.f32.logloss = 0.5;
  report.served.logloss = 0.5005;
  EXPECT_EQ(PrecisionTable(report),
            "12345 rows           auc   logloss      copc\n"
            "f32             0.750000  0.500000       nan\n"
            "int8            0.749500  0.500500       nan\n"
            "change         -0.000500 +0.000500      +nan\n");
}

}  // namespace
}  // namespace tandem
