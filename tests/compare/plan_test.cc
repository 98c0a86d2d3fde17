// The rows of a comparison: which there are, what differs, and what is refused.
#include "src/compare/plan.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

constexpr char kExperiment[] = R"(
  data { path: "log.tsv" group_column: "user" }
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  embedding { dim: 4 }
  model { teacher { mlp { hidden: 12 } } student { mlp { hidden: 8 } } }
)";

class PlanTest : public SampleFilesTest {
 protected:
  PlanTest() { options_.config_files = {Write("experiment.pbtxt", kExperiment)}; }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const auto rows = PlanRows(options_);
    EXPECT_TRUE(rows.ok()) << rows.status();
    if (rows.ok()) {
      for (const PlannedRow& row : *rows) names.push_back(row.row.name);
    }
    return names;
  }
  void ExpectRefused(const std::string& says) const {
    const absl::Status status = PlanRows(options_).status();
    EXPECT_EQ(ExitCode(status), kExitUsage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "--"))
        << "a library's message names no flag: " << status;
  }

  CompareOptions options_;
};

TEST_F(PlanTest, TheTeacherAndTheStudentAloneAreAlwaysThere) {
  EXPECT_EQ(Names(), (std::vector<std::string>{"TEACHER_ALONE", "STUDENT_ALONE", "CO_TRAIN"}));
  options_.methods = {"STUDENT_ALONE", "TWO_STAGE_FULL", "TWO_STAGE_FULL"};
  EXPECT_EQ(Names(), (std::vector<std::string>{"TEACHER_ALONE", "STUDENT_ALONE", "TWO_STAGE_FULL"}));
}

TEST_F(PlanTest, EachRowIsMeasuredByTheStudentAloneOfItsWidth) {
  options_.frontier = {"8", "4-2"};
  const auto rows = PlanRows(options_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::vector<std::string> names;
  for (const PlannedRow& row : *rows) names.push_back(row.row.name);
  // Width 8 is that of the rows that are there.
  EXPECT_EQ(names, (std::vector<std::string>{"TEACHER_ALONE", "STUDENT_ALONE", "CO_TRAIN",
                                             "STUDENT_ALONE_4-2", "CO_TRAIN_4-2"}));
  EXPECT_EQ((*rows)[2].row.alone, 1);
  EXPECT_EQ((*rows)[2].row.width, "8");
  EXPECT_EQ((*rows)[4].row.alone, 3);
  EXPECT_TRUE((*rows)[3].row.frontier_alone);
  EXPECT_EQ((*rows)[4].experiment.model().student().mlp().hidden_size(), 2);
}

TEST_F(PlanTest, AVariantChangesTheFirstMethodAndSaysWhatIsChanged) {
  options_.methods = {"ROCKET_LAUNCHING"};
  options_.variants = {{"slow", {"model.distill.lr_multiplier=0.5"}},
                       {"other", {"model.method=CO_TRAIN", "model.teacher.mlp.hidden=6"}}};
  const auto rows = PlanRows(options_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  const CompareRow &slow = (*rows)[3].row, &other = (*rows)[4].row;
  EXPECT_EQ(slow.method, "ROCKET_LAUNCHING");
  EXPECT_EQ(slow.changes, (std::vector<std::string>{"model.distill.lr_multiplier=0.5"}));
  EXPECT_EQ(other.method, "CO_TRAIN");
  EXPECT_FALSE(slow.other_teacher);
  EXPECT_TRUE(other.other_teacher);
}

TEST_F(PlanTest, TheStudentAloneHasItsOwnTuning) {
  options_.student_alone_config = {Write("alone.pbtxt", "train { optimizer { adam { lr: 0.25 } } }")};
  const auto rows = PlanRows(options_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[1].experiment.train().optimizer().adam().lr(), 0.25);
  EXPECT_NE((*rows)[2].experiment.train().optimizer().adam().lr(), 0.25);
}

TEST_F(PlanTest, ASettingThatUndoesTheStudentsOwnTuningIsRefused) {
  options_.student_alone_config = {
      Write("tuned.pbtxt", "train { epochs: 3 optimizer { adam { lr: 0.02 } } } clear: 'train.schedule'")};
  for (const char* text : {"train.epochs=2", "train.optimizer.adam.lr=0.1", "train.optimizer.sgd.lr=0.1",
                           "train.schedule.warmup_steps=3"}) {
    options_.overrides = {text};
    ExpectRefused(absl::StrCat("'", text, "': undoes what student_alone_config says"));
  }
  options_.overrides = {"train.epochs=3", "train.batch_size=64", "embedding.dim=2"};
  EXPECT_TRUE(PlanRows(options_).ok()) << PlanRows(options_).status();
}

TEST_F(PlanTest, AVariantIsANameAndItsChanges) {
  const auto variant = ParseVariant("slow: train.epochs=2 ;;slow.pbtxt");
  ASSERT_TRUE(variant.ok()) << variant.status();
  EXPECT_EQ(variant->name, "slow");
  EXPECT_EQ(variant->changes, (std::vector<std::string>{"train.epochs=2", "slow.pbtxt"}));
  const absl::Status status = ParseVariant("train.epochs=2").status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_TRUE(absl::StrContains(status.message(), "'train.epochs=2': not NAME:")) << status;
}

TEST_F(PlanTest, WhatCanNotBeComparedIsRefusedByName) {
  const CompareOptions good = options_;
  options_.methods = {"COTRAIN"};
  ExpectRefused("did you mean 'CO_TRAIN'");
  options_ = good;
  options_.variants = {{"a/b", {"train.epochs=2"}}};
  ExpectRefused("'a/b' is no name");
  options_.variants = {{"same", {"train.epochs=1"}}};
  ExpectRefused("the same configuration as row CO_TRAIN");
  options_.variants = {{"CO_TRAIN", {"train.epochs=2"}}};
  ExpectRefused("there is a row CO_TRAIN already");
  options_.variants = {{"window", {"train.window_days=2"}}};
  ExpectRefused("measured alike");
  options_.variants = {{"odd", {"train.batch_size=0"}}};
  ExpectRefused("row odd: ");
  options_.variants = {{"twice", {"train.epochs=2", "train.epochs=3"}}};
  ExpectRefused("variant twice: 'train.epochs' is given twice");
  options_ = good;
  options_.frontier = {"8x4"};
  ExpectRefused("frontier: '8x4'");
  options_ = good;
  options_.overrides = {"train.seed=3"};
  ExpectRefused("seeds and methods say that");
}

}  // namespace
}  // namespace tandem
