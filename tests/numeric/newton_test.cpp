#include "numeric/newton.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "numeric/logistic.h"

namespace cupel::numeric {
namespace {

/// ½·xᵀdiag(scale)x - bᵀx: one Newton step from anywhere.
class Quadratic : public ConvexObjective {
 public:
  [[nodiscard]] size_t dimension() const override { return 2; }
  double evaluate(std::span<const double> x, std::span<double> gradient) const override {
    gradient[0] = 2 * x[0] - 4;
    gradient[1] = 10 * x[1] + 5;
    return x[0] * x[0] - 4 * x[0] + 5 * x[1] * x[1] + 5 * x[1];
  }
  void hessian(std::span<const double> /*x*/, Matrix& out) const override {
    out(0, 0) = 2;
    out(1, 1) = 10;
  }
};

/// -[s·ln σ(x) + (1 - s)·ln σ(-x)]: minimum at logit(s); for s = 1 there is none.
class Bernoulli : public ConvexObjective {
 public:
  explicit Bernoulli(double share) : share_(share) {}
  [[nodiscard]] size_t dimension() const override { return 1; }
  double evaluate(std::span<const double> x, std::span<double> gradient) const override {
    gradient[0] = sigmoid(x[0]) - share_;
    return share_ * log1p_exp(-x[0]) + (1 - share_) * log1p_exp(x[0]);
  }
  void hessian(std::span<const double> x, Matrix& out) const override {
    out(0, 0) = sigmoid(x[0]) * sigmoid(-x[0]);
  }

 private:
  double share_;
};

/// scale·√(1 + x²) + offset: pure Newton from x = 3 diverges (x ← -x³), backtracking must save it.
class Hyperbola : public ConvexObjective {
 public:
  explicit Hyperbola(double scale = 1, double offset = 0) : scale_(scale), offset_(offset) {}
  [[nodiscard]] size_t dimension() const override { return 1; }
  double evaluate(std::span<const double> x, std::span<double> gradient) const override {
    const double root = std::sqrt(1 + x[0] * x[0]);
    gradient[0] = scale_ * x[0] / root;
    return scale_ * root + offset_;
  }
  void hessian(std::span<const double> x, Matrix& out) const override {
    out(0, 0) = scale_ * std::pow(1 + x[0] * x[0], -1.5);
  }

 private:
  double scale_;
  double offset_;
};

/// Depends on x0 - x1 alone: the Hessian is singular.
class Flat : public ConvexObjective {
 public:
  [[nodiscard]] size_t dimension() const override { return 2; }
  double evaluate(std::span<const double> x, std::span<double> gradient) const override {
    const double d = x[0] - x[1] - 1;
    gradient[0] = d;
    gradient[1] = -d;
    return 0.5 * d * d;
  }
  void hessian(std::span<const double> /*x*/, Matrix& out) const override {
    out(0, 0) = out(1, 1) = 1;
    out(1, 0) = out(0, 1) = -1;
  }
};

class NotFinite : public Quadratic {
 public:
  double evaluate(std::span<const double> /*x*/, std::span<double> gradient) const override {
    gradient[0] = gradient[1] = 1;
    return std::numeric_limits<double>::quiet_NaN();
  }
};

TEST(MinimiseNewton, SolvesAQuadraticInOneStep) {
  const auto result = minimise_newton(Quadratic(), std::vector<double>{100, -100});
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->x[0], 2, 1e-12);
  EXPECT_NEAR(result->x[1], -0.5, 1e-12);
  EXPECT_EQ(result->iterations, 1);
  EXPECT_LE(result->gradient_norm, 1e-9);
}

TEST(MinimiseNewton, FindsTheLogOdds) {
  for (const double share : {0.5, 0.1, 0.73, 0.999}) {
    const auto result =
        minimise_newton(Bernoulli(share), std::vector<double>{0}, {.gradient_tolerance = 1e-12});
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_NEAR(result->x[0], logit(share), 1e-8);
  }
}

TEST(MinimiseNewton, DampsStepsThatOvershoot) {
  const auto result = minimise_newton(Hyperbola(), std::vector<double>{3});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_NEAR(result->x[0], 0, 1e-8);
}

TEST(MinimiseNewton, AFlatValueIsNoConvergence) {
  // Beside 10¹⁶ the value's fall of 2 from x = 3 to the minimum is below its rounding, and a whole
  // step leads away; the gradient, 0.95, says that this is no minimum.
  const auto result = minimise_newton(Hyperbola(1, 1e16), std::vector<double>{3});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
  EXPECT_NE(result.error().message.find("stuck after 0 iterations (gradient 0.949"),
            std::string::npos)
      << result.error().message;
}

TEST(MinimiseNewton, AccuracyDoesNotDependOnTheScale) {
  for (const double scale : {1e-25, 1e-10, 1e10}) {
    const auto result = minimise_newton(Hyperbola(scale), std::vector<double>{3},
                                        {.gradient_tolerance = 1e-9 * scale});
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_NEAR(result->x[0], 0, 1e-8) << scale;
  }
}

TEST(MinimiseNewton, RoundingNearTheMinimumIsConvergence) {
  // The same with an offset that hides falls below 10⁻¹⁰ only: from 0.5 the steps go on by the
  // gradient, which no offset hides.
  const auto result =
      minimise_newton(Hyperbola(1, 1e6), std::vector<double>{0.5}, {.gradient_tolerance = 1e-14});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_NEAR(result->x[0], 0, 1e-11);
}

TEST(MinimiseNewton, HandlesASingularHessian) {
  const auto result = minimise_newton(Flat(), std::vector<double>{5, 5});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_NEAR(result->x[0] - result->x[1], 1, 1e-9);
}

TEST(MinimiseNewton, NeverReturnsUnconverged) {
  const auto result =
      minimise_newton(Bernoulli(0.99), std::vector<double>{0}, {.max_iterations = 2});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kDeadline);
  EXPECT_NE(result.error().message.find("no convergence in 2 iterations"), std::string::npos);
}

TEST(MinimiseNewton, RefusesANonFiniteStart) {
  const auto result = minimise_newton(NotFinite(), std::vector<double>{0, 0});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
}

TEST(Logistic, IsStableInBothTails) {
  EXPECT_DOUBLE_EQ(log1p_exp(1000), 1000);
  EXPECT_DOUBLE_EQ(log1p_exp(-1000), 0);
  EXPECT_DOUBLE_EQ(log1p_exp(0), std::log(2.0));
  EXPECT_DOUBLE_EQ(sigmoid(-1000), 0);
  EXPECT_DOUBLE_EQ(sigmoid(1000), 1);
  EXPECT_NEAR(sigmoid(-40), std::exp(-40.0), 1e-30);
  EXPECT_NEAR(sigmoid(logit(0.3)), 0.3, 1e-15);
}

}  // namespace
}  // namespace cupel::numeric
