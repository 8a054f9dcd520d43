#include "report/figures_lines.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/format.h"
#include "base/text.h"
#include "report/axis.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

using Point = LineSeries::Point;

constexpr double kPlotHeight = 180;
constexpr double kTop = 14;
constexpr double kLabelHeight = 26;
constexpr int kMostDecimals = 4;  // beyond, as 2.5e-6
constexpr size_t kMostPoints = 600;
constexpr size_t kMostMeanPoints = 200;  // a mean has no extremes worth more
constexpr double kViewWidth = 1000;      // of the stretched inner view

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

/// "2.5e-6"
std::string short_exponent(double value) {
  return replace_all(typographic_text(format("{:.3g}", value)), "e-0", "e-");
}

/// "\u22122,400"
std::string whole_text(double value) {
  return typographic_text(count_text(std::llround(value)));
}

/// A line as it is drawn: a series, or a running mean of one.
struct Stroke {
  const LineSeries* series;
  std::vector<Point> points;
  std::string style;
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
    for (const double event : figure.events) {
      x_.add(event);
    }
    constexpr double kWideSteps = 1e4;  // five of "10,000" and more touch each other on a phone
    // Steps are whole: a single one is no axis of fractions.
    axis_x_ = x_.high - x_.low < 1 ? Axis{x_.low - 1, x_.high + 1, {x_.low}, 0}
                                   : tight_axis(x_.low, x_.high, x_.high < kWideSteps ? 5 : 3);
    std::erase_if(axis_x_.ticks, [](double tick) { return std::round(tick) != tick; });
    axis_x_.decimals = 0;
    for (const LineSeries& series : figure.series) {
      add_strokes(series);
    }
    // What is read first is drawn last.
    std::ranges::stable_sort(strokes_, {},
                             [](const Stroke& stroke) { return stroke.series->lead; });
  }

  [[nodiscard]] bool empty() const { return x_.empty(); }

  std::string draw() const {
    Markup svg;
    open_figure(svg, {.id = figure_.id,
                      .title = figure_.title,
                      .description = figure_.description,
                      .height = kTop + kPlotHeight + kLabelHeight});
    const bool positive = y_.low > 0;
    const bool either = figure_.scale == LineScale::kEither && positive;
    if (either || figure_.scale != LineScale::kLogarithmic || !positive) {
      draw_scale(svg, either ? "linear" : "only", false);
    }
    if (positive && figure_.scale != LineScale::kLinear) {
      draw_scale(svg, either ? "log" : "only", true);
    }
    draw_x_labels(svg);
    svg.close();
    return std::move(svg).take();
  }

 private:
  /// How a y axis maps values.
  struct Scale {
    bool logarithmic = false;
    Axis axis;

    [[nodiscard]] double y_of(double scaled) const {
      const double span = axis.high - axis.low;
      return kPlotHeight * (1 - (scaled - axis.low) / (span > 0 ? span : 1));
    }
    [[nodiscard]] double place(double value) const {
      return y_of(logarithmic ? std::log10(value) : value);
    }
    [[nodiscard]] std::string label(double tick) const {
      if (logarithmic) {
        const double value = std::pow(10.0, tick);
        return value >= 1e3 && value < 1e6 ? whole_text(value) : short_exponent(value);
      }
      if (axis.decimals == 0) {
        return whole_text(tick);
      }
      return axis.decimals > kMostDecimals ? short_exponent(tick)
                                           : signed_text(tick, axis.decimals);
    }
  };

  void add_strokes(const LineSeries& series) {
    const std::string lead = series.lead ? " lead" : "";
    std::vector<Point> raw = thinned(series.points, kMostPoints);
    if (raw.empty()) {
      return;
    }
    const std::string marked = series.marks ? " marked" : "";
    strokes_.push_back(
        {&series, std::move(raw), (series.noisy ? "line raw" : "line") + marked + lead});
    for (size_t i = 1; series.noisy && i < kSmoothings; ++i) {
      strokes_.push_back(
          {&series,
           thinned(smoothed(series.points, smoothing_weight(i, series.points.size())),
                   kMostMeanPoints),
           format("line mean m{}{}", i, lead)});
    }
  }

  /// The axis' name stands in the column of the other axis' labels.
  void draw_x_labels(Markup& svg) const {
    const std::string y = px(kTop + kPlotHeight + kLabelHeight - 6);
    svg.element("text", {{"class", "tick"}, {"x", "-8"}, {"y", y}, {"text-anchor", "end"}},
                figure_.x_name);
    constexpr double kNearEnd = 95;    // percent
    constexpr size_t kMostBeyond = 4;  // digits that fit into the card when centred at the end
    for (const double tick : axis_x_.ticks) {
      const double x = axis_x_.percent(tick);
      const std::string text = whole_text(tick);
      const bool inwards = x > kNearEnd && text.size() > kMostBeyond;
      svg.element("text",
                  {{"class", "tick"},
                   {"x", percent_attribute(inwards ? 100 : x)},
                   {"y", y},
                   {"text-anchor", inwards ? "end" : "middle"}},
                  text);
    }
  }

  void draw_scale(Markup& svg, std::string_view style, bool logarithmic) const {
    const Scale scale{logarithmic, logarithmic ? logarithmic_axis(y_.low, y_.high)
                                               : tight_axis(y_.low, y_.high, 4)};
    svg.open("g", {{"class", style}});
    for (const double tick : scale.axis.ticks) {
      const double y = kTop + scale.y_of(tick);
      draw_line(svg, "grid", 0, 100, y, y);
      svg.element("text",
                  {{"class", "tick"}, {"x", "-8"}, {"y", px(y + 4)}, {"text-anchor", "end"}},
                  scale.label(tick));
    }
    for (const double event : figure_.events) {
      draw_line(svg, "event", axis_x_.percent(event), axis_x_.percent(event), kTop,
                kTop + kPlotHeight);
    }
    svg.open("svg", {{"class", "plot"},
                     {"x", "0"},
                     {"y", px(kTop)},
                     {"width", "100%"},
                     {"height", px(kPlotHeight)},
                     {"viewBox", "0 0 1000 180"},
                     {"preserveAspectRatio", "none"}});
    for (const Stroke& stroke : strokes_) {
      draw_stroke(svg, stroke, scale);
    }
    svg.close();
    svg.close();
  }

  void draw_stroke(Markup& svg, const Stroke& stroke, const Scale& scale) const {
    std::string line;
    std::string dots;
    std::string steps;
    std::string values;
    for (const Point& point : stroke.points) {
      const std::string_view gap = line.empty() ? "" : " ";
      const std::string place =
          format("{},{}", short_text(axis_x_.percent(point.x) / 100 * kViewWidth, 1),
                 short_text(scale.place(point.y), 1));
      line += format("{}{}", gap, place);
      dots += format("M{}h0", place);
      steps += format("{}{}", gap, short_text(point.x, 0));
      values += gap;
      values += brief_text(point.y);
    }
    svg.open("g", {{"class", stroke.style},
                   {"data-name", stroke.series->name},
                   {"data-x", steps},
                   {"data-y", values}});
    svg.leaf("polyline", {{"points", line}});
    if (stroke.series->marks || stroke.points.size() == 1) {
      svg.leaf("path", {{"class", "dots"}, {"d", dots}});
    }
    svg.close();
  }

  const LineFigure& figure_;
  Range x_;
  Range y_;
  Axis axis_x_;
  std::vector<Stroke> strokes_;
};

}  // namespace

std::string line_plot(const LineFigure& figure) {
  const Plot plot(figure);
  return plot.empty() ? std::string() : plot.draw();
}

std::string_view line_plot_css() {
  return R"css(
.line{fill:none;stroke:var(--slate);stroke-linejoin:round;stroke-linecap:round}
.line.lead{stroke:var(--gold)}
.line polyline{stroke-width:2;vector-effect:non-scaling-stroke}
.line .dots{stroke-width:6;vector-effect:non-scaling-stroke}
.line.raw polyline{stroke-width:1}
.line:not(.lead,.marked,.raw) polyline,:root:has(#smooth-0:checked) .line.raw:not(.lead) polyline{stroke-dasharray:5 3;stroke-linecap:butt}
.line.mean,.fig .log{display:none}
.fig .event{stroke:var(--no);stroke-width:1.5;stroke-dasharray:2 3}
.fig .cross *{stroke:var(--ink);stroke-width:1;vector-effect:non-scaling-stroke}
.fig .cross path{stroke-width:7;stroke-linecap:round}
.charts .fig{touch-action:pan-y}
:root:has(#smooth-1:checked) .line.m1,:root:has(#smooth-2:checked) .line.m2,:root:has(#smooth-3:checked) .line.m3{display:inline}
:root:has(#smooth-1:checked,#smooth-2:checked,#smooth-3:checked) .line.raw{opacity:.35}
:root:has(#scale-log:checked) .fig .log{display:inline}
:root:has(#scale-log:checked) .fig .linear{display:none}
.legend .swatch{display:inline-block;width:1.6em;height:0;border-top:3px solid var(--slate);vertical-align:middle;margin-inline-end:.5em}
.legend .swatch.lead{border-color:var(--gold)}
.legend .swatch.second{border-top-style:dashed}
.legend .swatch.marked{position:relative}
.legend .swatch.marked::after{content:"";position:absolute;left:calc(50% - 4px);top:-5.5px;border:4px solid var(--slate);border-radius:50%}
.legend .swatch.event{border-top:3px dotted var(--no)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:.9rem;margin-top:1rem}
.charts figure{min-width:0}
.charts .fig{margin-inline-start:3.4rem;width:calc(100% - 3.4rem)}
.readout span{display:inline-block}
#curves-keys{margin-top:-.4rem}
.readout{display:block;min-height:1.5em;margin-top:.4rem;font-size:.875rem;color:var(--soft)}
.choices{display:flex;flex-wrap:wrap;gap:0 2rem}
@media (max-width:30rem){
.choices .filter{margin:.5rem 0}
.choices legend{float:none;width:100%;margin-bottom:.3rem}
.readout{min-height:3em}
}
@media (forced-colors:active){.line,.line.lead,.fig .event,.fig .cross *{stroke:CanvasText}}
)css";
}

}  // namespace cupel::report
