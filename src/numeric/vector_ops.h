#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace cupel::numeric {

/// Σ a·b over the length of `a`, which `b` has too.
inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// The largest |value|, 0 of none; NaN where one is: a maximum would lose it, and it would pass for
/// convergence.
inline double max_abs(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isnan(value)) {
      return value;
    }
    largest = std::max(largest, std::abs(value));
  }
  return largest;
}

/// Where rounding hides any further descent, a gradient of so many tolerances still counts as
/// converged; above that a minimiser has failed, however flat the function looks there.
inline constexpr double kMostAtStall = 1000;

}  // namespace cupel::numeric
