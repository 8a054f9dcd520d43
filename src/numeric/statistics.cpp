#include "numeric/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.h"
#include "base/error.h"

namespace cupel::numeric {
namespace {

constexpr double kSqrt2 = std::numbers::sqrt2;
constexpr double kSqrt2Pi = 2.5066282746310005024;

/// The lower half of Φ⁻¹: p in (0, 0.5].
double normal_quantile_lower(double p) {
  const double t = std::sqrt(-2 * std::log(p));
  double x = (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t) - t;
  for (int i = 0; i < 4; ++i) {
    // u = (Φ(x) - p) / φ(x); a Halley step divides by 1 + x·u/2. Three digits become 27 in two
    // steps.
    const double u = (0.5 * std::erfc(-x / kSqrt2) - p) * kSqrt2Pi * std::exp(0.5 * x * x);
    x -= u / (1 + 0.5 * x * u);
  }
  return x;
}

/// The p-quantile by selection, leaving `values` partly ordered.
double select_quantile(std::span<double> values, double p) {
  const double position = p * static_cast<double>(values.size() - 1);
  const auto index = static_cast<size_t>(position);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(values.begin(), nth, values.end());
  const double fraction = position - static_cast<double>(index);
  if (fraction == 0 || index + 1 >= values.size()) {
    return *nth;
  }
  const double above = *std::min_element(nth + 1, values.end());
  return *nth + fraction * (above - *nth);
}

}  // namespace

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / kSqrt2);
}

double normal_quantile(double p) {
  if (p <= 0) {
    return -std::numeric_limits<double>::infinity();
  }
  if (p >= 1) {
    return std::numeric_limits<double>::infinity();
  }
  return p <= 0.5 ? normal_quantile_lower(p) : -normal_quantile_lower(1 - p);
}

double normal_z(double confidence) {
  return -normal_quantile(0.5 * (1 - confidence));
}

double quantile_sorted(std::span<const double> sorted, double p) {
  CUPEL_CHECK(!sorted.empty(), "quantile of nothing");
  const double position = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto index = static_cast<size_t>(position);
  const double fraction = position - static_cast<double>(index);
  if (fraction == 0 || index + 1 >= sorted.size()) {
    return sorted[index];
  }
  return sorted[index] + fraction * (sorted[index + 1] - sorted[index]);
}

Interval percentile_interval_(std::span<double> draws, double confidence) {
  CUPEL_CHECK(!draws.empty(), "percentile interval of nothing");
  const double tail = 0.5 * (1 - confidence);
  const double low = select_quantile(draws, tail);
  return {low, select_quantile(draws, 1 - tail)};
}

Moments moments(std::span<const double> values) {
  CUPEL_CHECK(!values.empty(), "moments of nothing");
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  const auto n = static_cast<double>(values.size());
  Moments result{.mean = sum / n};
  if (values.size() > 1) {
    double squares = 0;
    for (const double value : values) {
      squares += (value - result.mean) * (value - result.mean);
    }
    result.standard_deviation = std::sqrt(squares / (n - 1));
  }
  return result;
}

Result<Interval> wilson_interval(double successes, double trials, double confidence) {
  if (!(trials > 0) || !(successes >= 0) || !(successes <= trials)) {
    return invalid_argument(
        "wilson interval: {:g} successes of {:g} trials; needs 0 <= successes <= trials, trials > "
        "0",
        successes, trials);
  }
  if (!(confidence > 0 && confidence < 1)) {
    return invalid_argument("confidence is {:g}; it must lie between 0 and 1", confidence);
  }
  const double z = normal_z(confidence);
  const double share = successes / trials;
  const double shrink = 1 + z * z / trials;
  const double centre = (share + z * z / (2 * trials)) / shrink;
  const double half =
      z * std::sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / shrink;
  return Interval{std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace cupel::numeric
