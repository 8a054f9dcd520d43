#include "numeric/sampling.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

/// Pearson's statistic of draws against the exact binomial, cells of expectation < 5 pooled into
/// the tails.
double chi_square(int64_t n, double p, int draws, int& cells) {
  Rng rng(20240601, static_cast<uint64_t>(n));
  std::vector<int64_t> seen(static_cast<size_t>(n) + 1);
  for (int i = 0; i < draws; ++i) {
    const int64_t k = binomial(rng, n, p);
    EXPECT_GE(k, 0);
    EXPECT_LE(k, n);
    ++seen[static_cast<size_t>(k)];
  }
  double statistic = 0;
  double pooled_expected = 0;
  double pooled_seen = 0;
  cells = 0;
  for (int64_t k = 0; k <= n; ++k) {
    const auto x = static_cast<double>(k);
    const auto m = static_cast<double>(n);
    const double log_mass = std::lgamma(m + 1) - std::lgamma(x + 1) - std::lgamma(m - x + 1) +
                            x * std::log(p) + (m - x) * std::log1p(-p);
    pooled_expected += draws * std::exp(log_mass);
    pooled_seen += static_cast<double>(seen[static_cast<size_t>(k)]);
    if (pooled_expected >= 5) {
      statistic +=
          (pooled_seen - pooled_expected) * (pooled_seen - pooled_expected) / pooled_expected;
      pooled_expected = pooled_seen = 0;
      ++cells;
    }
  }
  return statistic;
}

TEST(Binomial, FollowsItsDistribution) {
  // Both algorithms and the mirrored half. Mean + 5 sd of χ² is far beyond p = 1e-4 for these many
  // cells; the seed is fixed, and 20,000 draws would expose a shift of the mean by 0.04 sd.
  const std::vector<std::pair<int64_t, double>> cases = {
      {1, 0.3}, {12, 0.4}, {50, 0.1}, {40, 0.5}, {200, 0.07}, {1000, 0.33}, {500, 0.9}};
  for (const auto& [n, p] : cases) {
    int cells = 0;
    const double statistic = chi_square(n, p, 20000, cells);
    EXPECT_LT(statistic, cells + 5 * std::sqrt(2.0 * cells)) << n << " " << p;
  }
}

TEST(Binomial, CoversTheEdges) {
  Rng rng(1);
  EXPECT_EQ(binomial(rng, 0, 0.5), 0);
  EXPECT_EQ(binomial(rng, 9, 0), 0);
  EXPECT_EQ(binomial(rng, 9, 1), 9);
}

TEST(Multinomial, SpreadsAllTrialsInProportion) {
  const std::vector<int64_t> weights = {5, 0, 25, 70};
  std::vector<int64_t> out(4);
  std::vector<double> sum(4);
  for (uint64_t round = 0; round < 4000; ++round) {
    Rng rng(7, round);
    multinomial(rng, 100, weights, out);
    EXPECT_EQ(std::accumulate(out.begin(), out.end(), int64_t{0}), 100);
    EXPECT_EQ(out[1], 0);
    for (size_t i = 0; i < 4; ++i) {
      sum[i] += static_cast<double>(out[i]);
    }
  }
  // sd of a mean ≤ √(100·0.25/4000) = 0.08; 4.5 of them.
  EXPECT_NEAR(sum[0] / 4000, 5, 0.36);
  EXPECT_NEAR(sum[2] / 4000, 25, 0.36);
  EXPECT_NEAR(sum[3] / 4000, 70, 0.36);
}

}  // namespace
}  // namespace cupel::numeric
