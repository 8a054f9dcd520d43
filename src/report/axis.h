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

/// The same ticks, but ends no more than a quarter of a step away from the values: for whiskers,
/// which round ends would squeeze. With fewer than two ticks within, the round ends stay.
Axis tight_axis(double low, double high, int count = 4);

/// An axis over the decimal logarithms of values 0 < low ≤ high. Its ticks, about `count`, are
/// logarithms of round numbers: 1, 1.5, 2, 3, 5 and 7 times powers of ten, or fewer of these. Where
/// fewer than two are within, they are those of tight_axis of the logarithms.
Axis logarithmic_axis(double low, double high, int count = 4);

/// The axis cut to [low, high] where it reaches beyond, as scores never do: an axis of a scale from
/// 1 to 10 does not start at 0. A cut end is a tick; one closer than half a step makes way for it.
Axis clipped_axis(Axis axis, double low, double high);

/// "37.5%": the coordinate as SVG wants it.
std::string percent_attribute(double percent);

}  // namespace cupel::report
