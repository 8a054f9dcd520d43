#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cupel::report {

/// A line through points of ascending x.
struct LineSeries {
  struct Point {
    double x = 0;
    double y = 0;
  };
  std::string name{};
  std::vector<Point> points{};  ///< those whose y is not finite are left out
  bool lead = false;            ///< in the accent colour, above the others
  bool faint = false;           ///< thin and pale: raw values behind a smoothed line
  bool marks = false;           ///< a dot at each point: few of them
};

/// Lines over one x axis. As the other figures: inline SVG that is as wide as its box.
struct LineFigure {
  std::string id{};
  std::string title{};
  std::string description{};
  std::string x_name{};
  bool logarithmic = false;  ///< y; only where all values are above 0, else linear
  std::vector<LineSeries> series{};
};
/// "" where no series has a point.
std::string line_plot(const LineFigure& figure);
std::string line_plot_css();

/// At most about `most` points that keep every stretch's extremes, the first and the last point.
/// Cost: O(n).
std::vector<LineSeries::Point> thinned(const std::vector<LineSeries::Point>& points, size_t most);

/// The exponentially weighted mean with that weight of the past, in [0, 1), corrected for its
/// start.
std::vector<LineSeries::Point> smoothed(const std::vector<LineSeries::Point>& points,
                                        double weight);

}  // namespace cupel::report
