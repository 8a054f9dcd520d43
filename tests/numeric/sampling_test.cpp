#include "numeric/sampling.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

/// Pearson's statistic of how often each count was seen in `draws` draws against the exact
/// binomial, cells of expectation < 5 pooled into the tails.
double chi_square_of(const std::vector<int64_t>& seen, int64_t n, double p, int draws, int& cells) {
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

/// The same of draws made here.
double chi_square(int64_t n, double p, int draws, int& cells) {
  Rng rng(20240601, static_cast<uint64_t>(n));
  std::vector<int64_t> seen(static_cast<size_t>(n) + 1);
  for (int i = 0; i < draws; ++i) {
    const int64_t k = binomial(rng, n, p);
    EXPECT_GE(k, 0);
    EXPECT_LE(k, n);
    ++seen[static_cast<size_t>(k)];
  }
  return chi_square_of(seen, n, p, draws, cells);
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

/// Counts of the cells over many draws, each of which must add up.
std::vector<std::vector<int64_t>> multinomial_draws(const std::vector<int64_t>& weights,
                                                    uint64_t rounds) {
  const MultinomialSampler sampler(weights);
  const int64_t total = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  std::vector<std::vector<int64_t>> draws;
  for (uint64_t round = 0; round < rounds; ++round) {
    Rng rng(7, round);
    std::vector<int64_t> out(weights.size(), -1);
    sampler.draw(rng, out);
    EXPECT_EQ(std::accumulate(out.begin(), out.end(), int64_t{0}), total);
    draws.push_back(std::move(out));
  }
  return draws;
}

TEST(MultinomialSampler, EveryCellIsBinomial) {
  // A few cells, many equal ones, and one far above the tables' limit.
  std::vector<int64_t> many(300, 7);
  many.push_back(90);
  many.push_back(0);
  std::vector<int64_t> huge(40, 25);
  huge.push_back(9000);
  for (const auto& weights : {std::vector<int64_t>{5, 0, 25, 70}, many, huge}) {
    const auto draws = multinomial_draws(weights, 20000);
    const int64_t total = std::accumulate(weights.begin(), weights.end(), int64_t{0});
    for (size_t cell = 0; cell < weights.size(); cell += 1 + weights.size() / 8) {
      if (weights[cell] == 0) {
        continue;
      }
      std::vector<int64_t> seen(static_cast<size_t>(total) + 1);
      for (const auto& draw : draws) {
        ++seen[static_cast<size_t>(draw[cell])];
      }
      int cells = 0;
      const double p = static_cast<double>(weights[cell]) / static_cast<double>(total);
      const double statistic = chi_square_of(seen, total, p, 20000, cells);
      EXPECT_LT(statistic, cells + 5 * std::sqrt(2.0 * cells) + 5) << weights.size() << " " << cell;
    }
  }
}

TEST(MultinomialSampler, CellsTakeFromOneAnother) {
  // Cov = −n·p·q for two cells; here −100·0.25·0.7 = −17.5, known to about 0.25 from 20,000 draws.
  const auto draws = multinomial_draws({5, 0, 25, 70}, 20000);
  double product = 0;
  for (const auto& draw : draws) {
    EXPECT_EQ(draw[1], 0);
    product += static_cast<double>(draw[2] - 25) * static_cast<double>(draw[3] - 70) / 20000;
  }
  EXPECT_NEAR(product, -17.5, 1.0);
}

TEST(MultinomialSampler, IsAFunctionOfTheStream) {
  const std::vector<int64_t> weights(50, 3);
  EXPECT_EQ(multinomial_draws(weights, 3), multinomial_draws(weights, 3));
}

}  // namespace
}  // namespace cupel::numeric
