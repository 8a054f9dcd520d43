#include "rank/separability.h"

#include <cstdint>

namespace cupel::rank {

std::optional<double> separability(size_t n, const ShownBetter& better) {
  if (n < 2) {
    return std::nullopt;
  }
  int64_t apart = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) {
      apart += better(i, j) || better(j, i) ? 1 : 0;
    }
  }
  return static_cast<double>(apart) / (0.5 * static_cast<double>(n) * static_cast<double>(n - 1));
}

std::optional<double> interval_separability(std::span<const numeric::Interval> intervals) {
  return separability(intervals.size(),
                      [&](size_t i, size_t j) { return intervals[i].low > intervals[j].high; });
}

}  // namespace cupel::rank
