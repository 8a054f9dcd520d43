#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace cupel::numeric {

/// A closed interval, low ≤ high.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Φ(x), the distribution function of the standard normal.
double normal_cdf(double x);
/// Φ⁻¹(p) for p in (0, 1), to about 1e-15 of its size; p ≤ 0 gives -∞ and p ≥ 1 gives +∞.
/// Source: Hastings 1955 as a start, then Halley steps on erfc.
double normal_quantile(double p);
/// The z of a two-sided interval of that confidence in (0, 1): 0.95 → 1.959964.
double normal_z(double confidence);

/// F(t), the distribution function of Student's t with `degrees` > 0 degrees of freedom, to 1e-12.
/// Source: the incomplete beta function I_x(ν/2, 1/2), x = ν/(ν + t²), by its continued fraction
/// (NIST Handbook of Mathematical Functions, 8.17.22).
double student_t_cdf(double t, double degrees);
/// F⁻¹(p) for p in (0, 1).
double student_t_quantile(double p, double degrees);

/// P(X > x), X of the chi-square distribution with `degrees` > 0 degrees of freedom; accurate far
/// out in the tail too (to about 1e-12 of its size).
/// Source: the incomplete gamma function Q(ν/2, x/2), by its series or its continued fraction
/// (NIST Handbook of Mathematical Functions, 8.7.1 and 8.9.2).
double chi_square_survival(double x, double degrees);
/// The x with P(X ≤ x) = p; p ≤ 0 gives 0 and p ≥ 1 gives +∞.
double chi_square_quantile(double p, double degrees);

/// P(an outcome as unlikely as k successes or less likely), n fair coins, 0 ≤ k ≤ n, n ≥ 0: the
/// two-sided sign test, to about 1e-10 of its size. Cost: O(√n).
double fair_coin_p_value(int64_t k, int64_t n);

/// The p-quantile of values sorted upwards (not empty), p in [0, 1], linear between order
/// statistics (Hyndman & Fan 1996, type 7: numpy's and R's default).
double quantile_sorted(std::span<const double> sorted, double p);
/// The central percentile interval of bootstrap draws (not empty, no NaN); reorders `draws`.
/// Quantiles as `quantile_sorted`. Cost: linear.
Interval percentile_interval_(std::span<double> draws, double confidence);

/// Mean and the sample standard deviation (n - 1; 0 for one value) of a non-empty set.
struct Moments {
  double mean = 0;
  double standard_deviation = 0;
};
Moments moments(std::span<const double> values);

/// Wilson's score interval of a share: `successes` of `trials`, in [0, 1].
///
/// Missing: `successes` may be fractional (ties as halves).   Errors: kInvalidArgument - no trials,
/// successes
///          outside [0, trials], or confidence outside (0, 1).
/// Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
Result<Interval> wilson_interval(double successes, double trials, double confidence = 0.95);

}  // namespace cupel::numeric
