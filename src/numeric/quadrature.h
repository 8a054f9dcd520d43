#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace cupel::numeric {

/// Points and weights of a quadrature rule: Σ weights[i]·f(points[i]).
struct QuadratureRule {
  std::vector<double> points;   ///< [n], ascending
  std::vector<double> weights;  ///< [n], > 0
};

/// The Gauss-Hermite rule for a standard normal Z: Σ w_i·f(x_i) = E f(Z) for every polynomial f of
/// degree below 2n.
///
/// Shapes: n points, symmetric about 0; the weights sum to 1.
/// Errors: kInvalidArgument - n outside [1, 128].
/// Cost:   O(n³): about 1 ms for 32 points.
/// Source: Golub & Welsch 1969, "Calculation of Gauss quadrature rules": the points are the roots
/// of the Hermite polynomial of degree n, the weights its Christoffel numbers.
Result<QuadratureRule> gauss_hermite(int64_t n);

}  // namespace cupel::numeric
