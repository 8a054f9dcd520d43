#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace cupel::numeric {

struct LbfgsOptions {
  int64_t max_iterations = 1000;     ///< steps, ≥ 1
  double gradient_tolerance = 1e-9;  ///< converged when max |gradient| is at most this
  int64_t memory = 10;               ///< pairs of steps and gradient changes kept, 1 to 100
};

/// Where a minimisation ended.
struct LbfgsResult {
  std::vector<double> x;  ///< the best point found [n]
  double value = 0;
  int64_t iterations = 0;
  double gradient_norm = 0;  ///< max |gradient| at x
  /// The gradient is within its tolerance, or within kMostAtStall tolerances (vector_ops.h) where
  /// rounding error leaves nothing to gain. False: the iterations ran out, or no descent is found
  /// at a larger gradient; whoever uses x then says so.
  bool converged = false;
};

/// The value at x [n]; writes the gradient [n].
using SmoothFunction = FunctionRef<double(std::span<const double> x, std::span<double> gradient)>;

/// Minimises a smooth function, convex or not, from `start` [n] by limited-memory BFGS.
///
/// A step is taken where it satisfies the Wolfe conditions (1e-4, 0.9), or the approximate ones,
/// which compare slopes instead of values: near a minimum values differ by less than their rounding
/// error while slopes still tell where to go, so gradients shrink to rounding rather than to its
/// square root.
/// Result:  of a function that is not convex a local minimum, which one depends on the start.
/// Errors:  kFailedPrecondition - value or gradient not finite at the start.
/// Cost:    O(memory·n) a step beside one or two evaluations; deterministic.
/// Source:  Nocedal & Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5; approximate
///          Wolfe conditions and bracketing by secants: Hager & Zhang 2005, "A new conjugate
///          gradient method with guaranteed descent and an efficient line search", section 4.
Result<LbfgsResult> minimise_lbfgs(SmoothFunction function,
                                   std::span<const double> start,
                                   const LbfgsOptions& options = {});

}  // namespace cupel::numeric
