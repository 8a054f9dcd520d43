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

namespace {

// The continued fraction of I_x(a, b), by Lentz's method; converges fast for x < (a+1)/(a+b+2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10'000;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m < kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1;
    for (const double term : {even, odd}) {
      d = 1 / away_from_zero(1 + term * d);
      c = away_from_zero(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (std::abs(change - 1) < 1e-15) {
      break;
    }
  }
  return fraction;
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double student_t_cdf(double t, double degrees) {
  const double tail = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2;
  return t > 0 ? 1 - tail : tail;
}

double student_t_quantile(double p, double degrees) {
  if (p < 0.5) {
    return -student_t_quantile(1 - p, degrees);
  }
  double low = 0;
  double high = 1;
  while (student_t_cdf(high, degrees) < p && high < 1e300) {
    high *= 2;
  }
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (student_t_cdf(middle, degrees) < p ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

namespace {

/// x^a·e^(−x)/Γ(a), the factor of both expansions below.
double gamma_front(double a, double x) {
  return std::exp(a * std::log(x) - x - std::lgamma(a));
}

/// The lower incomplete gamma function P(a, x), for x < a + 1, where its series converges fast.
double gamma_series(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (double n = a + 1; term > 1e-17 * sum; ++n) {
    term *= x / n;
    sum += term;
  }
  return sum * gamma_front(a, x);
}

/// The upper incomplete gamma function Q(a, x), for x ≥ a + 1, by Lentz's method.
double gamma_fraction(double a, double x) {
  constexpr int kMostTerms = 100'000;
  double b = x + 1 - a;
  double c = 1e300;
  double d = 1 / b;
  double fraction = d;
  for (int n = 1; n < kMostTerms; ++n) {
    const double coefficient = -n * (n - a);
    b += 2;
    d = 1 / (coefficient * d + b);
    c = b + coefficient / c;
    fraction *= c * d;
    if (std::abs(c * d - 1) < 1e-16) {
      break;
    }
  }
  return fraction * gamma_front(a, x);
}

/// P(a, x) and Q(a, x) for x > 0, the smaller of them without cancellation.
struct GammaTails {
  double lower = 0;
  double upper = 0;
};
GammaTails gamma_tails(double a, double x) {
  if (x < a + 1) {
    const double lower = gamma_series(a, x);
    return {lower, 1 - lower};
  }
  const double upper = gamma_fraction(a, x);
  return {1 - upper, upper};
}

}  // namespace

double chi_square_survival(double x, double degrees) {
  if (!(x > 0)) {
    return std::isnan(x) ? x : 1;
  }
  return std::isinf(x) ? 0 : gamma_tails(degrees / 2, x / 2).upper;
}

double chi_square_quantile(double p, double degrees) {
  if (p <= 0 || p >= 1) {
    return p <= 0 ? 0 : std::numeric_limits<double>::infinity();
  }
  const auto below = [&](double x) {
    const GammaTails tails = gamma_tails(degrees / 2, x / 2);
    return p < 0.5 ? tails.lower < p : tails.upper > 1 - p;
  };
  double low = 0;
  double high = degrees;
  while (below(high)) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 1000 && high - low > 1e-15 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (below(middle) ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

double fair_coin_p_value(int64_t k, int64_t n) {
  CUPEL_CHECK(k >= 0 && k <= n, "successes are some of the trials");
  // A fair coin's distribution is symmetric and falls from its middle: both tails, from k outwards.
  const auto tail = static_cast<double>(std::min(k, n - k));
  const auto trials = static_cast<double>(n);
  double term = std::exp(std::lgamma(trials + 1) - std::lgamma(tail + 1) -
                         std::lgamma(trials - tail + 1) - trials * std::numbers::ln2);
  double sum = term;
  for (double i = tail; i > 0 && term > 1e-18 * sum; --i) {
    term *= i / (trials - i + 1);
    sum += term;
  }
  return std::min(1.0, 2 * sum);
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
