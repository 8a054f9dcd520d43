#include "report/figures_calibration.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

constexpr double kTop = 32;    // below the name of the upright axis
constexpr double kSide = 300;  // px upright; across it is as wide as the page lets it be
constexpr double kBottom = kTop + kSide;

double y_of(double share) {
  return kBottom - kSide * std::clamp(share, 0.0, 1.0);
}

void draw_frame(Markup& svg, const Axis& axis) {
  draw_grid(svg, axis, kTop, kBottom);
  for (const double tick : axis.ticks) {
    draw_line(svg, "grid", axis.percent(0), axis.percent(1), y_of(tick), y_of(tick));
    const std::string label = percent_text(tick);
    svg.element("text",
                {{"class", "tick"},
                 {"x", percent_attribute(axis.percent(tick))},
                 {"y", px(kBottom + 17)},
                 {"text-anchor", "middle"}},
                label);
    svg.element("text",
                {{"class", "tick"},
                 {"x", "0"},
                 {"dx", "-4"},
                 {"y", px(y_of(tick) + 4)},
                 {"text-anchor", "end"}},
                label);
  }
  draw_line(svg, "reference", axis.percent(0), axis.percent(1), y_of(0), y_of(1));
}

// A viewport of no size of its own: within it x and y count in px from the point.
void draw_point(Markup& svg, const Axis& axis, const CalibrationPoint& point, int64_t most) {
  constexpr double kSmallest = 3.5;
  constexpr double kLargest = 9;
  const double y = y_of(point.observed.value);
  svg.open(
      "svg",
      {{"class", "point"}, {"x", percent_attribute(axis.percent(point.predicted))}, {"y", px(y)}});
  svg.element("title", point.note);
  const double share = std::max(0.0, share_of(point.count, most).value_or(0));
  svg.leaf("circle", {{"r", px(std::max(kSmallest, kLargest * std::sqrt(share)))}});
  if (point.observed.has_interval()) {
    const double low = y_of(point.observed.interval->low) - y;
    const double high = y_of(point.observed.interval->high) - y;
    svg.leaf("path",
             {{"class", "span"},
              {"d", format("M0 {}V{}M-4 {}h8M-4 {}h8", px(low), px(high), px(low), px(high))}});
  }
  svg.close();
}

}  // namespace

std::string calibration_plot(const CalibrationFigure& figure) {
  const Axis axis{.low = 0, .high = 1, .ticks = {0, 0.25, 0.5, 0.75, 1}, .decimals = 2};
  int64_t most = 0;
  for (const CalibrationPoint& point : figure.points) {
    most = std::max(most, point.count);
  }
  Markup svg;
  open_figure(svg, {figure.id, figure.title, figure.description, kBottom + 46});
  svg.open("svg", {{"x", "12%"}, {"width", "86%"}, {"height", px(kBottom + 46)}});
  draw_frame(svg, axis);
  for (const CalibrationPoint& point : figure.points) {
    if (std::isfinite(point.predicted) && std::isfinite(point.observed.value)) {
      draw_point(svg, axis, point, most);
    }
  }
  svg.element("text",
              {{"class", "axis"}, {"x", "50%"}, {"y", px(kBottom + 40)}, {"text-anchor", "middle"}},
              "Predicted win rate");
  svg.close();
  svg.element("text", {{"class", "axis"}, {"x", "0"}, {"y", "14"}}, "Observed win rate");
  svg.close();
  return std::move(svg).take();
}

std::string_view calibration_css() {
  return R"css(
.square{max-width:32rem;margin-top:.9rem}
.fig .axis{fill:var(--ink);font-size:13px;font-weight:600}
.point .span{fill:none;stroke:var(--ink);stroke-width:1.5}
.point circle{fill:var(--gold);stroke:var(--card);stroke-width:1.5}
)css";
}

}  // namespace cupel::report
