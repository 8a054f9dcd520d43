#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"

namespace cupel::numeric {

/// A smooth convex function of n variables, as `minimise_newton` needs it.
///
/// A function whose Hessian is too large to hold overrides `newton_step` (sparse or iterative
/// solve) and need not implement `hessian`.
class ConvexObjective {
 public:
  virtual ~ConvexObjective() = default;

  [[nodiscard]] virtual size_t dimension() const = 0;
  /// The value at x [n]; writes the gradient [n].
  virtual double evaluate(std::span<const double> x, std::span<double> gradient) const = 0;
  /// Writes the gradient alone; overridden where that is cheaper than `evaluate`.
  virtual void gradient(std::span<const double> x, std::span<double> out) const {
    evaluate(x, out);
  }
  /// The size of a gradient [n], which tolerances are compared with: its largest entry. Overridden
  /// where entries are of very different sizes; then so is what the tolerance means. NaN where an
  /// entry is.
  [[nodiscard]] virtual double gradient_size(std::span<const double> gradient) const;
  /// Writes the Hessian at x [n] into `out` [n, n], which comes zeroed; the lower triangle is
  /// enough.
  virtual void hessian(std::span<const double> x, Matrix& out) const = 0;
  /// Writes the step s [n] that solves H(x)·s = -gradient.
  ///
  /// The default is a dense Cholesky solve; a Hessian that is singular to rounding gets a growing
  /// multiple of the identity. Errors: kFailedPrecondition - no multiple helps (the function is not
  /// convex or not finite).
  virtual Result<Ok> newton_step(std::span<const double> x,
                                 std::span<const double> gradient,
                                 std::span<double> step) const;
};

struct NewtonOptions {
  int64_t max_iterations = 100;      ///< Newton steps, ≥ 1
  double gradient_tolerance = 1e-9;  ///< converged when the gradient's size is at most this
};

/// The factor of the Hessian at x, made positive definite as a Newton step needs it. Errors: as
/// `ConvexObjective::newton_step`.
Result<Cholesky> factor_hessian(const ConvexObjective& objective, std::span<const double> x);

/// Where a minimisation ended. It is only ever returned converged.
struct NewtonResult {
  std::vector<double> x;     ///< the minimiser [n]
  double value = 0;          ///< the function there
  int64_t iterations = 0;    ///< Newton steps taken
  double gradient_norm = 0;  ///< size of the gradient at x
};

/// Minimises a smooth convex function by Newton's method with backtracking.
///
/// Shapes: `start` [n], n = objective.dimension().
/// Stops:  the gradient's size is at most gradient_tolerance; or nothing is left to gain in double
///         precision, as no step lowers the value by more than its rounding error or shrinks the
///         gradient, and the gradient is within kMostAtStall tolerances.
/// Errors: kDeadline - max_iterations passed first; kFailedPrecondition - value not finite at the
///         start, or nothing left to gain at a larger gradient. A result that has not converged is
///         never returned.
/// Source: Boyd & Vandenberghe 2004, "Convex Optimization", algorithm 9.5 (Armijo constant 1e-4,
/// halving).
Result<NewtonResult> minimise_newton(const ConvexObjective& objective,
                                     std::span<const double> start,
                                     const NewtonOptions& options = {});

/// The same by steps of one fixed Hessian, for objectives near one that was minimised before (as
/// bootstrap resamples are): a step costs a gradient and a solve, but no factor. Empty where the
/// steps do not shrink the gradient fast: minimise_newton then has to do it. The result holds no
/// value.
std::optional<NewtonResult> minimise_chord(const ConvexObjective& objective,
                                           std::span<const double> start,
                                           const Cholesky& factor,
                                           const NewtonOptions& options);

}  // namespace cupel::numeric
