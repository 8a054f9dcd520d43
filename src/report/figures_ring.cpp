#include "report/figures_ring.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/format.h"
#include "report/figure_parts.h"
#include "report/markup.h"
#include "report/text_width.h"

namespace cupel::report {
namespace {

constexpr double kWidth = 252;  // px; what a phone of 320 px has room for
constexpr double kRadius = 74;
constexpr double kNode = 12;
constexpr size_t kNameColumns = 17;

struct Point {
  double x = 0;
  double y = 0;
};
constexpr Point kCentre{kWidth / 2, 116};

Point node(size_t index, size_t count) {
  const double turn = static_cast<double>(index) / static_cast<double>(count) - 0.25;
  const double angle = 2 * std::numbers::pi * turn;
  return {kCentre.x + kRadius * std::cos(angle), kCentre.y + kRadius * std::sin(angle)};
}

/// An arrow between the rims of two nodes, and its label beside the middle: outside, but inside of
/// the lowest arrow, below which names stand.
void draw_arrow(Markup& svg, Point from, Point to, std::string_view label) {
  constexpr double kGap = kNode + 4;
  constexpr double kHead = 9;
  constexpr double kAside = 20;
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  const Point along{(to.x - from.x) / length, (to.y - from.y) / length};
  const Point across{along.y, -along.x};  // clockwise rings have the outside on their left
  const double aside = across.y > 0.8 ? -kAside + 4 : kAside;
  const Point tip{to.x - kGap * along.x, to.y - kGap * along.y};
  const Point neck{tip.x - kHead * along.x, tip.y - kHead * along.y};
  svg.leaf("path", {{"class", "shaft"},
                    {"d", format("M{} {}L{} {}", px(from.x + kGap * along.x),
                                 px(from.y + kGap * along.y), px(neck.x), px(neck.y))}});
  svg.leaf(
      "path",
      {{"class", "head"},
       {"d", format("M{} {}L{} {}L{} {}z", px(tip.x), px(tip.y),
                    px(neck.x + 0.55 * kHead * across.x), px(neck.y + 0.55 * kHead * across.y),
                    px(neck.x - 0.55 * kHead * across.x), px(neck.y - 0.55 * kHead * across.y))}});
  svg.element("text",
              {{"class", "value"},
               {"x", px((from.x + to.x) / 2 + aside * across.x)},
               {"y", px((from.y + to.y) / 2 + aside * across.y + 4)},
               {"text-anchor", "middle"}},
              label);
}

// A name stands centred at its node, or aligned with the edge of the figure that it would leave.
void draw_node(Markup& svg, Point at, size_t index, std::string_view name) {
  constexpr double kColumnWidth = 7.6;  // px, of bold text of 13 px, rather more than less
  const std::string label = cut_to_width(name, kNameColumns);
  const double half = kColumnWidth / 2 * static_cast<double>(display_width(label));
  const bool left = at.x - half < 0;
  const bool right = !left && at.x + half > kWidth;
  const double y = at.y < kCentre.y - 1 ? at.y - kNode - 8 : at.y + kNode + 18;
  svg.leaf("circle", {{"class", "node"}, {"cx", px(at.x)}, {"cy", px(at.y)}, {"r", px(kNode)}});
  svg.element(
      "text",
      {{"class", "number"}, {"x", px(at.x)}, {"y", px(at.y + 4)}, {"text-anchor", "middle"}},
      format("{}", index + 1));
  svg.element("text",
              {{"class", "name"},
               {"x", px(left    ? 0
                        : right ? kWidth
                                : at.x)},
               {"y", px(y)},
               {"text-anchor", left    ? "start"
                               : right ? "end"
                                       : "middle"}},
              label);
}

}  // namespace

std::string ring(const RingFigure& figure) {
  const size_t count = figure.names.size();
  CUPEL_CHECK(count >= 3 && figure.labels.size() == count, "a ring has three or more models");
  Markup svg;
  double lowest = 0;
  for (size_t i = 0; i < count; ++i) {
    lowest = std::max(lowest, node(i, count).y);
  }
  constexpr double kNameBelow = 40;
  open_figure(svg, {figure.id, figure.title, figure.description, lowest + kNameBelow, kWidth});
  for (size_t i = 0; i < count; ++i) {
    draw_arrow(svg, node(i, count), node((i + 1) % count, count), figure.labels[i]);
  }
  for (size_t i = 0; i < count; ++i) {
    draw_node(svg, node(i, count), i, figure.names[i]);
  }
  svg.close();
  return std::move(svg).take();
}

std::string_view ring_css() {
  return R"css(
.ring{width:max-content;max-width:min(100%,22rem);margin-top:.9rem}
.ring .fig{margin-inline:auto}
.ring .shaft{fill:none;stroke:var(--slate);stroke-width:2.5}
.ring .head{fill:var(--slate)}
.fig .node{fill:var(--ink);stroke:none}
.fig .number{fill:var(--card);font-weight:700}
)css";
}

}  // namespace cupel::report
