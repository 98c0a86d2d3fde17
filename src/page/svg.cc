#include "src/page/svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/page/escape.h"

namespace tandem {
namespace {

constexpr int kTicks = 5;  // about so many
constexpr double kMargin = 0.06;

// 1, 2 or 5 times a power of ten, so that about kTicks of them fit.
double NiceStep(double span) {
  const double power = std::pow(10, std::floor(std::log10(span / kTicks)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (span / (factor * power) <= kTicks + 1) return factor * power;
  }
  return 10 * power;
}

std::string Decimal(double value, double step) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return absl::StrFormat("%.*f", digits, value);
}

std::vector<std::pair<double, std::string>> LogarithmicTicks(double low, double high) {
  const bool narrow = high < 8 * low;
  const std::vector<double> factors =
      narrow ? std::vector<double>{1, 1.5, 2, 3, 4, 5, 6, 8} : std::vector<double>{1, 2, 5};
  std::vector<std::pair<double, std::string>> ticks;
  for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10, power) <= high; ++power) {
    for (const double factor : factors) {
      const double value = factor * std::pow(10, power);
      if (value >= low && value <= high) ticks.emplace_back(value, absl::StrFormat("%g", value));
    }
  }
  return ticks;
}

std::string Points(const std::vector<std::pair<double, double>>& points) {
  std::string text;
  for (const auto& [x, y] : points)
    absl::StrAppendFormat(&text, "%s%.1f,%.1f", text.empty() ? "" : " ", x, y);
  return text;
}

}  // namespace

double PlotAxis::Place(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

std::vector<std::pair<double, std::string>> PlotAxis::Ticks() const {
  if (!ticks.empty()) return ticks;
  if (logarithmic) return LogarithmicTicks(low, high);
  std::vector<std::pair<double, std::string>> round;
  const double step = NiceStep(high - low);
  // Adding 0 makes -0 a 0.
  for (double i = std::ceil(low / step - 1e-9) + 0.0; i * step <= high + 1e-9 * step; ++i)
    round.emplace_back(i * step, Decimal(i * step, step));
  return round;
}

PlotAxis AxisOver(const std::vector<double>& values, const std::string& label, bool logarithmic) {
  PlotAxis axis;
  axis.label = label;
  axis.logarithmic = logarithmic;
  if (values.empty()) return logarithmic ? PlotAxis{0.1, 1, true, label, {}} : axis;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  axis.low = *low;
  axis.high = *high;
  if (logarithmic) {
    const double factor = std::max(1.3, std::pow(axis.high / axis.low, kMargin));
    axis.low /= factor;
    axis.high *= factor;
  } else {
    const double margin = std::max(kMargin * (axis.high - axis.low), 1e-4);
    axis.low -= margin;
    axis.high += margin;
  }
  return axis;
}

void Drawing::Text(double x, double y, absl::string_view text, Anchor anchor, absl::string_view color,
                   bool bold) {
  const char* anchors[] = {"start", "middle", "end"};
  absl::StrAppendFormat(&body_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\"%s>%s</text>\n", x,
                        y, anchors[static_cast<int>(anchor)], color, bold ? " font-weight=\"bold\"" : "",
                        EscapeXml(text));
}

void Drawing::Line(double x1, double y1, double x2, double y2, absl::string_view color, double width,
                   bool dashed) {
  absl::StrAppendFormat(&body_, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"%g\"%s/>\n",
                        x1, y1, x2, y2, color, width, dashed ? " stroke-dasharray=\"4 3\"" : "");
}

void Drawing::Polyline(const std::vector<std::pair<double, double>>& points, absl::string_view color,
                       bool dashed) {
  absl::StrAppendFormat(&body_,
                        "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"%s\"/>\n", color,
                        dashed ? " stroke-dasharray=\"4 3\"" : "", Points(points));
}

void Drawing::Dot(double x, double y, absl::string_view color, Mark mark, absl::string_view title) {
  const std::string paint = mark == Mark::kHollow
                                ? absl::StrFormat("fill=\"#fff\" stroke=\"%s\" stroke-width=\"1.5\"", color)
                                : absl::StrFormat("fill=\"%s\"", color);
  const std::string tip = absl::StrCat("<title>", EscapeXml(title), "</title>");
  if (mark == Mark::kSquare) {
    absl::StrAppendFormat(&body_, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\" %s>%s</rect>\n",
                          x - 3.5, y - 3.5, paint, tip);
  } else {
    absl::StrAppendFormat(&body_, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" %s>%s</circle>\n", x, y, paint,
                          tip);
  }
}

void Drawing::Bar(double x1, double y1, double x2, double y2, absl::string_view color,
                  absl::string_view title) {
  absl::StrAppendFormat(&body_,
                        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                        "fill=\"%s\"><title>%s</title></rect>\n",
                        x1, y1, x2 - x1, y2 - y1, color, EscapeXml(title));
}

std::string Drawing::Svg() const {
  return absl::StrFormat(
      "<svg width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"%g\" height=\"%g\" "
      "fill=\"#fff\"/>\n%s</svg>\n",
      width_, height_, width_, height_, width_, height_, body_);
}

Panel::Panel(Drawing* drawing, const Box& box, PlotAxis x, PlotAxis y)
    : drawing_(drawing), box_(box), x_(std::move(x)), y_(std::move(y)) {}

void Panel::DrawFrame(absl::string_view title, bool numbered_y) {
  const double bottom = box_.top + box_.height, right = box_.left + box_.width;
  for (const auto& [value, text] : x_.Ticks()) {
    drawing_->Line(X(value), box_.top, X(value), bottom, kGridColor);
    drawing_->Text(X(value), bottom + 15, text, Anchor::kMiddle);
  }
  for (const auto& [value, text] : numbered_y ? y_.Ticks() : decltype(y_.Ticks())()) {
    drawing_->Line(box_.left, Y(value), right, Y(value), kGridColor);
    drawing_->Text(box_.left - 5, Y(value) + 4, text, Anchor::kEnd);
  }
  drawing_->Line(box_.left, box_.top, box_.left, bottom, "#666");
  drawing_->Line(box_.left, bottom, right, bottom, "#666");
  drawing_->Text(box_.left + box_.width / 2, bottom + 32, x_.label, Anchor::kMiddle);
  drawing_->Text(box_.left, box_.top - 7, title.empty() ? y_.label : title, Anchor::kStart, "#333",
                 /*bold=*/true);
}

void Panel::Line(const std::vector<std::pair<double, double>>& points, absl::string_view color, bool dashed) {
  std::vector<std::pair<double, double>> places;
  places.reserve(points.size());
  for (const auto& [x, y] : points) places.emplace_back(X(x), Y(y));
  drawing_->Polyline(places, color, dashed);
}

void Panel::ErrorBar(double x, double mean, double deviation, absl::string_view color) {
  drawing_->Line(X(x), Y(mean - deviation), X(x), Y(mean + deviation), color, 1.5);
}

}  // namespace tandem
