#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/axis.h"
#include "report/estimate.h"

namespace cupel::report {

// SVG figures to stand inline in an HTML page.
//
// Fluid: x coordinates are percentages, text and heights are px, so text keeps its size from 320 px
// up. Colours, stroke widths and fonts come from `figure_css()` and the CSS variables it names; the
// page defines those for light and dark. Deterministic: same input, same bytes. Ids are the
// caller's (unique in the page, never data).

/// How a mark is drawn: the best in the accent colour, controls hollow, the others neutral.
enum class MarkKind { kPlain, kLead, kControl };

/// A value with its interval; the mark stands alone where there is none.
struct Whisker {
  std::string label{};
  Estimate estimate{};
  MarkKind kind = MarkKind::kPlain;
  std::string note{};  ///< the numbers in words, right above the whisker or as its tooltip
  std::optional<Interval> outer{};  ///< a wider one, as a box behind: e.g. a simultaneous interval
};

/// Values with intervals, one below the other, labels above each.
struct WhiskerFigure {
  std::string id{};
  std::string title{};
  std::string description{};
  Axis axis{};
  std::optional<double> reference{};  ///< a dashed line, e.g. zero of a difference
  std::vector<Whisker> rows{};
};
std::string whisker_plot(const WhiskerFigure& figure);
/// The same for dozens of rows: 22 px each, the label left and cut to its column, the note a
/// tooltip, tick labels at both ends.
std::string compact_whisker_plot(const WhiskerFigure& figure);

/// One whisker for a table cell, 24 px high, over faint tick lines; decoration beside its numbers,
/// so hidden from screen readers. `data-low`/`data-high` repeat an interval for tests.
std::string whisker_cell(const Axis& axis, const Whisker& row);
/// The axis of such cells for the column's head: tick labels only.
std::string axis_cell(const Axis& axis);

/// One bar of a panel; no value: "no data".
struct PanelBar {
  std::string label{};  ///< one to three characters, e.g. a model's letter
  std::optional<double> value{};
  MarkKind kind = MarkKind::kPlain;
};
/// A few horizontal bars with their numbers, one small multiple of a row of figures.
struct BarPanel {
  std::string id{};
  std::string title{};
  double low = 0;  ///< where bars start
  double high = 1;
  int decimals = 2;
  std::vector<PanelBar> bars{};
};
std::string bar_panel(const BarPanel& panel);

/// How often values fall into equal bins of [low, high].
struct Histogram {
  std::string id{};
  std::string title{};
  double low = 0;
  double high = 1;
  std::vector<int64_t> counts{};
  MarkKind kind = MarkKind::kPlain;
};
/// Counts values into `bins` equal bins; the upper end belongs to the last bin, values outside and
/// not finite ones to none.
std::vector<int64_t> bin_counts(const std::vector<double>& values,
                                double low,
                                double high,
                                int bins);
std::string histogram(const Histogram& figure);

/// Rules for the classes used by the figures; needs --ink --soft --line --gold --slate and --card.
std::string_view figure_css();

}  // namespace cupel::report
