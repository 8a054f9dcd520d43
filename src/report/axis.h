#pragma once

#include <string>
#include <vector>

namespace cupel::report {

/// A linear axis of a figure; `ticks` lie within [low, high], `decimals` suits their step.
struct Axis {
  double low = 0;
  double high = 1;
  std::vector<double> ticks;
  int decimals = 1;

  /// Where a value stands, in percent of the figure's width. The outer 2% on both sides stay free
  /// for marks and tick labels; values beyond the axis stand at its ends.
  [[nodiscard]] double percent(double value) const;
};

/// An axis with round ends and about `count` ticks that covers both values (low ≤ high; equal ends
/// and values that are not finite get an axis around them all the same).
Axis nice_axis(double low, double high, int count = 4);

/// "37.5%": the coordinate as SVG wants it.
std::string percent_attribute(double percent);

}  // namespace cupel::report
