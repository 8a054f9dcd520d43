// Points of lines: what of long runs is drawn.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "report/figures_lines.h"

namespace cupel::report {

using Point = LineSeries::Point;

namespace {

/// A running mean over about so many points.
struct Window {
  double least;  ///< points
  double share;  ///< of all of them, where that is more
};
constexpr double kMostShare = 0.125;  // in short runs too: the mean must not lag behind all of them
constexpr std::array<Window, kSmoothings> kWindows = {
    {{1, 0}, {10.0 / 3, 0.002}, {10, 0.01}, {50, 0.05}}};

}  // namespace

double smoothing_weight(size_t choice, size_t points) {
  const Window& window = kWindows.at(choice);
  const auto count = static_cast<double>(points);
  const double least = std::clamp(kMostShare * count, 1.0, window.least);
  return 1 - 1 / std::max(least, window.share * count);
}

std::vector<Point> thinned(const std::vector<Point>& all, size_t most) {
  std::vector<Point> points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points),
               [](const Point& point) { return std::isfinite(point.y); });
  if (points.size() <= most) {
    return points;
  }
  const size_t stretches = std::max<size_t>(1, most / 2);
  std::vector<Point> kept;
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = points.begin() + static_cast<ptrdiff_t>(points.size() * i / stretches);
    const auto end = points.begin() + static_cast<ptrdiff_t>(points.size() * (i + 1) / stretches);
    const auto [low, high] =
        std::minmax_element(begin, end, [](const Point& a, const Point& b) { return a.y < b.y; });
    kept.push_back(low < high ? *low : *high);
    if (low != high) {
      kept.push_back(low < high ? *high : *low);
    }
  }
  if (kept.front().x != points.front().x) {
    kept.insert(kept.begin(), points.front());
  }
  if (kept.back().x != points.back().x) {
    kept.push_back(points.back());
  }
  return kept;
}

std::vector<Point> smoothed(const std::vector<Point>& points, double weight) {
  std::vector<Point> result;
  double mean = 0;
  double past = 1;
  for (const Point& point : points) {
    if (!std::isfinite(point.y)) {
      continue;
    }
    mean = weight * mean + (1 - weight) * point.y;
    past *= weight;
    result.push_back({point.x, mean / (1 - past)});
  }
  return result;
}

}  // namespace cupel::report
