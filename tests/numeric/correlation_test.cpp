#include "numeric/correlation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

TEST(Correlation, MatchesHandArithmetic) {
  // One of six pairs is exchanged: τ = (5 − 1)/6; Σd² = 2: ρ = 1 − 6·2/(4·15).
  const std::vector<double> x = {1, 2, 3, 4};
  const std::vector<double> y = {10, 30, 20, 40};
  EXPECT_NEAR(*kendall_tau_b(x, y), 4.0 / 6, 1e-15);
  EXPECT_NEAR(*spearman_rho(x, y), 0.8, 1e-15);
}

TEST(Correlation, TiesShareTheirRanks) {
  // Five concordant pairs, one tied in x: 5/√(5·6). Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4:
  // 4.5/√(4.5·5).
  const std::vector<double> x = {1, 2, 2, 3};
  const std::vector<double> y = {1, 3, 2, 4};
  EXPECT_NEAR(*kendall_tau_b(x, y), 5 / std::sqrt(30.0), 1e-15);
  EXPECT_NEAR(*spearman_rho(x, y), 4.5 / std::sqrt(22.5), 1e-15);
}

TEST(Correlation, IsOneForTheSameOrderAndAbsentForNone) {
  const std::vector<double> x = {3, 1, 2};
  const std::vector<double> reversed = {-3, -1, -2};
  const std::vector<double> constant = {5, 5, 5};
  EXPECT_DOUBLE_EQ(*kendall_tau_b(x, x), 1);
  EXPECT_DOUBLE_EQ(*spearman_rho(x, reversed), -1);
  EXPECT_FALSE(kendall_tau_b(x, constant).has_value());
  EXPECT_FALSE(spearman_rho(constant, x).has_value());
  EXPECT_FALSE(kendall_tau_b(std::vector<double>{1}, std::vector<double>{2}).has_value());
}

}  // namespace
}  // namespace cupel::numeric
