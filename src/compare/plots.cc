// The plots of a comparison.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "src/compare/report.h"
#include "src/page/chart.h"
#include "src/page/svg.h"

namespace tandem {
namespace {

constexpr double kWidth = 860;

const std::optional<CompareTower>& TowerOf(const CompareCell& cell, TowerKind kind) {
  return kind == TowerKind::kTeacher ? cell.teacher : cell.student;
}

const char* ColorOf(TowerKind kind) { return kind == TowerKind::kTeacher ? kTeacherColor : kStudentColor; }
const char* NameOf(TowerKind kind) { return kind == TowerKind::kTeacher ? "teacher" : "student"; }

std::optional<MeanOverSeeds> MeanAuc(const CompareRow& row, TowerKind kind) {
  return MeanOf(ValuesOf(row, kind, &Metrics::auc));
}

std::optional<double> MicrosecondsOf(const CompareRow& row, TowerKind kind) {
  return kind == TowerKind::kTeacher ? row.teacher_microseconds : row.student_microseconds;
}

// How a tower's marks look in every plot but that of the seeds.
Series MarksOf(TowerKind kind) {
  const bool teacher = kind == TowerKind::kTeacher;
  return {NameOf(kind),
          ColorOf(kind),
          {},
          /*line=*/false,
          /*dots=*/true,
          /*dashed=*/false,
          teacher ? Mark::kSquare : Mark::kFilled};
}

// The bins of all seeds by their predictions, joined to about ten of equal weight.
std::vector<CalibrationBin> JoinedBins(const CompareRow& row, TowerKind kind) {
  constexpr int kBins = 10;
  std::vector<CalibrationBin> all;
  double total = 0;
  for (const CompareCell& cell : row.cells) {
    if (!TowerOf(cell, kind).has_value()) continue;
    for (const CalibrationBin& bin : TowerOf(cell, kind)->metrics.calibration) {
      all.push_back(bin);
      total += bin.weight;
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const CalibrationBin& a, const CalibrationBin& b) {
    return a.mean_prediction < b.mean_prediction;
  });
  std::vector<CalibrationBin> joined;
  double passed = 0;
  int last_place = -1;
  for (const CalibrationBin& bin : all) {
    // The middle of the bin says where it belongs.
    const int place = static_cast<int>((passed + bin.weight / 2) / total * kBins);
    passed += bin.weight;
    if (place != last_place) joined.emplace_back();
    last_place = place;
    CalibrationBin& to = joined.back();
    const double weight = to.weight + bin.weight;
    const auto mean = [&](double before, double added) {
      return (before * to.weight + added * bin.weight) / weight;
    };
    to.mean_prediction = mean(to.mean_prediction, bin.mean_prediction);
    to.click_rate = mean(to.click_rate, bin.click_rate);
    to.weight = weight;
  }
  return joined;
}

void DrawReliability(Panel* panel, const CompareRow& row, TowerKind kind) {
  std::vector<std::pair<double, double>> points;
  for (const CalibrationBin& bin : JoinedBins(row, kind))
    points.emplace_back(bin.mean_prediction, bin.click_rate);
  if (points.empty()) return;
  panel->Line(points, ColorOf(kind));
  for (const auto& [prediction, clicks] : points) {
    panel->Dot(prediction, clicks, ColorOf(kind), kind == TowerKind::kTeacher ? Mark::kSquare : Mark::kFilled,
               absl::StrFormat("%s: predicted %.4f, clicked %.4f", NameOf(kind), prediction, clicks));
  }
}

}  // namespace

std::string AucPlot(const Comparison& comparison) {
  constexpr double kLeft = 230, kTop = 54, kRowHeight = 26;
  std::vector<double> values;
  for (const CompareRow& row : comparison.rows) {
    for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent}) {
      for (const auto& auc : ValuesOf(row, kind, &Metrics::auc)) {
        if (auc.has_value()) values.push_back(*auc);
      }
      if (const std::optional<MeanOverSeeds> mean = MeanAuc(row, kind)) {
        values.push_back(mean->mean - mean->deviation.value_or(0));
        values.push_back(mean->mean + mean->deviation.value_or(0));
      }
    }
  }
  const double height = kRowHeight * static_cast<double>(comparison.rows.size());
  Drawing drawing(kWidth, kTop + height + 44);
  Panel panel(&drawing, {kLeft, kTop, kWidth - kLeft - 30, height}, AxisOver(values, "AUC on the test rows"),
              PlotAxis());
  panel.DrawFrame("", /*numbered_y=*/false);  // rows have names, and are drawn by their places
  std::vector<Series> legend;
  for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent}) {
    const std::string name = NameOf(kind);
    legend.push_back({name + ", a seed", ColorOf(kind), {}, false, true, false, Mark::kHollow});
    legend.push_back({name + ", mean ± deviation", ColorOf(kind), {}});
  }
  for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent})
    legend.push_back({std::string(NameOf(kind)) + " alone", ColorOf(kind), {}, true, false, /*dashed=*/true});
  DrawLegend(&drawing, 4, 20, kWidth, legend);
  const auto reference = [&](const std::optional<MeanOverSeeds>& mean, const char* color) {
    if (mean.has_value())
      drawing.Line(panel.X(mean->mean), kTop, panel.X(mean->mean), kTop + height, color, 1, /*dashed=*/true);
  };
  reference(MeanAuc(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher), kTeacherColor);
  reference(MeanAuc(comparison.rows[comparison.student_alone], TowerKind::kStudent), kStudentColor);
  for (size_t r = 0; r < comparison.rows.size(); ++r) {
    const CompareRow& row = comparison.rows[r];
    const double middle = kTop + kRowHeight * (static_cast<double>(r) + 0.5);
    drawing.Text(kLeft - 10, middle + 4, row.name, Anchor::kEnd);
    for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent}) {
      const double y = middle + (kind == TowerKind::kTeacher ? -5 : 5);
      const std::vector<std::optional<double>> aucs = ValuesOf(row, kind, &Metrics::auc);
      for (size_t i = 0; i < aucs.size(); ++i) {
        if (!aucs[i].has_value()) continue;
        drawing.Dot(
            panel.X(*aucs[i]), y, ColorOf(kind), Mark::kHollow,
            absl::StrFormat("%s, %s, seed %d: %.4f", row.name, NameOf(kind), row.cells[i].seed, *aucs[i]));
      }
      if (const std::optional<MeanOverSeeds> mean = MeanAuc(row, kind)) {
        const double deviation = mean->deviation.value_or(0);
        drawing.Line(panel.X(mean->mean - deviation), y, panel.X(mean->mean + deviation), y, ColorOf(kind),
                     2);
        drawing.Line(panel.X(mean->mean), y - 5, panel.X(mean->mean), y + 5, ColorOf(kind), 2);
      }
    }
  }
  return drawing.Svg();
}

std::string ReliabilityPlot(const Comparison& comparison) {
  constexpr int kColumns = 3;
  constexpr double kPanel = 200, kGapX = 82, kGapY = 78, kLeft = 56, kTop = 56;
  std::vector<double> values = {0};
  for (const CompareRow& row : comparison.rows) {
    for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent}) {
      for (const CalibrationBin& bin : JoinedBins(row, kind)) {
        values.push_back(bin.mean_prediction);
        values.push_back(bin.click_rate);
      }
    }
  }
  const double highest = 1.05 * *std::max_element(values.begin(), values.end());
  const PlotAxis predicted{0, highest > 0 ? highest : 1, false, "mean prediction"};
  const PlotAxis clicked{predicted.low, predicted.high, false, "click rate"};
  const int lines = (static_cast<int>(comparison.rows.size()) + kColumns - 1) / kColumns;
  Drawing drawing(kWidth, kTop + lines * (kPanel + kGapY));
  std::vector<Series> legend = {MarksOf(TowerKind::kTeacher), MarksOf(TowerKind::kStudent)};
  for (Series& series : legend) series.line = true;
  legend.push_back({"predicted as often as clicked", "#999", {}, true, false, /*dashed=*/true});
  DrawLegend(&drawing, kLeft + 4, 20, kWidth, legend);
  for (size_t r = 0; r < comparison.rows.size(); ++r) {
    const int column = static_cast<int>(r) % kColumns, line = static_cast<int>(r) / kColumns;
    Panel panel(&drawing, {kLeft + column * (kPanel + kGapX), kTop + line * (kPanel + kGapY), kPanel, kPanel},
                predicted, clicked);
    panel.DrawFrame(comparison.rows[r].name);
    panel.Line({{predicted.low, predicted.low}, {predicted.high, predicted.high}}, "#999", /*dashed=*/true);
    DrawReliability(&panel, comparison.rows[r], TowerKind::kTeacher);
    DrawReliability(&panel, comparison.rows[r], TowerKind::kStudent);
  }
  return drawing.Svg();
}

std::string LatencyPlot(const Comparison& comparison) {
  struct Point {
    double microseconds;
    MeanOverSeeds auc;
    const CompareRow* row;
    TowerKind kind;
  };
  std::vector<Point> points;
  for (const CompareRow& row : comparison.rows) {
    for (const TowerKind kind : {TowerKind::kTeacher, TowerKind::kStudent}) {
      const std::optional<MeanOverSeeds> auc = MeanAuc(row, kind);
      const std::optional<double> microseconds = MicrosecondsOf(row, kind);
      if (auc.has_value() && microseconds.has_value() && *microseconds > 0)
        points.push_back({*microseconds, *auc, &row, kind});
    }
  }
  std::vector<double> xs, ys;
  for (const Point& point : points) {
    xs.push_back(point.microseconds);
    ys.push_back(point.auc.mean - point.auc.deviation.value_or(0));
    ys.push_back(point.auc.mean + point.auc.deviation.value_or(0));
  }
  Drawing drawing(kWidth, 400);
  Panel panel(&drawing, {60, 40, kWidth - 240, 310},
              AxisOver(xs, "microseconds a sample, one thread", /*logarithmic=*/true), AxisOver(ys, "AUC"));
  panel.DrawFrame("");
  DrawLegend(&drawing, 120, 33, kWidth, {MarksOf(TowerKind::kTeacher), MarksOf(TowerKind::kStudent)});
  // A number a row, explained beside: labels would lie over one another.
  std::map<const CompareRow*, size_t> numbers;
  for (const Point& point : points) {
    const size_t number = numbers.emplace(point.row, numbers.size() + 1).first->second;
    panel.ErrorBar(point.microseconds, point.auc.mean, point.auc.deviation.value_or(0), ColorOf(point.kind));
    panel.Dot(point.microseconds, point.auc.mean, ColorOf(point.kind),
              point.kind == TowerKind::kTeacher ? Mark::kSquare : Mark::kFilled,
              absl::StrFormat("%s, %s: %.4f at %.2f µs", point.row->name, NameOf(point.kind), point.auc.mean,
                              point.microseconds));
    drawing.Text(panel.X(point.microseconds) + 6, panel.Y(point.auc.mean) - 5, absl::StrCat(number),
                 Anchor::kStart, ColorOf(point.kind));
  }
  double y = 50;
  for (const CompareRow& row : comparison.rows) {
    const auto found = numbers.find(&row);
    if (found == numbers.end()) continue;
    drawing.Text(kWidth - 165, y, absl::StrCat(found->second, "  ", row.name), Anchor::kStart);
    y += 17;
  }
  return drawing.Svg();
}

std::string FrontierPlot(const Comparison& comparison) {
  struct Point {
    double microseconds;
    MeanOverSeeds auc;
    std::string width;
    int64_t parameters;
  };
  std::vector<Point> series[2];  // distilled, alone
  std::vector<double> xs, ys;
  const std::optional<MeanOverSeeds> teacher =
      MeanAuc(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher);
  if (teacher.has_value()) ys.push_back(teacher->mean);
  for (const CompareRow& row : comparison.rows) {
    const std::optional<MeanOverSeeds> auc = MeanAuc(row, TowerKind::kStudent);
    if (row.width.empty() || !auc.has_value() || row.student_microseconds.value_or(0) <= 0) continue;
    series[row.frontier_alone].push_back(
        {*row.student_microseconds, *auc, row.width, row.cells[0].student->dense_parameters});
    xs.push_back(*row.student_microseconds);
    ys.push_back(auc->mean - auc->deviation.value_or(0));
    ys.push_back(auc->mean + auc->deviation.value_or(0));
  }
  if (xs.empty()) return "";
  Drawing drawing(kWidth, 400);
  Panel panel(&drawing, {60, 40, kWidth - 100, 310},
              AxisOver(xs, "microseconds a sample of the student, one thread", /*logarithmic=*/true),
              AxisOver(ys, "AUC"));
  panel.DrawFrame("");
  DrawLegend(&drawing, 120, 33, kWidth,
             {{"student distilled", kStudentColor, {}, true, true},
              {"student alone", kAloneColor, {}, true, true},
              {"teacher alone", kTeacherColor, {}, true, false, /*dashed=*/true}});
  if (teacher.has_value())
    drawing.Line(60, panel.Y(teacher->mean), kWidth - 40, panel.Y(teacher->mean), kTeacherColor, 1.5, true);
  for (const bool alone : {true, false}) {
    std::vector<Point>& points = series[alone];
    std::sort(points.begin(), points.end(),
              [](const Point& a, const Point& b) { return a.parameters < b.parameters; });
    std::vector<std::pair<double, double>> line;
    line.reserve(points.size());
    for (const Point& point : points) line.emplace_back(point.microseconds, point.auc.mean);
    const char* color = alone ? kAloneColor : kStudentColor;
    if (line.size() > 1) panel.Line(line, color);
    for (const Point& point : points) {
      panel.ErrorBar(point.microseconds, point.auc.mean, point.auc.deviation.value_or(0), color);
      panel.Dot(point.microseconds, point.auc.mean, color, Mark::kFilled,
                absl::StrFormat("%s %s: %.4f at %.2f µs", point.width, alone ? "alone" : "distilled",
                                point.auc.mean, point.microseconds));
      drawing.Text(panel.X(point.microseconds), panel.Y(point.auc.mean) + (alone ? 18 : -10), point.width,
                   Anchor::kMiddle, color);
    }
  }
  return drawing.Svg();
}

}  // namespace tandem
