#pragma once

#include <string>
#include <string_view>

#include "report/axis.h"
#include "report/figures.h"
#include "report/markup.h"

namespace cupel::report {

// Strokes that figures share; private to the figures. Coordinates: x in percent of the figure's
// width, y in px.

std::string_view class_of(MarkKind kind);
/// A length or place in px as SVG wants it: at most two decimals.
std::string px(double value);

struct FigureFrame {
  std::string_view id;
  std::string_view title;
  std::string_view description;
  double height = 0;  ///< px
  double width = 0;   ///< px; 0: as wide as its box
};
/// `<svg role="img">` with its title and description; close() ends it.
void open_figure(Markup& svg, const FigureFrame& frame);

void draw_line(Markup& svg, std::string_view style, double x1, double x2, double y1, double y2);
void draw_grid(Markup& svg, const Axis& axis, double y1, double y2);
void draw_tick_labels(Markup& svg, const Axis& axis, double y);
/// The outer interval as a box, the interval as a line with caps, the value as a circle.
void draw_whisker(Markup& svg, const Axis& axis, const Whisker& row, double y);

}  // namespace cupel::report
