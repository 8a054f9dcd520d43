#include "numeric/linear_solve.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::numeric {
namespace {

TEST(SolveLinear, ReproducesAKnownSolution) {
  Rng rng(1);
  for (const size_t n : {1U, 2U, 5U, 40U}) {
    Matrix a(n, n);
    std::vector<double> x(n);
    std::vector<double> b(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = rng.normal();
      for (size_t j = 0; j < n; ++j) {
        a(i, j) = rng.normal();
      }
    }
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        b[i] += a(i, j) * x[j];
      }
    }
    const auto solved = solve_linear(a, b);
    ASSERT_TRUE(solved.has_value());
    for (size_t i = 0; i < n; ++i) {
      EXPECT_NEAR((*solved)[i], x[i], 1e-10);
    }
  }
}

TEST(SolveLinear, ExchangesRowsForAZeroPivot) {
  Matrix a(2, 2);
  a(0, 1) = 2;
  a(1, 0) = 4;
  const auto x = solve_linear(a, std::vector<double>{6, 8});  // 2y = 6, 4x = 8
  ASSERT_TRUE(x.has_value());
  EXPECT_DOUBLE_EQ((*x)[0], 2);
  EXPECT_DOUBLE_EQ((*x)[1], 3);
}

TEST(SolveLinear, RefusesSingularAndInfiniteMatrices) {
  Matrix singular(2, 2);
  singular(0, 0) = singular(0, 1) = singular(1, 0) = singular(1, 1) = 1;
  EXPECT_EQ(solve_linear(singular, std::vector<double>{1, 2}).error().code,
            Code::kFailedPrecondition);
  Matrix infinite(1, 1);
  infinite(0, 0) = NAN;
  EXPECT_FALSE(solve_linear(infinite, std::vector<double>{1}).has_value());
}

}  // namespace
}  // namespace cupel::numeric
