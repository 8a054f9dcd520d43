#include "numeric/sampling.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace cupel::numeric {
namespace {

/// ln k! by Stirling's series (std::lgamma writes a global, so it is no choice for threads).
double log_factorial(int64_t k) {
  if (k < 10) {
    double product = 1;
    for (int64_t i = 2; i <= k; ++i) {
      product *= static_cast<double>(i);
    }
    return std::log(product);
  }
  constexpr double kHalfLog2Pi = 0.91893853320467274178;
  const double x = static_cast<double>(k) + 1;
  const double r = 1 / (x * x);
  const double tail = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r / 1680))) / x;
  return (x - 0.5) * std::log(x) - x + kHalfLog2Pi + tail;
}

/// Walks up the distribution function; for n·p < 10, so q^n does not underflow.
int64_t binomial_by_inversion(Rng& rng, int64_t n, double p) {
  const double q = 1 - p;
  const double odds = p / q;
  double mass = std::exp(static_cast<double>(n) * std::log1p(-p));
  double u = rng.unit();
  int64_t k = 0;
  while (u > mass && k < n) {
    u -= mass;
    mass *= odds * static_cast<double>(n - k) / static_cast<double>(k + 1);
    ++k;
  }
  return k;
}

/// Transformed rejection with squeeze; p ≤ 0.5 and n·p ≥ 10. Names follow the paper.
int64_t binomial_by_rejection(Rng& rng, int64_t n, double p) {
  const double q = 1 - p;
  const double mean = static_cast<double>(n) * p;
  const double spq = std::sqrt(mean * q);
  const double b = 1.15 + 2.53 * spq;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = mean + 0.5;
  const double alpha = (2.83 + 5.1 / b) * spq;
  const double v_r = 0.92 - 4.2 / b;
  const double log_odds = std::log(p / q);
  const auto mode = static_cast<int64_t>((static_cast<double>(n) + 1) * p);
  const double h = log_factorial(mode) + log_factorial(n - mode);
  while (true) {
    const double u = rng.unit() - 0.5;
    const double v = rng.unit();
    const double us = 0.5 - std::abs(u);
    const double x = std::floor((2 * a / us + b) * u + c);
    if (!(x >= 0 && x <= static_cast<double>(n))) {
      continue;
    }
    const auto k = static_cast<int64_t>(x);
    if (us >= 0.07 && v <= v_r) {
      return k;
    }
    const double bound =
        h - log_factorial(k) - log_factorial(n - k) + static_cast<double>(k - mode) * log_odds;
    if (std::log(v * alpha / (a / (us * us) + b)) <= bound) {
      return k;
    }
  }
}

}  // namespace

int64_t binomial(Rng& rng, int64_t n, double p) {
  CUPEL_CHECK(n >= 0 && p >= 0 && p <= 1, "binomial: n >= 0 and p in [0, 1]");
  if (n == 0 || p == 0) {
    return 0;
  }
  if (p > 0.5) {
    return n - binomial(rng, n, 1 - p);
  }
  return static_cast<double>(n) * p < 10 ? binomial_by_inversion(rng, n, p)
                                         : binomial_by_rejection(rng, n, p);
}

void multinomial(Rng& rng,
                 int64_t trials,
                 std::span<const int64_t> weights,
                 std::span<int64_t> out) {
  CUPEL_CHECK(weights.size() == out.size(), "multinomial: one count per weight");
  int64_t mass = 0;
  for (const int64_t weight : weights) {
    mass += weight;
  }
  // Conditional binomials: given the cells before it, cell i is binomial in what is left.
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) {
      out[i] = 0;
      continue;
    }
    out[i] =
        weights[i] == mass
            ? trials
            : binomial(rng, trials, static_cast<double>(weights[i]) / static_cast<double>(mass));
    trials -= out[i];
    mass -= weights[i];
  }
}

}  // namespace cupel::numeric
