#include "src/page/chart.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem {
namespace {

constexpr double kWidth = 440, kHeight = 270;
constexpr double kLeft = 52, kRight = 14, kBottom = 42;
constexpr double kLetter = 6.6;  // about the width of one
constexpr double kLegendLine = 17;

double SampleWidth(const Series& series) { return series.line ? 22 : 10; }

double EntryWidth(const Series& series) {
  return SampleWidth(series) + 5 + kLetter * static_cast<double>(series.name.size()) + 14;
}

double LegendHeight(double left, double right, const std::vector<Series>& series) {
  double x = left, height = kLegendLine;
  for (const Series& one : series) {
    if (x > left && x + EntryWidth(one) > right) {
      x = left;
      height += kLegendLine;
    }
    x += EntryWidth(one);
  }
  return height;
}

// So many that their texts don't touch.
std::vector<std::pair<double, std::string>> Thinned(std::vector<std::pair<double, std::string>> ticks,
                                                    double width) {
  size_t longest = 1;
  for (const auto& [value, text] : ticks) longest = std::max(longest, text.size());
  const double room = std::max(1.0, width / (kLetter * (static_cast<double>(longest) + 2)));
  const size_t every =
      std::max<size_t>(1, static_cast<size_t>(static_cast<double>(ticks.size()) / room + 0.999));
  std::vector<std::pair<double, std::string>> kept;
  for (size_t i = 0; i < ticks.size(); i += every) kept.push_back(std::move(ticks[i]));
  return kept;
}

std::string Shortened(const std::string& name, size_t length) {
  if (name.size() <= length) return name;
  size_t end = length - 1;
  while (end > 0 && (name[end] & 0xC0) == 0x80) --end;  // not within a character of UTF-8
  return name.substr(0, end) + "…";
}

}  // namespace

double DrawLegend(Drawing* drawing, double left, double y, double right, const std::vector<Series>& series) {
  double x = left;
  for (const Series& one : series) {
    if (x > left && x + EntryWidth(one) > right) {
      x = left;
      y += kLegendLine;
    }
    const double end = x + SampleWidth(one);
    if (one.line) drawing->Line(x, y - 4, end, y - 4, one.color, 2, one.dashed);
    if (one.dots || !one.line) drawing->Dot((x + end) / 2, y - 4, one.color, one.mark, one.name);
    drawing->Text(end + 5, y, one.name, Anchor::kStart);
    x += EntryWidth(one);
  }
  return y;
}

std::string ChartSvg(const Chart& chart) {
  std::vector<double> xs, ys;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  if (xs.empty()) return "";
  if (chart.from_zero || chart.diagonal) ys.push_back(0);
  if (chart.diagonal) xs.insert(xs.end(), ys.begin(), ys.end());
  PlotAxis x_axis = AxisOver(xs, chart.x_label), y_axis = AxisOver(chart.diagonal ? xs : ys, chart.y_label);
  if (chart.from_zero) y_axis.low = 0;
  if (chart.diagonal) x_axis.low = y_axis.low = 0;
  const double legend = LegendHeight(kLeft, kWidth - kRight, chart.series);
  const double top = legend + 26, width = kWidth - kLeft - kRight, height = kHeight - 26 - kBottom - 17;
  x_axis.ticks = Thinned(chart.x_ticks, width);
  Drawing drawing(kWidth, top + height + kBottom);
  Panel panel(&drawing, {kLeft, top, width, height}, x_axis, y_axis);
  DrawLegend(&drawing, kLeft, 14, kWidth - kRight, chart.series);
  panel.DrawFrame("");
  if (chart.diagonal) panel.Line({{0, 0}, {x_axis.high, x_axis.high}}, kAloneColor, /*dashed=*/true);
  for (const Series& series : chart.series) {
    if (series.line) panel.Line(series.points, series.color, series.dashed);
    if (!series.dots && series.line) continue;
    for (const auto& [x, y] : series.points)
      panel.Dot(x, y, series.color, series.mark, absl::StrFormat("%s: %.6g, %.4f", series.name, x, y));
  }
  return drawing.Svg();
}

std::string BarsSvg(const Bars& bars) {
  if (bars.rows.empty()) return "";
  constexpr double kNames = 130, kBar = 11;
  constexpr size_t kNameLetters = 19;
  std::vector<double> values = {0};
  for (const Bars::Row& row : bars.rows) {
    for (const std::optional<Bars::Value>& value : row.values) {
      if (!value.has_value()) continue;
      values.push_back(value->value - value->error);
      values.push_back(value->value + value->error);
    }
  }
  std::vector<Series> legend;
  for (const auto& [name, color] : bars.series)
    legend.push_back({name, color, {}, /*line=*/false, /*dots=*/true, /*dashed=*/false, Mark::kSquare});
  const double row_height = kBar * static_cast<double>(bars.series.size()) + 8;
  const double top = 26, height = row_height * static_cast<double>(bars.rows.size());
  Drawing drawing(kWidth, top + height + kBottom);
  Panel panel(&drawing, {kNames, top, kWidth - kNames - kRight, height}, AxisOver(values, bars.x_label), {});
  DrawLegend(&drawing, kNames, 14, kWidth - kRight, legend);
  panel.DrawFrame(" ", /*numbered_y=*/false);
  drawing.Line(panel.X(0), top, panel.X(0), top + height, "#666");
  for (size_t r = 0; r < bars.rows.size(); ++r) {
    const Bars::Row& row = bars.rows[r];
    double y = top + row_height * static_cast<double>(r) + 4 + kBar / 2;
    drawing.Text(kNames - 6, top + row_height * (static_cast<double>(r) + 0.5) + 4,
                 Shortened(row.name, kNameLetters), Anchor::kEnd);
    for (size_t s = 0; s < row.values.size(); ++s, y += kBar) {
      if (!row.values[s].has_value()) continue;
      const auto [value, error] = *row.values[s];
      drawing.Bar(panel.X(std::min(0.0, value)), y - kBar / 2 + 1, panel.X(std::max(0.0, value)),
                  y + kBar / 2 - 1, bars.series[s].second,
                  absl::StrFormat("%s, %s: %.4f ± %.4f", row.name, bars.series[s].first, value, error));
      drawing.Line(panel.X(value - error), y, panel.X(value + error), y, "#333", 1.2);
    }
  }
  return drawing.Svg();
}

}  // namespace tandem
