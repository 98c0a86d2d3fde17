// The first look at the window: knots that the configuration leaves to it, and whether anything is held out.
#include "src/train/first_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FirstLookTest : public SampleFilesTest {
 protected:
  static proto::Experiment ExperimentWith(const std::string& age, const std::string& more = "") {
    return ExperimentOf(
        absl::StrCat("data { path: '{date}' key_columns: 'user' max_bad_fraction: 1 } ",
                     "feature { name: 'user' sparse {} } feature { name: 'age' dense { ", age,
                     " } } model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } } ", more));
  }
  // A day of these cells of `age`, each with a user of its own.
  Day DayOf(const std::string& date, const std::vector<std::string>& ages) const {
    std::string text = "label\tuser\tage\n";
    for (size_t i = 0; i < ages.size(); ++i)
      absl::StrAppend(&text, i % 2, "\t", date, "u", i, "\t", ages[i], "\n");
    return {date, {Write(date, text)}};
  }
  RunOptions OptionsOf(const std::vector<Day>& days) const {
    RunOptions options;
    options.run_dir = Path("run");
    options.days = days;
    return options;
  }
  static std::vector<double> KnotsOf(const proto::Experiment& experiment) {
    const auto& knots = experiment.feature(1).dense().piecewise().knots();
    return {knots.begin(), knots.end()};
  }
};

TEST_F(FirstLookTest, KnotsAreQuantilesOfAllDaysGoodRows) {
  const std::vector<Day> days = {DayOf("2026-02-01", {"1", "2", "", "old"}),
                                 DayOf("2026-02-02", {"40", "3"})};
  proto::Experiment experiment = ExperimentWith("piecewise { max_knots: 10 }");
  ASSERT_TRUE(FindKnots(OptionsOf(days), &experiment).ok());
  EXPECT_THAT(KnotsOf(experiment), ElementsAre(1, 2, 3, 40)) << "all the values where they are few";
}

TEST_F(FirstLookTest, KnotsThatAreGivenStayAndOtherNumbersGetNone) {
  const std::vector<Day> days = {DayOf("2026-02-01", {"1", "2", "3"})};
  proto::Experiment given = ExperimentWith("piecewise { knots: [7, 8] }");
  ASSERT_TRUE(FindKnots(OptionsOf(days), &given).ok());
  EXPECT_THAT(KnotsOf(given), ElementsAre(7, 8));
  proto::Experiment plain = ExperimentWith("transform: LOG1P");
  // Nothing is asked of the log: it isn't even opened.
  ASSERT_TRUE(FindKnots(OptionsOf({{"", {Path("not there")}}}), &plain).ok());
  EXPECT_FALSE(plain.feature(1).dense().has_piecewise());
}

TEST_F(FirstLookTest, ThreadsChangeNoKnot) {
  std::vector<std::string> ages;
  for (int i = 0; i < 40000; ++i) ages.push_back(absl::StrCat(i * 7919 % 40009));
  const std::vector<Day> days = {DayOf("2026-02-01", ages)};
  std::vector<double> first;
  for (const int threads : {1, 3}) {
    proto::Experiment experiment =
        ExperimentWith("piecewise { max_knots: 12 }", absl::StrCat("runtime { threads: ", threads, " }"));
    ASSERT_TRUE(FindKnots(OptionsOf(days), &experiment).ok());
    EXPECT_EQ(KnotsOf(experiment).size(), 12u);
    if (threads == 1) first = KnotsOf(experiment);
    EXPECT_EQ(KnotsOf(experiment), first);
  }
}

TEST_F(FirstLookTest, RowsThatWillBeHeldOutGiveNoKnot) {
  const std::vector<Day> days = {DayOf("2026-02-01", {"1", "2"}), DayOf("2026-02-02", {"77", "78"})};
  proto::Experiment experiment = ExperimentWith("piecewise {}", "train { validation { days: 1 } epochs: 3 }");
  ASSERT_TRUE(FindKnots(OptionsOf(days), &experiment).ok());
  EXPECT_THAT(KnotsOf(experiment), ElementsAre(1, 2));
}

TEST_F(FirstLookTest, AColumnWithoutANumberIsNamedAndAnEmptyLogIsLeftToTheRun) {
  proto::Experiment experiment = ExperimentWith("piecewise {}");
  const absl::Status none = FindKnots(OptionsOf({DayOf("2026-02-01", {"", ""})}), &experiment);
  EXPECT_EQ(ExitCode(none), kExitData);
  EXPECT_THAT(
      std::string(none.message()),
      HasSubstr("feature[age].dense.piecewise.knots: not set, and column 'age' holds no number in the 2"));
  EXPECT_TRUE(FindKnots(OptionsOf({DayOf("2026-02-02", {})}), &experiment).ok());
  EXPECT_THAT(KnotsOf(experiment), IsEmpty());
}

TEST_F(FirstLookTest, ARunThatIsResumedKeepsTheKnotsThatItBeganWith) {
  proto::Experiment before = ExperimentWith("piecewise { knots: [5, 6] }");
  Write("run/config.pbtxt", before.DebugString());
  RunOptions options = OptionsOf({DayOf("2026-02-01", {"1", "2"})});
  options.resume = true;
  proto::Experiment experiment = ExperimentWith("piecewise {}");
  const absl::Status found = FindKnots(options, &experiment);
  ASSERT_TRUE(found.ok()) << found;
  EXPECT_THAT(KnotsOf(experiment), ElementsAre(5, 6));
}

TEST_F(FirstLookTest, AShareThatHoldsOutNothingIsAnError) {
  std::vector<std::string> ages(300, "1");
  const proto::Experiment experiment = ExperimentWith("");
  const Schema schema(experiment);
  const auto check = [&](const std::vector<Day>& days, double share) {
    return CheckHeldOut(FileSystem::Default(), experiment, schema,
                        HeldOutLog{days, {RowChoice::kLearned, share}});
  };
  EXPECT_TRUE(check({DayOf("2026-02-01", ages)}, 0.2).ok());
  const absl::Status none = check({DayOf("2026-02-02", {"1", "2"})}, 1e-9);
  EXPECT_EQ(ExitCode(none), kExitData);
  EXPECT_THAT(std::string(none.message()), HasSubstr("holds out not one of the 2 rows"));
  EXPECT_TRUE(check({DayOf("2026-02-03", {})}, 1e-9).ok()) << "of an empty log the run says what is wrong";
}

}  // namespace
}  // namespace tandem
