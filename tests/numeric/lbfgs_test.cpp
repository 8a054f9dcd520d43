#include "numeric/lbfgs.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"

namespace cupel::numeric {
namespace {

// Rosenbrock 1960: a curved valley with its only minimum, 0, at (1, 1).
double rosenbrock(std::span<const double> x, std::span<double> gradient) {
  const double u = x[1] - x[0] * x[0];
  const double v = 1 - x[0];
  gradient[0] = -400 * x[0] * u - 2 * v;
  gradient[1] = 200 * u;
  return 100 * u * u + v * v;
}

TEST(MinimiseLbfgs, FollowsACurvedValley) {
  const std::vector<double> start = {-1.2, 1};
  const auto result = minimise_lbfgs(&rosenbrock, start, {.gradient_tolerance = 1e-10});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->converged);
  EXPECT_NEAR(result->x[0], 1, 1e-9);
  EXPECT_NEAR(result->x[1], 1, 1e-9);
  EXPECT_LT(result->iterations, 100);  // the textbook needs 30 to 40
}

TEST(MinimiseLbfgs, SolvesAnIllConditionedQuadratic) {
  // ½Σ d_i(x_i − i)², d from 1 to 10,000: the minimiser is i.
  constexpr size_t kN = 60;
  const auto quadratic = [](std::span<const double> x, std::span<double> gradient) {
    double value = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double d = std::pow(10, 4.0 * static_cast<double>(i) / (kN - 1));
      const double off = x[i] - static_cast<double>(i);
      gradient[i] = d * off;
      value += 0.5 * d * off * off;
    }
    return value;
  };
  const auto result = minimise_lbfgs(quadratic, std::vector<double>(kN),
                                     {.max_iterations = 2000, .gradient_tolerance = 1e-9});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->converged);
  for (size_t i = 0; i < kN; ++i) {
    EXPECT_NEAR(result->x[i], static_cast<double>(i), 1e-8);
  }
}

TEST(MinimiseLbfgs, ShrinksGradientsThatValuesNoLongerShow) {
  // 10⁶ + cosh(x − 3) at distance 1e-6 from the minimum differs by 5e-13, below the value's
  // rounding error of 1e-10; a search by values alone would stop at 1e-5.
  const auto function = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = std::sinh(x[0] - 3);
    return 1e6 + std::cosh(x[0] - 3);
  };
  const auto result =
      minimise_lbfgs(function, std::vector<double>{0}, {.gradient_tolerance = 1e-12});
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->x[0], 3, 1e-11);
}

TEST(MinimiseLbfgs, SaysWhenIterationsRanOut) {
  const auto result =
      minimise_lbfgs(&rosenbrock, std::vector<double>{-1.2, 1}, {.max_iterations = 3});
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->converged);
  EXPECT_EQ(result->iterations, 3);
}

TEST(MinimiseLbfgs, AFlatValueIsNoConvergence) {
  // A value that never falls along a gradient that never shrinks.
  const auto function = [](std::span<const double> /*x*/, std::span<double> gradient) {
    gradient[0] = 1;
    return 5.0;
  };
  const auto result = minimise_lbfgs(function, std::vector<double>{0});
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->converged);
  EXPECT_EQ(result->gradient_norm, 1);
}

TEST(MinimiseLbfgs, BacksOffFromInfinity) {
  // x − ln x: minimum 1 at 1; steps that leap below 0 meet NaN.
  const auto function = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);
  };
  for (const double start : {1e-3, 0.5, 50.0}) {
    const auto result =
        minimise_lbfgs(function, std::vector<double>{start}, {.gradient_tolerance = 1e-12});
    ASSERT_TRUE(result.has_value());
    EXPECT_NEAR(result->x[0], 1, 1e-10) << start;
  }
}

TEST(MinimiseLbfgs, RefusesAnInfiniteStart) {
  const auto function = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 1 / x[0];
    return std::log(x[0]);
  };
  const auto result = minimise_lbfgs(function, std::vector<double>{0}, {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace cupel::numeric
