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

namespace {

// Cells above this weight are few; a table of theirs would be long.
constexpr int64_t kMostTabledWeight = 4096;
constexpr size_t kGuideSize = 256;
/// The Poisson total stays below the trials in all but one of 30,000 draws: four standard
/// deviations of the two together.
constexpr double kMargin = 4;

}  // namespace

MultinomialSampler::PoissonTable MultinomialSampler::poisson_table(double mean) {
  PoissonTable table;
  const double reach = 12 * std::sqrt(mean) + 40;  // what lies beyond is below 2^-64
  table.low = std::max<int64_t>(0, static_cast<int64_t>(mean - reach));
  const auto high = static_cast<int64_t>(mean + reach);
  double sum = 0;
  std::vector<double> masses;
  for (int64_t k = table.low; k <= high; ++k) {
    masses.push_back(std::exp(static_cast<double>(k) * std::log(mean) - mean - log_factorial(k)));
    sum += masses.back();
  }
  double below = 0;
  for (const double mass : masses) {
    below += mass / sum;
    table.cumulative.push_back(below >= 1 ? UINT64_MAX
                                          : static_cast<uint64_t>(std::ldexp(below, 64)));
  }
  table.cumulative.back() = UINT64_MAX;
  uint32_t place = 0;
  for (size_t i = 0; i < kGuideSize; ++i) {
    while (table.cumulative[place] < i << 56U) {
      ++place;
    }
    table.guide.push_back(place);
  }
  return table;
}

int64_t MultinomialSampler::PoissonTable::draw(uint64_t bits) const {
  uint32_t place = guide[bits >> 56U];
  while (cumulative[place] < bits) {
    ++place;
  }
  return low + place;
}

MultinomialSampler::MultinomialSampler(std::span<const int64_t> weights)
    : weights_(weights.begin(), weights.end()) {
  std::vector<int64_t> distinct;
  for (size_t cell = 0; cell < weights_.size(); ++cell) {
    CUPEL_CHECK(weights_[cell] >= 0, "multinomial: weights are not negative");
    total_ += weights_[cell];
    if (weights_[cell] > kMostTabledWeight) {
      large_.push_back(cell);
    } else if (weights_[cell] > 0) {
      small_.push_back(cell);
      small_total_ += weights_[cell];
      ends_.push_back(small_total_);
      distinct.push_back(weights_[cell]);
    }
  }
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  // The number of trials that large cells leave to small ones varies as the Poisson total does.
  const auto total = static_cast<double>(small_total_);
  const double shrink = std::max(0.0, 1 - kMargin * std::sqrt(2 * total) / std::max(total, 1.0));
  for (const int64_t weight : distinct) {
    tables_.push_back(poisson_table(std::max(static_cast<double>(weight) * shrink, 1e-300)));
  }
  for (const size_t cell : small_) {
    const auto found = std::lower_bound(distinct.begin(), distinct.end(), weights_[cell]);
    table_of_.push_back(static_cast<uint32_t>(found - distinct.begin()));
  }
  // A guide for units: bucket b of as many as there are cells begins its search at guide_[b].
  size_t place = 0;
  for (size_t bucket = 0; bucket < small_.size(); ++bucket) {
    const double unit = total * static_cast<double>(bucket) / static_cast<double>(small_.size());
    while (static_cast<double>(ends_[place]) <= unit) {
      ++place;
    }
    guide_.push_back(static_cast<uint32_t>(place));
  }
}

/// The small cell that holds a unit in [0, small_total_).
size_t MultinomialSampler::cell_of(uint64_t unit) const {
  const double share = static_cast<double>(unit) / static_cast<double>(small_total_);
  size_t place = guide_[static_cast<size_t>(share * static_cast<double>(small_.size()))];
  while (place > 0 && ends_[place - 1] > static_cast<int64_t>(unit)) {
    --place;  // rounding of `share`
  }
  while (ends_[place] <= static_cast<int64_t>(unit)) {
    ++place;
  }
  return small_[place];
}

void MultinomialSampler::draw(Rng& rng, std::span<int64_t> out) const {
  CUPEL_CHECK(out.size() == weights_.size(), "multinomial: one count per weight");
  std::fill(out.begin(), out.end(), 0);
  int64_t trials = total_;
  int64_t mass = total_;
  for (const size_t cell : large_) {
    out[cell] = weights_[cell] == mass
                    ? trials
                    : binomial(rng, trials,
                               static_cast<double>(weights_[cell]) / static_cast<double>(mass));
    trials -= out[cell];
    mass -= weights_[cell];
  }
  if (small_.empty()) {
    return;
  }
  Rng local = rng;
  int64_t drawn = 0;
  do {
    drawn = 0;
    for (size_t i = 0; i < small_.size(); ++i) {
      const int64_t count = tables_[table_of_[i]].draw(local.bits());
      out[small_[i]] = count;
      drawn += count;
    }
  } while (drawn > trials);
  for (; drawn < trials; ++drawn) {
    ++out[cell_of(local.below(static_cast<uint64_t>(small_total_)))];
  }
  rng = local;
}

}  // namespace cupel::numeric
