#include "numeric/dense.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace cupel::numeric {
namespace {

Matrix matrix(size_t n, std::initializer_list<double> values) {
  Matrix m(n, n);
  std::copy(values.begin(), values.end(), m.values().begin());
  return m;
}

TEST(Cholesky, SolvesAHandWorkedSystem) {
  // [[4, 2], [2, 3]]·[1, 2] = [8, 8]; det = 8.
  const auto factor = Cholesky::factor(matrix(2, {4, 2, 2, 3}));
  ASSERT_TRUE(factor.has_value());
  std::vector<double> b = {8, 8};
  factor->solve_(b);
  EXPECT_NEAR(b[0], 1, 1e-14);
  EXPECT_NEAR(b[1], 2, 1e-14);
  EXPECT_NEAR(factor->log_determinant(), std::log(8.0), 1e-14);
}

TEST(Cholesky, InverseTimesMatrixIsIdentity) {
  const Matrix a = matrix(3, {5, 1, -2, 1, 4, 0.5, -2, 0.5, 3});
  const auto factor = Cholesky::factor(a);
  ASSERT_TRUE(factor.has_value());
  const Matrix product = multiply(a, factor->inverse());
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(product(i, j), i == j ? 1 : 0, 1e-13);
    }
  }
}

TEST(Cholesky, ReadsOnlyTheLowerTriangle) {
  const auto factor = Cholesky::factor(matrix(2, {4, 999, 2, 3}));
  ASSERT_TRUE(factor.has_value());
  EXPECT_NEAR(factor->log_determinant(), std::log(8.0), 1e-14);
}

TEST(Cholesky, RefusesSingularIndefiniteAndNonFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Matrix& a : {matrix(2, {1, 1, 1, 1}), matrix(2, {1, 2, 2, 1}),
                          matrix(2, {nan, 0, 0, 1}), matrix(1, {0})}) {
    const auto factor = Cholesky::factor(a);
    ASSERT_FALSE(factor.has_value());
    EXPECT_EQ(factor.error().code, Code::kFailedPrecondition);
  }
}

TEST(Cholesky, EmptyMatrixIsFine) {
  const auto factor = Cholesky::factor(Matrix());
  ASSERT_TRUE(factor.has_value());
  EXPECT_EQ(factor->size(), 0U);
}

}  // namespace
}  // namespace cupel::numeric
