#include "report/figures.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

double bar_length(const BarPanel& panel, double value) {
  constexpr double kLongest = 62;  // percent; the rest is for the label and the number
  const double span = panel.high - panel.low;
  const double share = span > 0 ? std::clamp((value - panel.low) / span, 0.0, 1.0) : 0.0;
  return kLongest * share;
}

// HTML inside the figure, for it can cut a long name with an ellipsis at any width.
void draw_label(Markup& svg, std::string_view label, double top, double height) {
  svg.open("foreignObject", {{"x", "0"}, {"y", px(top)}, {"width", "33%"}, {"height", px(height)}});
  svg.element("div", {{"class", "label"}, {"dir", "auto"}}, label).close();
}

void draw_compact_row(Markup& svg, const Axis& axis, const Whisker& row, double y) {
  draw_line(svg, "grid", 0, 100, y, y);
  if (!std::isfinite(row.estimate.value)) {
    return;
  }
  svg.open("g").element("title", row.note);
  draw_whisker(svg, axis, row, y);
  svg.close();
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

std::string compact_whisker_plot(const WhiskerFigure& figure) {
  constexpr double kRow = 22;
  constexpr double kHead = 20;
  const double bottom = kHead + kRow * static_cast<double>(figure.rows.size());
  const auto top_of = [&](size_t row) { return kHead + kRow * static_cast<double>(row); };
  Markup svg;
  open_figure(svg, {figure.id, figure.title, figure.description, bottom + 20});
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    draw_label(svg, figure.rows[i].label, top_of(i), kRow);
  }
  // A viewport of its own, so that percentages are those of the plot beside the labels.
  svg.open("svg", {{"x", "34%"}, {"width", "66%"}, {"height", px(bottom + 20)}});
  draw_grid(svg, figure.axis, kHead, bottom);
  if (figure.reference) {
    const double x = figure.axis.percent(*figure.reference);
    draw_line(svg, "reference", x, x, kHead, bottom);
  }
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    draw_compact_row(svg, figure.axis, figure.rows[i], top_of(i) + kRow / 2);
  }
  draw_tick_labels(svg, figure.axis, kHead - 8);
  draw_tick_labels(svg, figure.axis, bottom + 15);
  svg.close().close();
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
.fig svg{overflow:visible}
.fig .label{font-size:13px;line-height:22px;color:var(--ink);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.fig .outer{fill:var(--line)}
.fig .span{stroke:var(--slate);stroke-width:3}
.fig .cap{stroke:var(--slate);stroke-width:2}
.fig circle{fill:var(--slate);stroke:var(--card);stroke-width:1.5}
.fig .bar{fill:var(--slate)}
.fig .lead .span,.fig .lead .cap{stroke:var(--gold)}
.fig .lead circle,.fig .bar.lead{fill:var(--gold)}
.fig .control .span{stroke-dasharray:4 3;stroke-width:2}
.fig .control circle{fill:var(--card);stroke:var(--slate);stroke-width:2}
.fig .bar.control{fill:none;stroke:var(--slate);stroke-width:1.5}
@media (forced-colors:active){.fig .outer{fill:none;stroke:CanvasText}.fig text{fill:CanvasText}.fig line,.fig circle{stroke:CanvasText}.fig circle,.fig .bar{fill:CanvasText}.fig .control circle,.fig .bar.control{fill:Canvas}}
)css";
}

}  // namespace cupel::report
