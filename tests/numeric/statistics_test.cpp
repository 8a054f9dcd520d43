#include "numeric/statistics.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

TEST(NormalQuantile, MatchesPrintedTables) {
  // Abramowitz & Stegun 1964, table 26.5 and the usual z values.
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.95), 1.644853626951472, 1e-14);
  EXPECT_NEAR(normal_quantile(0.005), -2.575829303548901, 1e-14);
  EXPECT_NEAR(normal_z(0.95), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
}

TEST(NormalQuantile, InvertsTheDistributionFunctionFarOut) {
  for (const double p : {1e-300, 1e-50, 1e-10, 1e-3, 0.02425, 0.3, 0.5}) {
    EXPECT_NEAR(normal_cdf(normal_quantile(p)) / p, 1, 1e-10) << p;
    if (p > 1e-16) {
      EXPECT_NEAR(normal_quantile(1 - p), -normal_quantile(p), 1e-5) << p;
    }
  }
  EXPECT_EQ(normal_quantile(0), -INFINITY);
  EXPECT_EQ(normal_quantile(1), INFINITY);
}

TEST(QuantileSorted, InterpolatesAsNumpy) {
  const std::vector<double> v = {1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0), 1);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 1), 8);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile_sorted(std::vector<double>{7}, 0.3), 7);
}

TEST(PercentileInterval, EqualsTheSortedQuantiles) {
  std::vector<double> draws;
  for (int i = 0; i < 1001; ++i) {
    draws.push_back(static_cast<double>((i * 377) % 1001));
  }
  std::vector<double> shuffled = draws;
  std::sort(draws.begin(), draws.end());
  for (const double confidence : {0.5, 0.9, 0.95, 0.987}) {
    const Interval interval = percentile_interval_(shuffled, confidence);
    EXPECT_DOUBLE_EQ(interval.low, quantile_sorted(draws, 0.5 * (1 - confidence)));
    EXPECT_DOUBLE_EQ(interval.high, quantile_sorted(draws, 1 - 0.5 * (1 - confidence)));
  }
}

// Values of the distribution tables (97.5% points), and what is known exactly: one degree of
// freedom is Cauchy's distribution, many are the normal.
TEST(StudentT, MatchesTheTables) {
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.706204736432095, 1e-9);
  EXPECT_NEAR(student_t_quantile(0.975, 2), 4.302652729696142, 1e-10);
  EXPECT_NEAR(student_t_quantile(0.975, 5), 2.570581835636314, 1e-10);
  EXPECT_NEAR(student_t_quantile(0.975, 23), 2.068657610419041, 1e-10);
  EXPECT_NEAR(student_t_quantile(0.975, 1e8), normal_quantile(0.975), 1e-6);
  EXPECT_NEAR(student_t_quantile(0.025, 5), -student_t_quantile(0.975, 5), 1e-12);
  EXPECT_NEAR(student_t_cdf(1, 1), 0.75, 1e-14);
  EXPECT_NEAR(student_t_cdf(0, 7), 0.5, 1e-14);
  for (const double degrees : {1.0, 3.5, 30.0, 1000.0}) {
    for (const double p : {0.01, 0.4, 0.5, 0.9, 0.9999}) {
      EXPECT_NEAR(student_t_cdf(student_t_quantile(p, degrees), degrees), p, 1e-12);
    }
  }
}

TEST(ChiSquare, MatchesClosedForms) {
  // Two degrees of freedom: e^(−x/2); four: e^(−x/2)(1 + x/2); one: the normal's two tails.
  for (const double x : {1e-6, 0.1, 1.0, 3.0, 10.0, 80.0, 900.0}) {
    EXPECT_NEAR(chi_square_survival(x, 2) / std::exp(-x / 2), 1, 1e-12) << x;
    EXPECT_NEAR(chi_square_survival(x, 4) / (std::exp(-x / 2) * (1 + x / 2)), 1, 1e-12) << x;
    EXPECT_NEAR(chi_square_survival(x, 1) / std::erfc(std::sqrt(x / 2)), 1, 1e-12) << x;
  }
  EXPECT_EQ(chi_square_survival(0, 3), 1);
  EXPECT_EQ(chi_square_survival(-1, 3), 1);
  EXPECT_EQ(chi_square_survival(INFINITY, 3), 0);
}

TEST(ChiSquare, MatchesTheTables) {
  // Abramowitz & Stegun 1964, table 26.8; 21.1608 is the rank-statistics sheet's.
  EXPECT_NEAR(chi_square_quantile(0.95, 1), 3.841459, 5e-7);
  EXPECT_NEAR(chi_square_quantile(0.95, 5), 11.070498, 5e-7);
  EXPECT_NEAR(chi_square_quantile(0.99, 30), 50.892181, 5e-7);
  EXPECT_NEAR(chi_square_quantile(0.005, 10), 2.155856, 5e-7);
  EXPECT_NEAR(chi_square_quantile(0.98, 10), 21.1608, 5e-5);
  // Many degrees of freedom: Wilson & Hilferty 1931.
  const double h = 2.0 / (9 * 9999);
  EXPECT_NEAR(
      chi_square_quantile(0.95, 9999) / (9999 * std::pow(1 - h + 1.6448536 * std::sqrt(h), 3)), 1,
      1e-6);
}

TEST(ChiSquare, QuantileInvertsTheDistribution) {
  for (const double degrees : {0.5, 1.0, 7.0, 120.0, 9999.0}) {
    for (const double p : {1e-6, 0.025, 0.5, 0.9, 1 - 1e-9}) {
      const double tail = chi_square_survival(chi_square_quantile(p, degrees), degrees);
      EXPECT_NEAR(tail, 1 - p, 1e-12) << degrees << " " << p;
    }
  }
  EXPECT_EQ(chi_square_quantile(0, 3), 0);
  EXPECT_EQ(chi_square_quantile(1, 3), INFINITY);
}

TEST(FairCoinPValue, MatchesHandCounts) {
  EXPECT_NEAR(fair_coin_p_value(2, 10), 2 * (1 + 10 + 45) / 1024.0, 1e-14);
  EXPECT_NEAR(fair_coin_p_value(8, 10), 2 * (1 + 10 + 45) / 1024.0, 1e-14);
  EXPECT_NEAR(fair_coin_p_value(0, 20), 2 / 1048576.0, 1e-16);
  EXPECT_EQ(fair_coin_p_value(5, 10), 1);
  EXPECT_EQ(fair_coin_p_value(0, 0), 1);
  // A million tosses, two standard deviations off: the normal with continuity correction.
  EXPECT_NEAR(fair_coin_p_value(499'000, 1'000'000), 2 * normal_cdf(-(1000 - 0.5) / 500), 1e-6);
}

TEST(Moments, UseTheSampleDeviation) {
  const Moments m = moments(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(m.mean, 5);
  EXPECT_DOUBLE_EQ(m.standard_deviation, std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(moments(std::vector<double>{3}).standard_deviation, 0);
}

TEST(WilsonInterval, MatchesAHandComputation) {
  // 8 of 10 at z = 1.959964: centre (0.8 + 0.19207294)/1.38414588, half-width z·√(0.016 +
  // 0.00960365)/1.384146.
  const auto interval = wilson_interval(8, 10);
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->low, 0.490162, 1e-6);
  EXPECT_NEAR(interval->high, 0.943318, 1e-6);
}

TEST(WilsonInterval, StaysInsideZeroAndOne) {
  EXPECT_DOUBLE_EQ(wilson_interval(0, 5)->low, 0);
  EXPECT_DOUBLE_EQ(wilson_interval(5, 5)->high, 1);
  EXPECT_GT(wilson_interval(0, 5)->high, 0.4);
}

TEST(WilsonInterval, RefusesNonsense) {
  EXPECT_EQ(wilson_interval(0, 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(wilson_interval(3, 2).error().code, Code::kInvalidArgument);
  EXPECT_EQ(wilson_interval(NAN, 2).error().code, Code::kInvalidArgument);
  EXPECT_EQ(wilson_interval(1, 2, 1.0).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::numeric
