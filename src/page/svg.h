// Plots as SVG text: axes, dots and lines in a panel of a drawing.
//
//   Drawing drawing(700, 320);
//   const PlotAxis x_axis = AxisOver(xs, "µs a sample", /*logarithmic=*/true), y_axis = AxisOver(ys, "AUC");
//   Panel panel(&drawing, {60, 20, 620, 260}, x_axis, y_axis);
//   panel.DrawFrame("");
//   panel.Line({{0.1, 0.75}, {0.2, 0.76}}, kStudentColor);
//   panel.Dot(0.1, 0.75, kStudentColor, Mark::kFilled, "8-4: 0.7500");     // the text shows when pointed at
//   drawing.Svg();
//
// For pages of HTML: a file of its own would want the namespace. Units are pixels, y downwards; coordinates
// are printed to a tenth, so that equal data give equal text.
#ifndef TANDEM_SRC_PAGE_SVG_H_
#define TANDEM_SRC_PAGE_SVG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

inline constexpr char kTeacherColor[] = "#1f6fb4";
inline constexpr char kStudentColor[] = "#d1561c";
inline constexpr char kAloneColor[] = "#7a7a7a";
inline constexpr char kGridColor[] = "#ddd";

struct PlotAxis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::string label;
  // Values with their texts; empty: round numbers.
  std::vector<std::pair<double, std::string>> ticks = {};

  // 0 at `low`, 1 at `high`.
  double Place(double value) const;
  // Those to draw, with their texts.
  std::vector<std::pair<double, std::string>> Ticks() const;
};

// Holds all values, with a margin; values of a logarithmic axis are positive.
PlotAxis AxisOver(const std::vector<double>& values, const std::string& label, bool logarithmic = false);

enum class Anchor { kStart, kMiddle, kEnd };
enum class Mark { kFilled, kHollow, kSquare };

class Drawing {
 public:
  Drawing(double width, double height) : width_(width), height_(height) {}

  void Text(double x, double y, absl::string_view text, Anchor anchor, absl::string_view color = "#333",
            bool bold = false);
  void Line(double x1, double y1, double x2, double y2, absl::string_view color, double width = 1,
            bool dashed = false);
  void Polyline(const std::vector<std::pair<double, double>>& points, absl::string_view color, bool dashed);
  // `title` shows when the mark is pointed at.
  void Dot(double x, double y, absl::string_view color, Mark mark, absl::string_view title);
  // A filled rectangle between two corners.
  void Bar(double x1, double y1, double x2, double y2, absl::string_view color, absl::string_view title);
  std::string Svg() const;

 private:
  double width_, height_;
  std::string body_;
};

struct Box {
  double left, top, width, height;
};

class Panel {
 public:
  Panel(Drawing* drawing, const Box& box, PlotAxis x, PlotAxis y);

  // Grid, ticks, labels of the axes, and the title above (without one, the y axis's label). `numbered_y`:
  // whether the y axis has ticks.
  void DrawFrame(absl::string_view title, bool numbered_y = true);
  double X(double value) const { return box_.left + box_.width * x_.Place(value); }
  double Y(double value) const { return box_.top + box_.height * (1 - y_.Place(value)); }
  void Line(const std::vector<std::pair<double, double>>& points, absl::string_view color,
            bool dashed = false);
  void Dot(double x, double y, absl::string_view color, Mark mark, absl::string_view title) {
    drawing_->Dot(X(x), Y(y), color, mark, title);
  }
  // Mean ± deviation of y.
  void ErrorBar(double x, double mean, double deviation, absl::string_view color);

 private:
  Drawing* drawing_;
  Box box_;
  PlotAxis x_, y_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_PAGE_SVG_H_
