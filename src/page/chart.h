// Whole plots from their data: frame, axes with their units, legend, marks that say their values when pointed
// at.
//
//   Chart chart{"steps", "log loss of a batch"};
//   chart.series.push_back({"student", kStudentColor, {{100, 0.61}, {200, 0.58}}});
//   page.Figures({{"Learning", ChartSvg(chart)}});
//
// Narrow enough for a telephone as they are: 440 pixels; where the page is wider, plots stand side by side.
#ifndef TANDEM_SRC_PAGE_CHART_H_
#define TANDEM_SRC_PAGE_CHART_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/page/svg.h"

namespace tandem {

struct Series {
  std::string name;
  std::string color;
  std::vector<std::pair<double, double>> points = {};
  bool line = true;
  bool dots = false;
  bool dashed = false;
  Mark mark = Mark::kFilled;
};

struct Chart {
  std::string x_label, y_label;
  std::vector<Series> series = {};
  // In place of round numbers, at these x; thinned out where they would lie over one another.
  std::vector<std::pair<double, std::string>> x_ticks = {};
  // The y axis begins at 0.
  bool from_zero = false;
  // Both axes are one, and a dashed line is where y equals x.
  bool diagonal = false;
};

// "" where no series has a point.
std::string ChartSvg(const Chart& chart);

// Lines of a name each, with a bar a series from 0 and an error bar over it.
struct Bars {
  struct Value {
    double value = 0, error = 0;
  };
  struct Row {
    std::string name;
    std::vector<std::optional<Value>> values;  // a series each
  };
  std::string x_label;
  std::vector<std::pair<std::string, std::string>> series;  // names and colours
  std::vector<Row> rows;
};

std::string BarsSvg(const Bars& bars);

// The samples and names of series in a row, from (x, y) on; begins new lines at `right`. Returns the last
// line's y.
double DrawLegend(Drawing* drawing, double x, double y, double right, const std::vector<Series>& series);

}  // namespace tandem

#endif  // TANDEM_SRC_PAGE_CHART_H_
