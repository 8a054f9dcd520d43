#include "report/figures_lines.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/format.h"
#include "report/axis.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

using Point = LineSeries::Point;

constexpr double kPlotHeight = 180;
constexpr double kTop = 8;
constexpr double kLabelHeight = 22;
constexpr size_t kMostPoints = 600;
constexpr double kViewWidth = 1000;  // of the stretched inner view

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

/// A figure's values as they are drawn.
class Plot {
 public:
  explicit Plot(const LineFigure& figure) : figure_(figure) {
    for (const LineSeries& series : figure.series) {
      for (const Point& point : series.points) {
        if (std::isfinite(point.y)) {
          x_.add(point.x);
          y_.add(point.y);
        }
      }
    }
    if (empty()) {
      return;
    }
    logarithmic_ = figure.logarithmic && y_.low > 0;
    axis_x_ = tight_axis(x_.low, x_.high, 5);
    axis_y_ = tight_axis(scaled(y_.low), scaled(y_.high), 4);
  }

  [[nodiscard]] bool empty() const { return x_.empty(); }

  std::string draw() const {
    Markup svg;
    open_figure(svg, {.id = figure_.id,
                      .title = figure_.title,
                      .description = figure_.description,
                      .height = kTop + kPlotHeight + kLabelHeight});
    for (const double tick : axis_y_.ticks) {
      draw_line(svg, "grid", 0, 100, y_of(tick), y_of(tick));
      svg.element("text", {{"class", "tick"}, {"x", "0"}, {"y", px(y_of(tick) - 3)}},
                  label_of(tick));
    }
    draw_tick_labels(svg, axis_x_, kTop + kPlotHeight + kLabelHeight - 6);
    svg.open("svg", {{"x", "0"},
                     {"y", px(kTop)},
                     {"width", "100%"},
                     {"height", px(kPlotHeight)},
                     {"viewBox", "0 0 1000 180"},
                     {"preserveAspectRatio", "none"}});
    for (const bool faint : {true, false}) {
      for (const LineSeries& series : figure_.series) {
        if (series.faint == faint) {
          draw_series(svg, series);
        }
      }
    }
    svg.close();
    svg.close();
    return std::move(svg).take();
  }

 private:
  [[nodiscard]] double scaled(double value) const {
    return logarithmic_ ? std::log10(value) : value;
  }
  [[nodiscard]] std::string label_of(double tick) const {
    return logarithmic_ ? format("{:.3g}", std::pow(10.0, tick))
                        : signed_text(tick, axis_y_.decimals);
  }
  [[nodiscard]] double y_of(double scaled_value) const {
    const double span = axis_y_.high - axis_y_.low;
    return kTop + kPlotHeight * (1 - (scaled_value - axis_y_.low) / (span > 0 ? span : 1));
  }

  void draw_series(Markup& svg, const LineSeries& series) const {
    std::string path;
    for (const Point& point : thinned(series.points, kMostPoints)) {
      const double x = axis_x_.percent(point.x) / 100 * kViewWidth;
      path += format("{}{},{}", path.empty() ? "" : " ", short_text(x, 1),
                     short_text(y_of(scaled(point.y)) - kTop, 1));
    }
    if (path.empty()) {
      return;
    }
    const std::string style = std::string("line") + (series.lead ? " lead" : "") +
                              (series.faint ? " faint" : "") + (series.marks ? " dots" : "");
    svg.leaf("polyline", {{"class", style}, {"points", path}});
  }

  const LineFigure& figure_;
  Range x_;
  Range y_;
  bool logarithmic_ = false;
  Axis axis_x_;
  Axis axis_y_;
};

}  // namespace

std::vector<Point> thinned(const std::vector<Point>& all, size_t most) {
  std::vector<Point> points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points),
               [](const Point& point) { return std::isfinite(point.y); });
  if (points.size() <= most) {
    return points;
  }
  const size_t stretches = std::max<size_t>(1, most / 2);
  std::vector<Point> kept;
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = points.begin() + static_cast<ptrdiff_t>(points.size() * i / stretches);
    const auto end = points.begin() + static_cast<ptrdiff_t>(points.size() * (i + 1) / stretches);
    const auto [low, high] =
        std::minmax_element(begin, end, [](const Point& a, const Point& b) { return a.y < b.y; });
    kept.push_back(low < high ? *low : *high);
    if (low != high) {
      kept.push_back(low < high ? *high : *low);
    }
  }
  if (kept.front().x != points.front().x) {
    kept.insert(kept.begin(), points.front());
  }
  if (kept.back().x != points.back().x) {
    kept.push_back(points.back());
  }
  return kept;
}

std::vector<Point> smoothed(const std::vector<Point>& points, double weight) {
  std::vector<Point> result;
  double mean = 0;
  double past = 1;
  for (const Point& point : points) {
    if (!std::isfinite(point.y)) {
      continue;
    }
    mean = weight * mean + (1 - weight) * point.y;
    past *= weight;
    result.push_back({point.x, mean / (1 - past)});
  }
  return result;
}

std::string line_plot(const LineFigure& figure) {
  const Plot plot(figure);
  return plot.empty() ? std::string() : plot.draw();
}

std::string line_plot_css() {
  return ".line{fill:none;stroke:var(--slate);stroke-width:2;vector-effect:non-scaling-stroke;"
         "stroke-linejoin:round}.line.lead{stroke:var(--gold)}.line.faint{stroke-width:1;"
         "opacity:.35}.line.dots{stroke-linecap:round;stroke-width:3}"
         ".legend .swatch{display:inline-block;width:1.6em;height:0;border-top:3px solid "
         "var(--slate);vertical-align:middle;margin-inline-end:.5em}.legend "
         ".swatch.lead{border-color:var(--gold)}"
         ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));"
         "gap:.9rem;margin-top:1rem}.answers{display:grid;grid-template-columns:repeat(auto-fit,"
         "minmax(min(100%,22rem),1fr));gap:.9rem}.answers pre,.asked{white-space:pre-wrap;"
         "font:inherit;margin:.3rem 0}.command{font-family:ui-monospace,\"DejaVu Sans Mono\","
         "monospace;font-size:.9em;overflow-x:auto;white-space:pre-wrap}";
}

}  // namespace cupel::report
