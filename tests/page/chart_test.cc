// Plots from their data.
#include "src/page/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ChartTest, APlotNamesItsAxesAndEverySeries) {
  Chart chart{"steps", "log loss", {}, {}};
  chart.series.push_back({"teacher", kTeacherColor, {{0, 0.7}, {100, 0.5}}});
  chart.series.push_back({"a < b", kStudentColor, {{0, 0.6}}, true, /*dots=*/true});
  const std::string svg = ChartSvg(chart);
  for (const char* text : {">steps<", ">log loss<", ">teacher<", ">a &lt; b<"})
    EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_THAT(svg, HasSubstr("<title>a &lt; b: 0, 0.6000</title>"));
}

TEST(ChartTest, WithoutAPointThereIsNoPlot) {
  EXPECT_EQ(ChartSvg({"x", "y", {{"empty", kTeacherColor, {}}}, {}}), "");
  EXPECT_EQ(BarsSvg({}), "");
}

TEST(ChartTest, OnePointIsAPlotWithoutInfinities) {
  const std::string svg = ChartSvg({"x", "y", {{"one", kTeacherColor, {{3, 0.5}}, true, true}}, {}});
  EXPECT_THAT(svg, HasSubstr("<circle"));
  EXPECT_THAT(svg, Not(testing::ContainsRegex("nan|inf")));
}

TEST(ChartTest, OfManyDaysSoManyAreNamedThatTheyDontTouch) {
  Chart chart{"day", "AUC", {{"student", kStudentColor, {}}}, {}};
  for (int day = 0; day < 60; ++day) {
    chart.series[0].points.emplace_back(day, 0.5);
    chart.x_ticks.emplace_back(day, "d" + std::to_string(100 + day));
  }
  const std::string svg = ChartSvg(chart);
  EXPECT_THAT(svg, HasSubstr(">d100<"));
  EXPECT_THAT(svg, Not(HasSubstr(">d101<")));
}

TEST(ChartTest, ABarBelowZeroGoesToTheLeftOfIt) {
  Bars bars{
      "AUC lost", {{"student", kStudentColor}}, {{"a", {Bars::Value{-0.1, 0.01}}}, {"b", {std::nullopt}}}};
  const std::string svg = BarsSvg(bars);
  EXPECT_THAT(svg, HasSubstr("a, student: -0.1000 ± 0.0100"));
  EXPECT_THAT(svg, Not(HasSubstr("width=\"-")));
}

}  // namespace
}  // namespace tandem
