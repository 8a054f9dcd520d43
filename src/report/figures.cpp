#include "report/figures.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

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

struct FigureFrame {
  std::string_view id;
  std::string_view title;
  std::string_view description;
  double height = 0;
};

void open_figure(Markup& svg, const FigureFrame& frame) {
  const std::string title_id = std::string(frame.id) + "-t";
  const std::string desc_id = std::string(frame.id) + "-d";
  svg.open("svg", {{"class", "fig"},
                   {"role", "img"},
                   {"width", "100%"},
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

// A control's mark is hollow: the plot can be read without colour.
void draw_whisker(Markup& svg, const Axis& axis, const Whisker& row, double y) {
  constexpr double kCap = 4;
  const Estimate& estimate = row.estimate;
  const std::string style = std::string("w ") + std::string(class_of(row.kind));
  const std::string value = short_text(estimate.value, 6);
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

double bar_length(const BarPanel& panel, double value) {
  constexpr double kLongest = 62;  // percent; the rest is for the label and the number
  const double span = panel.high - panel.low;
  const double share = span > 0 ? std::clamp((value - panel.low) / span, 0.0, 1.0) : 0.0;
  return kLongest * share;
}

}  // namespace

std::string whisker_plot(const WhiskerFigure& figure) {
  constexpr double kRow = 46;
  constexpr double kLabel = 14;    // baseline of a row's label
  constexpr double kWhisker = 28;  // centre of its whisker
  const double bottom = kRow * static_cast<double>(figure.rows.size());
  Markup svg;
  open_figure(svg, {figure.id, figure.title, figure.description, bottom + 22});
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    const Whisker& row = figure.rows[i];
    const double top = kRow * static_cast<double>(i);
    svg.element("text", {{"class", "name"}, {"x", "0"}, {"y", px(top + kLabel)}}, row.label);
    svg.element("text",
                {{"class", "note"}, {"x", "100%"}, {"y", px(top + kLabel)}, {"text-anchor", "end"}},
                row.note);
    // Lines stay within the whisker's band: labels are never struck through.
    draw_grid(svg, figure.axis, top + kWhisker - 9, top + kWhisker + 9);
    if (figure.reference) {
      const double x = figure.axis.percent(*figure.reference);
      draw_line(svg, "reference", x, x, top + kWhisker - 9, top + kWhisker + 9);
    }
    if (std::isfinite(row.estimate.value)) {
      draw_whisker(svg, figure.axis, row, top + kWhisker);
    }
  }
  draw_tick_labels(svg, figure.axis, bottom + 14);
  svg.close();
  return std::move(svg).take();
}

std::string whisker_cell(const Axis& axis, const Whisker& row) {
  Markup svg;
  svg.open("svg", {{"class", "fig"}, {"width", "100%"}, {"height", "24"}, {"aria-hidden", "true"}});
  draw_grid(svg, axis, 0, 24);
  if (std::isfinite(row.estimate.value)) {
    draw_whisker(svg, axis, row, 12);
  }
  svg.close();
  return std::move(svg).take();
}

std::string axis_cell(const Axis& axis) {
  Markup svg;
  svg.open("svg", {{"class", "fig"}, {"width", "100%"}, {"height", "14"}, {"aria-hidden", "true"}});
  draw_tick_labels(svg, axis, 11);
  svg.close();
  return std::move(svg).take();
}

std::string bar_panel(const BarPanel& panel) {
  constexpr double kRow = 20;
  constexpr double kStart = 14;  // percent; labels stand before it
  std::string description;
  for (const PanelBar& bar : panel.bars) {
    description += description.empty() ? "" : ", ";
    description += bar.label + " ";
    description += bar.value ? signed_text(*bar.value, panel.decimals) : "no data";
  }
  Markup svg;
  open_figure(svg,
              {panel.id, panel.title, description, kRow * static_cast<double>(panel.bars.size())});
  for (size_t i = 0; i < panel.bars.size(); ++i) {
    const PanelBar& bar = panel.bars[i];
    const double top = kRow * static_cast<double>(i);
    svg.element("text", {{"class", "key"}, {"x", "0"}, {"y", px(top + 14)}}, bar.label);
    const bool known = bar.value && std::isfinite(*bar.value);
    const double length = known ? bar_length(panel, *bar.value) : 0;
    svg.leaf("rect", {{"class", std::string("bar ") + std::string(class_of(bar.kind))},
                      {"x", percent_attribute(kStart)},
                      {"y", px(top + 4)},
                      {"width", percent_attribute(length)},
                      {"height", "12"},
                      {"rx", "2"}});
    svg.element("text",
                {{"class", "value"},
                 {"x", percent_attribute(kStart + length)},
                 {"dx", "6"},
                 {"y", px(top + 14)}},
                known ? signed_text(*bar.value, panel.decimals) : "no data");
  }
  svg.close();
  return std::move(svg).take();
}

std::vector<int64_t> bin_counts(const std::vector<double>& values,
                                double low,
                                double high,
                                int bins) {
  std::vector<int64_t> counts(static_cast<size_t>(std::max(1, bins)), 0);
  const double span = high - low;
  if (!(span > 0)) {
    return counts;
  }
  for (const double value : values) {
    if (!(value >= low && value <= high)) {
      continue;
    }
    const double place = (value - low) / span * static_cast<double>(counts.size());
    ++counts[std::min(counts.size() - 1, static_cast<size_t>(place))];
  }
  return counts;
}

std::string histogram(const Histogram& figure) {
  constexpr double kTop = 14;  // room for the count above a full bar
  constexpr double kHeight = 56;
  constexpr double kBase = kTop + kHeight;
  const auto bins = static_cast<double>(std::max<size_t>(1, figure.counts.size()));
  const int64_t most =
      figure.counts.empty() ? 0 : *std::max_element(figure.counts.begin(), figure.counts.end());
  std::string description =
      format("Counts of {} equal bins from {} to {}:", figure.counts.size(),
             typographic_text(short_text(figure.low)), typographic_text(short_text(figure.high)));
  for (const int64_t count : figure.counts) {
    description += format(" {}", count);
  }
  Markup svg;
  open_figure(svg, {figure.id, figure.title, description, kBase + 18});
  for (size_t i = 0; i < figure.counts.size(); ++i) {
    const double share = share_of(figure.counts[i], most).value_or(0);
    const double height = kHeight * share;
    const double x = 100.0 * static_cast<double>(i) / bins;
    svg.leaf("rect", {{"class", std::string("bar ") + std::string(class_of(figure.kind))},
                      {"x", percent_attribute(x + 0.6)},
                      {"y", px(kBase - height)},
                      {"width", percent_attribute(100.0 / bins - 1.2)},
                      {"height", px(height)}});
    if (figure.counts[i] > 0) {
      svg.element("text",
                  {{"class", "tick"},
                   {"x", percent_attribute(x + 50.0 / bins)},
                   {"y", px(kBase - height - 4)},
                   {"text-anchor", "middle"}},
                  count_text(figure.counts[i]));
    }
  }
  draw_line(svg, "base", 0, 100, kBase + 0.5, kBase + 0.5);
  svg.element("text", {{"class", "tick"}, {"x", "0"}, {"y", px(kBase + 14)}},
              typographic_text(short_text(figure.low)));
  svg.element("text",
              {{"class", "tick"}, {"x", "100%"}, {"y", px(kBase + 14)}, {"text-anchor", "end"}},
              typographic_text(short_text(figure.high)));
  svg.close();
  return std::move(svg).take();
}

std::string_view figure_css() {
  return R"css(
.fig{display:block;overflow:visible;font-variant-numeric:tabular-nums}
.fig text{fill:var(--soft);font-size:12px}
.fig .name,.fig .key{fill:var(--ink);font-weight:600}
.fig .name{font-size:13px}
.fig .value{fill:var(--ink)}
.fig .grid{stroke:var(--line)}
.fig .base{stroke:var(--slate)}
.fig .reference{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}
.fig .span{stroke:var(--slate);stroke-width:3}
.fig .cap{stroke:var(--slate);stroke-width:2}
.fig circle{fill:var(--slate);stroke:var(--card);stroke-width:1.5}
.fig .bar{fill:var(--slate)}
.fig .lead .span,.fig .lead .cap{stroke:var(--gold)}
.fig .lead circle,.fig .bar.lead{fill:var(--gold)}
.fig .control .span{stroke-dasharray:4 3;stroke-width:2}
.fig .control circle{fill:var(--card);stroke:var(--slate);stroke-width:2}
.fig .bar.control{fill:none;stroke:var(--slate);stroke-width:1.5}
@media (forced-colors:active){.fig text{fill:CanvasText}.fig line,.fig circle{stroke:CanvasText}.fig circle,.fig .bar{fill:CanvasText}.fig .control circle,.fig .bar.control{fill:Canvas}}
)css";
}

}  // namespace cupel::report
