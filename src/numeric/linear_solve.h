#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"

namespace cupel::numeric {

/// Solves a·x = b for a square matrix of any kind (a symmetric positive definite one: Cholesky).
///
/// Shapes: a n × n, taken by value because it is factored in place; b [n]; result [n].
/// Errors: kFailedPrecondition - singular to rounding, or not finite.
/// Cost:   2n³/3 operations; deterministic.
/// Source: Gaussian elimination with partial pivoting (Golub & Van Loan 2013, algorithm 3.4.1).
Result<std::vector<double>> solve_linear(Matrix a, std::span<const double> b);

}  // namespace cupel::numeric
