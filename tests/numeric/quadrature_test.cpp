#include "numeric/quadrature.h"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

double expectation(const QuadratureRule& rule, const std::function<double(double)>& f) {
  double sum = 0;
  for (size_t i = 0; i < rule.points.size(); ++i) {
    sum += rule.weights[i] * f(rule.points[i]);
  }
  return sum;
}

TEST(GaussHermite, HasTheTextbookPointsOfSmallRules) {
  // He_2 = x² − 1; He_3 = x³ − 3x with weights 1/6, 2/3, 1/6.
  const auto two = gauss_hermite(2);
  ASSERT_TRUE(two.has_value());
  EXPECT_NEAR(two->points[0], -1, 1e-15);
  EXPECT_NEAR(two->points[1], 1, 1e-15);
  EXPECT_NEAR(two->weights[0], 0.5, 1e-15);
  const auto three = gauss_hermite(3);
  ASSERT_TRUE(three.has_value());
  EXPECT_NEAR(three->points[0], -std::sqrt(3.0), 1e-15);
  EXPECT_EQ(three->points[1], 0);
  EXPECT_NEAR(three->points[2], std::sqrt(3.0), 1e-15);
  EXPECT_NEAR(three->weights[0], 1.0 / 6, 1e-15);
  EXPECT_NEAR(three->weights[1], 2.0 / 3, 1e-15);
  const auto one = gauss_hermite(1);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->points, std::vector<double>{0});
  EXPECT_EQ(one->weights, std::vector<double>{1});
}

TEST(GaussHermite, IntegratesPolynomialsBelowTwiceItsSizeExactly) {
  // E Z^k = (k − 1)!! for even k and 0 for odd k.
  for (const int64_t n : {1, 2, 3, 4, 5, 8, 13, 32}) {
    const auto rule = gauss_hermite(n);
    ASSERT_TRUE(rule.has_value());
    double moment = 1;
    for (int k = 0; k < 2 * n && k <= 20; k += 2) {
      const auto power = [k](double x) { return std::pow(x, k); };
      EXPECT_NEAR(expectation(*rule, power) / moment, 1, 1e-12) << n << " points, degree " << k;
      moment *= k + 1;
    }
    EXPECT_NEAR(expectation(*rule, [](double x) { return x * x * x; }), 0, 1e-12) << n;
  }
}

TEST(GaussHermite, IntegratesSmoothFunctions) {
  for (const int64_t n : {32, 64, 128}) {
    const auto rule = gauss_hermite(n);
    ASSERT_TRUE(rule.has_value());
    // E cos Z = e^(−1/2) and E e^Z = e^(1/2).
    EXPECT_NEAR(expectation(*rule, [](double x) { return std::cos(x); }), std::exp(-0.5), 1e-13);
    EXPECT_NEAR(expectation(*rule, [](double x) { return std::exp(x); }), std::exp(0.5), 1e-13);
  }
}

TEST(GaussHermite, RefusesSizesOutOfRange) {
  for (const int64_t n : {-1, 0, 129}) {
    const auto rule = gauss_hermite(n);
    ASSERT_FALSE(rule.has_value());
    EXPECT_EQ(rule.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cupel::numeric
