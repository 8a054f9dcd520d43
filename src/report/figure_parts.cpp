#include "report/figure_parts.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"

namespace cupel::report {

std::string_view class_of(MarkKind kind) {
  switch (kind) {
    case MarkKind::kLead:
      return "lead";
    case MarkKind::kControl:
      return "control";
    case MarkKind::kPlain:
      break;
  }
  return "plain";
}

std::string px(double value) {
  return short_text(value, 2);
}

void open_figure(Markup& svg, const FigureFrame& frame) {
  const std::string title_id = std::string(frame.id) + "-t";
  const std::string desc_id = std::string(frame.id) + "-d";
  svg.open("svg", {{"class", "fig"},
                   {"role", "img"},
                   {"width", frame.width > 0 ? px(frame.width) : std::string("100%")},
                   {"height", px(frame.height)},
                   {"aria-labelledby", title_id},
                   {"aria-describedby", desc_id}});
  svg.element("title", {{"id", title_id}}, frame.title);
  svg.element("desc", {{"id", desc_id}}, frame.description);
}

void draw_line(Markup& svg, std::string_view style, double x1, double x2, double y1, double y2) {
  svg.leaf("line", {{"class", style},
                    {"x1", percent_attribute(x1)},
                    {"x2", percent_attribute(x2)},
                    {"y1", px(y1)},
                    {"y2", px(y2)}});
}

void draw_grid(Markup& svg, const Axis& axis, double y1, double y2) {
  for (const double tick : axis.ticks) {
    draw_line(svg, "grid", axis.percent(tick), axis.percent(tick), y1, y2);
  }
}

namespace {

void draw_outer(Markup& svg, const Axis& axis, const Interval& outer, double y) {
  constexpr double kHalf = 6;
  const double low = axis.percent(outer.low);
  svg.leaf("rect", {{"class", "outer"},
                    {"x", percent_attribute(low)},
                    {"y", px(y - kHalf)},
                    {"width", percent_attribute(std::max(0.0, axis.percent(outer.high) - low))},
                    {"height", px(2 * kHalf)}});
}

}  // namespace

// A control's mark is hollow: the plot can be read without colour.
void draw_whisker(Markup& svg, const Axis& axis, const Whisker& row, double y) {
  constexpr double kCap = 4;
  const Estimate& estimate = row.estimate;
  const std::string style = std::string("w ") + std::string(class_of(row.kind));
  const std::string value = short_text(estimate.value, 6);
  if (row.outer && std::isfinite(row.outer->low) && std::isfinite(row.outer->high)) {
    draw_outer(svg, axis, *row.outer, y);
  }
  if (estimate.has_interval()) {
    const double low = axis.percent(estimate.interval->low);
    const double high = axis.percent(estimate.interval->high);
    svg.open("g", {{"class", style},
                   {"data-low", short_text(estimate.interval->low, 6)},
                   {"data-value", value},
                   {"data-high", short_text(estimate.interval->high, 6)}});
    draw_line(svg, "span", low, high, y, y);
    draw_line(svg, "cap", low, low, y - kCap, y + kCap);
    draw_line(svg, "cap", high, high, y - kCap, y + kCap);
  } else {
    svg.open("g", {{"class", style}, {"data-value", value}});
  }
  svg.leaf("circle",
           {{"cx", percent_attribute(axis.percent(estimate.value))}, {"cy", px(y)}, {"r", "5"}});
  svg.close();
}

void draw_tick_labels(Markup& svg, const Axis& axis, double y) {
  // The outer labels may reach beyond the figure: it shows what overflows, and its box has room.
  for (const double tick : axis.ticks) {
    svg.element("text",
                {{"class", "tick"},
                 {"x", percent_attribute(axis.percent(tick))},
                 {"y", px(y)},
                 {"text-anchor", "middle"}},
                signed_text(tick, axis.decimals));
  }
}

}  // namespace cupel::report
