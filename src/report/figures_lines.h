#pragma once

#include <cstddef>
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
  bool noisy = false;           ///< a value of each step: readers choose how much it is smoothed
  bool marks = false;           ///< a dot at each point: few of them
};

enum class LineScale {
  kLinear,
  kLogarithmic,  ///< where all values are above 0, else linear
  kEither,       ///< the same, but readers choose; linear at first
};

/// Lines over one x axis. As the other figures: inline SVG that is as wide as its box. What readers
/// choose are radio buttons of write_line_choices(), without a script.
struct LineFigure {
  std::string id{};
  std::string title{};
  std::string description{};
  std::string x_name{};
  LineScale scale = LineScale::kLinear;
  std::vector<LineSeries> series{};
  std::vector<double> events{};  ///< places on the x axis that are marked
  std::string event_name{};
};
/// "" where no series has a point. `data-` attributes repeat the values for line_plot_script().
std::string line_plot(const LineFigure& figure);
std::string_view line_plot_css();
/// Reads values out at the pointer or, by arrow keys, at the crosshair.
std::string_view line_plot_script();

/// How many choices of smoothing readers have; the first is each step alone.
inline constexpr size_t kSmoothings = 4;
/// Which of them is shown at first.
inline constexpr size_t kFirstSmoothing = 2;
/// The weight of the past of a choice, for so many points: of the running mean of a few of them, of
/// an eighth of them at most, or in long runs of a share, so that the line is as calm in a run of
/// any length.
double smoothing_weight(size_t choice, size_t points);

/// At most about `most` points that keep every stretch's extremes, the first and the last point.
/// Cost: O(n).
std::vector<LineSeries::Point> thinned(const std::vector<LineSeries::Point>& points, size_t most);

/// The exponentially weighted mean with that weight of the past, in [0, 1), corrected for its
/// start.
std::vector<LineSeries::Point> smoothed(const std::vector<LineSeries::Point>& points,
                                        double weight);

}  // namespace cupel::report
