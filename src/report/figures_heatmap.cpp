#include "report/figures_heatmap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/format.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/text_width.h"

namespace cupel::report {
namespace {

constexpr double kCell = 26;  // px, with the line between cells
constexpr size_t kLabelColumns = 20;

/// Room for the slanted names of the columns: above the cells, and right of the last one.
struct Room {
  double above = 0;
  double right = 0;
};
// A column of text is about 6.4 px at 12 px, and names rise by 50 degrees.
Room room_for(const std::vector<std::string>& labels) {
  size_t longest = 0;
  for (const std::string& label : labels) {
    longest = std::max(longest, std::min(display_width(label), kLabelColumns));
  }
  const auto columns = static_cast<double>(longest);
  return {18 + 4.9 * columns, 16 + 4.1 * columns};
}

using Rgb = std::array<double, 3>;
struct Scale {
  Rgb low;
  Rgb middle;
  Rgb high;
};
// Numbers upon every step reach 4.5:1 (tests/report/figures_heatmap_test.cpp).
constexpr Scale kLight{{74, 144, 210}, {255, 255, 255}, {236, 140, 30}};
constexpr Scale kDark{{45, 112, 186}, {46, 41, 36}, {164, 90, 10}};

void draw_names(Markup& html, const std::vector<std::string>& labels, double above) {
  const std::string style = "padding-top:" + px(above) + "px";
  html.open("div", {{"class", "heat-names"}, {"style", style}, {"aria-hidden", "true"}});
  for (const std::string& label : labels) {
    html.element("span", {{"dir", "auto"}}, label);
  }
  html.close();
}

void draw_column_names(Markup& svg, const std::vector<std::string>& labels, double above) {
  for (size_t i = 0; i < labels.size(); ++i) {
    const double x = kCell * (static_cast<double>(i) + 0.6);
    svg.element("text",
                {{"class", "slanted"},
                 {"transform", format("translate({} {}) rotate(-50)", px(x), px(above - 8))}},
                cut_to_width(labels[i], kLabelColumns));
  }
}

void draw_square(Markup& svg, std::string_view fill) {
  svg.leaf("rect", {{"width", "25"}, {"height", "25"}, {"fill", fill}});
}

void draw_cell(Markup& svg, const HeatCell& cell, std::string_view place, std::string_view hatch) {
  const std::string style = format("q{}{}", heat_level(cell.share), cell.sparse ? " sparse" : "");
  svg.open("g", {{"class", style}, {"transform", place}}).element("title", cell.note);
  draw_square(svg, {});
  if (cell.sparse) {
    svg.leaf("path", {{"d", "M0 0h25v25H0z"}, {"fill", hatch}});
  }
  svg.element("text", {{"x", "12.5"}, {"y", "17"}}, format("{:.0f}", cell.share * 100)).close();
}

void draw_hatch(Markup& svg, std::string_view id) {
  svg.open("defs").open("pattern", {{"id", id},
                                    {"width", "6"},
                                    {"height", "6"},
                                    {"patternUnits", "userSpaceOnUse"},
                                    {"patternTransform", "rotate(45)"}});
  svg.leaf("line", {{"class", "hatch"}, {"x1", "0"}, {"x2", "0"}, {"y1", "0"}, {"y2", "6"}});
  svg.close().close();
}

void draw_cells(Markup& svg, const HeatMap& map, std::string_view hatch, double above) {
  const size_t models = map.labels.size();
  for (size_t row = 0; row < models; ++row) {
    for (size_t column = 0; column < models; ++column) {
      const std::string place = format("translate({} {})", px(kCell * static_cast<double>(column)),
                                       px(above + kCell * static_cast<double>(row)));
      const HeatCell& cell = map.cells[row * models + column];
      if (row == column) {
        svg.open("g", {{"class", "self"}, {"transform", place}});
        draw_square(svg, {});
        svg.close();
      } else if (std::isfinite(cell.share)) {
        draw_cell(svg, cell, place, hatch);
      }
    }
  }
}

std::string level_rules(bool dark) {
  std::string css;
  for (int level = 0; level < kHeatLevels; ++level) {
    css += format(".q{} rect{{fill:{}}}", level, heat_colour(level, dark));
  }
  return css + format(".heat g text{{fill:{}}}", heat_ink(dark));
}

}  // namespace

int heat_level(double share) {
  constexpr int kLast = kHeatLevels - 1;
  return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kLast));
}

std::string heat_colour(int level, bool dark) {
  constexpr int kMiddle = kHeatLevels / 2;
  const Scale& scale = dark ? kDark : kLight;
  const Rgb& end = level < kMiddle ? scale.low : scale.high;
  const double weight = std::abs(level - kMiddle) / static_cast<double>(kMiddle);
  std::string colour = "#";
  for (size_t i = 0; i < end.size(); ++i) {
    const double value = scale.middle.at(i) + weight * (end.at(i) - scale.middle.at(i));
    colour += format("{:02x}", std::lround(value));
  }
  return colour;
}

std::string heat_ink(bool dark) {
  return dark ? "#ffffff" : "#201b15";
}

std::string heat_map(const HeatMap& map) {
  const size_t models = map.labels.size();
  CUPEL_CHECK(map.cells.size() == models * models, "a heat map has a cell for each pair");
  const double side = kCell * static_cast<double>(models);
  const Room room = room_for(map.labels);
  const std::string hatch_id = map.id + "-hatch";
  Markup html;
  html.open("div", {{"class", "heat"}});
  draw_names(html, map.labels, room.above);
  open_figure(html, {map.id, map.title, map.description, room.above + side + 2, side + room.right});
  draw_hatch(html, hatch_id);
  draw_column_names(html, map.labels, room.above);
  draw_cells(html, map, "url(#" + hatch_id + ")", room.above);
  if (map.framed > 0) {
    const std::string length = px(kCell * static_cast<double>(std::min(map.framed, models)) + 1);
    html.leaf("rect", {{"class", "frame"},
                       {"x", "-1"},
                       {"y", px(room.above - 1)},
                       {"width", length},
                       {"height", length}});
  }
  html.close().close();
  return std::move(html).take();
}

std::string heat_map_css() {
  std::string css = R"css(
.heat{display:flex;width:max-content;padding:.6rem .4rem .8rem 0}
.heat-names{position:sticky;inset-inline-start:0;z-index:1;flex:none;width:clamp(6.6rem,18vw,13rem);padding:0 .6rem 0 .9rem;background:var(--card)}
.heat-names span{display:block;height:26px;line-height:25px;font-size:13px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.heat .fig{flex:none;margin-inline-start:2px}
.scroll:has(>.heat){width:fit-content;max-width:100%}
.heat .slanted{fill:var(--ink);font-size:12px}
.heat g rect,.heat-swatch rect{stroke:var(--line);stroke-width:.5}
.heat g text{text-anchor:middle;font-size:11px}
.heat .self rect{fill:var(--slate);opacity:.35}
.sparse rect{opacity:.5}
.hatch{stroke:var(--soft);stroke-width:1.5;opacity:.55}
.heat .frame{fill:none;stroke:var(--ink);stroke-width:2.5}
)css";
  css += level_rules(false);
  css += "\n@media (prefers-color-scheme:dark){" + level_rules(true) + "}\n";
  // A page in the reader's own colours keeps the numbers and drops the scale.
  css +=
      "@media (forced-colors:active){.heat g rect{fill:Canvas!important;stroke:CanvasText}"
      ".heat g text{fill:CanvasText}}\n";
  return css;
}

}  // namespace cupel::report
