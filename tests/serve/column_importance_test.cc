// Permutation importance: what is found, what is chance, and that nothing else has a say.
#include "tandem/column_importance.h"

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/predictor.h"
#include "tandem/random.h"
#include "tandem/run.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

// Nine labels of ten are those that the item says; all else is noise.
std::string Log(int rows, uint64_t seed) {
  const Random random(seed, RandomPurpose::kSynthetic, {3});
  uint64_t counter = 0;
  const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
  std::string text = "label\tuser\titem\ttags\tquery\tage\n";
  for (int row = 0; row < rows; ++row) {
    const int item = draw(20);
    const int label = (item % 2 == 0) == (draw(10) > 0);
    absl::StrAppend(&text, label, "\t", draw(30), "\t", item, "\t", draw(5), "|", draw(5), "\t", draw(30),
                    "\t", 18 + draw(60), "\n");
  }
  return text;
}

class ColumnImportanceTest : public SampleFilesTest {
 protected:
  // Trained on such a log.
  std::unique_ptr<Predictor> Model(const std::string& more = "",
                                   const std::vector<std::string>& overrides = {}) const {
    if (!FileSystem::Default().Exists(Path("run"))) {
      RunOptions options;
      options.run_dir = Path("run");
      options.days = {{"", {Write("train.tsv", Log(3000, 1))}}};
      options.quiet = true;
      const auto run =
          TrainRun(SmallExperiment(
                       "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 } }",
                       absl::StrCat("train { epochs: 3 } ", more)),
                   options);
      EXPECT_TRUE(run.ok()) << run.status();
    }
    PredictorOptions options;
    options.data_overrides = overrides;
    return Predictor::Load(Path("run"), options).value();
  }
};

const ColumnImportance& Named(const ModelImportance& importance, const std::string& column) {
  for (const ColumnImportance& one : importance.columns) {
    if (one.column == column) return one;
  }
  ADD_FAILURE() << "no column " << column;
  return importance.columns[0];
}

TEST_F(ColumnImportanceTest, TheColumnThatCarriesTheLabelIsFirstAndNoiseIsWithinItsErrorBarOfZero) {
  const auto importance = MeasureImportance(*Model(), {Write("test.tsv", Log(3000, 2))}, {});
  ASSERT_TRUE(importance.ok()) << importance.status();
  ASSERT_EQ(importance->columns.size(), 5);
  EXPECT_EQ(importance->columns[0].column, "item");
  EXPECT_EQ(importance->columns[0].features, std::vector<std::string>{"item"});
  const ColumnImportance& noise = Named(*importance, "query");
  for (const auto tower : {&ColumnImportance::teacher, &ColumnImportance::student}) {
    const TowerImportance& item = *(importance->columns[0].*tower);
    // Nothing else is known of the label, so all of it goes.
    const auto& whole = tower == &ColumnImportance::teacher ? importance->teacher : importance->student;
    EXPECT_GT(*whole->auc, 0.85);
    EXPECT_NEAR(item.auc->mean, *whole->auc - 0.5, 0.03);
    EXPECT_GT(item.logloss->mean, 0.2);
    EXPECT_FALSE(item.auc->may_be_chance());
    EXPECT_LE(std::abs((noise.*tower)->auc->mean), (noise.*tower)->auc->error);
    EXPECT_LE(std::abs((noise.*tower)->logloss->mean), (noise.*tower)->logloss->error);
    EXPECT_LT((noise.*tower)->auc->error, 0.02);
  }
}

TEST_F(ColumnImportanceTest, AnErrorBarHoldsTheZeroOfNoiseInNineteenLogsOfTwenty) {
  const std::unique_ptr<Predictor> model = Model();
  int held = 0, bars = 0;
  for (uint64_t seed = 10; seed < 60; ++seed) {
    const auto importance = MeasureImportance(*model, {Write("test.tsv", Log(300, seed))}, {});
    ASSERT_TRUE(importance.ok()) << importance.status();
    for (const char* column : {"user", "query", "tags", "age"}) {
      const MeanLoss& loss = *Named(*importance, column).student->auc;
      held += std::abs(loss.mean) <= loss.error;
      ++bars;
    }
  }
  // 190 of 200 but for chance, whose deviation is 3; the bars of one log hang together a little.
  EXPECT_NEAR(held, 0.95 * bars, 12);
}

TEST_F(ColumnImportanceTest, TheNumberOfThreadsChangesNothing) {
  const std::string file = Write("test.tsv", Log(3000, 2));
  ImportanceOptions options;
  options.repeats = 3;
  std::vector<std::string> found;
  for (const char* threads : {"runtime.threads=1", "runtime.threads=3"})
    found.push_back(ModelImportanceJson(MeasureImportance(*Model("", {threads}), {file}, options).value()));
  EXPECT_EQ(found[0], found[1]);
  options.seed = 2;
  EXPECT_NE(ModelImportanceJson(MeasureImportance(*Model(), {file}, options).value()), found[0]);
}

TEST_F(ColumnImportanceTest, AllThatIsReadOfAColumnGoesTogether) {
  const std::unique_ptr<Predictor> model = Model(R"(
      feature { name: "user" sparse {} }
      feature { name: "item" sparse {} }
      feature { name: "item_again" column: "item" sparse {} }
      feature { name: "tags" sparse { multi_valued: true } }
      feature { name: "query" sparse {} }
      feature { name: "age" dense { transform: LOG1P } })");
  const auto importance = MeasureImportance(*model, {Write("test.tsv", Log(1000, 2))}, {});
  ASSERT_TRUE(importance.ok()) << importance.status();
  ASSERT_EQ(importance->columns.size(), 5);
  const ColumnImportance& item = importance->columns[0];
  EXPECT_EQ(item.features, (std::vector<std::string>{"item", "item_again"}));
  EXPECT_GT(item.student->auc->mean, 0.3);
  EXPECT_TRUE(absl::StrContains(ModelImportanceText(*importance), "\nitem (item, item_again)  "));
}

TEST_F(ColumnImportanceTest, OfALongLogSoManyRowsAreHeld) {
  const std::string file = Write("test.tsv", Log(1000, 2));
  ImportanceOptions options;
  options.max_rows = 200;
  const auto importance = MeasureImportance(*Model(), {file}, options);
  ASSERT_TRUE(importance.ok()) << importance.status();
  EXPECT_EQ(importance->rows, 200);
  EXPECT_EQ(importance->rows_read, 1000);
  EXPECT_EQ(importance->student->rows, 200);
  EXPECT_TRUE(absl::StrContains(ModelImportanceText(*importance), "200 rows of 1,000, drawn at random"));
}

TEST_F(ColumnImportanceTest, WhereNoMetricIsDefinedNothingIsSaid) {
  const auto importance = MeasureImportance(
      *Model(),
      {Write("clicks.tsv", "label\tuser\titem\ttags\tquery\tage\n1\t1\t2\t\t5\t30\n1\t2\t3\t\t5\t30\n")}, {});
  ASSERT_TRUE(importance.ok()) << importance.status();
  EXPECT_FALSE(importance->columns[0].student->auc.has_value());
  EXPECT_TRUE(importance->columns[0].student->logloss.has_value());
  EXPECT_TRUE(nlohmann::json::parse(ModelImportanceJson(*importance))
                  .at("columns")[0]
                  .at("student")
                  .at("auc_lost")
                  .is_null());
}

TEST_F(ColumnImportanceTest, TooFewPermutationsForAnErrorBarAreRefused) {
  ImportanceOptions options;
  options.repeats = 1;
  const absl::Status status = MeasureImportance(*Model(), {Write("test.tsv", Log(10, 2))}, options).status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_TRUE(absl::StrContains(status.message(), "repeats is 1: at least 2")) << status;
}

}  // namespace
}  // namespace tandem
