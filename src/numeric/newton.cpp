#include "numeric/newton.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "numeric/vector_ops.h"

namespace cupel::numeric {
namespace {

constexpr double kArmijo = 1e-4;
constexpr int kMaxHalvings = 60;

/// The point of one iteration and room for the next.
struct Iterate {
  std::vector<double> x;
  std::vector<double> gradient;
  double value = 0;
};

/// Halves the step until the value falls enough, and falls at all: below its rounding error a step
/// of nothing would do. False when rounding error hides any fall.
bool backtrack(const ConvexObjective& objective,
               std::span<const double> step,
               double slope,
               Iterate& current,
               Iterate& trial) {
  double scale = 1;
  for (int halving = 0; halving < kMaxHalvings; ++halving, scale *= 0.5) {
    for (size_t i = 0; i < step.size(); ++i) {
      trial.x[i] = current.x[i] + scale * step[i];
    }
    trial.value = objective.evaluate(trial.x, trial.gradient);
    if (trial.value < current.value && trial.value <= current.value + kArmijo * scale * slope) {
      std::swap(current, trial);
      return true;
    }
  }
  return false;
}

/// Takes the whole step when that shrinks the gradient; false when it does not.
bool polish(const ConvexObjective& objective,
            std::span<const double> step,
            double norm,
            Iterate& current,
            Iterate& trial) {
  for (size_t i = 0; i < step.size(); ++i) {
    trial.x[i] = current.x[i] + step[i];
  }
  trial.value = objective.evaluate(trial.x, trial.gradient);
  if (!(objective.gradient_size(trial.gradient) < norm)) {
    return false;
  }
  std::swap(current, trial);
  return true;
}

}  // namespace

Result<Cholesky> factor_hessian(const ConvexObjective& objective, std::span<const double> x) {
  const size_t n = objective.dimension();
  Matrix h(n, n);
  objective.hessian(x, h);
  double largest = 0;
  for (size_t i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(h(i, i)));
  }
  double damping = 0;
  for (int attempt = 0; attempt < 16; ++attempt) {
    auto factor = Cholesky::factor(h);
    if (factor.has_value()) {
      return factor;
    }
    const double next = damping == 0 ? 1e-12 * std::max(largest, 1e-12) : 10 * damping;
    for (size_t i = 0; i < n; ++i) {
      h(i, i) += next - damping;
    }
    damping = next;
  }
  return failed_precondition("newton: the Hessian is not positive semi-definite or not finite");
}

double ConvexObjective::gradient_size(std::span<const double> gradient) const {
  return max_abs(gradient);
}

Result<Ok> ConvexObjective::newton_step(std::span<const double> x,
                                        std::span<const double> gradient,
                                        std::span<double> step) const {
  CUPEL_TRY(const Cholesky factor, factor_hessian(*this, x));
  for (size_t i = 0; i < step.size(); ++i) {
    step[i] = -gradient[i];
  }
  factor.solve_(step);
  return Ok{};
}

Result<NewtonResult> minimise_newton(const ConvexObjective& objective,
                                     std::span<const double> start,
                                     const NewtonOptions& options) {
  const size_t n = objective.dimension();
  CUPEL_CHECK(start.size() == n, "start has the wrong length");
  Iterate current{.x = {start.begin(), start.end()}, .gradient = std::vector<double>(n)};
  Iterate trial{.x = std::vector<double>(n), .gradient = std::vector<double>(n)};
  std::vector<double> step(n);
  current.value = objective.evaluate(current.x, current.gradient);
  if (!std::isfinite(current.value)) {
    return failed_precondition("newton: the objective is not finite at the start");
  }
  for (int64_t iteration = 0;; ++iteration) {
    const double norm = objective.gradient_size(current.gradient);
    if (norm <= options.gradient_tolerance) {
      return NewtonResult{std::move(current.x), current.value, iteration, norm};
    }
    if (iteration >= options.max_iterations) {
      return deadline_passed(
          "newton: no convergence in {} iterations (gradient {:.3g}, wanted {:.3g}); raise "
          "max_iterations or the tolerance",
          options.max_iterations, norm, options.gradient_tolerance);
    }
    CUPEL_TRY_VOID(objective.newton_step(current.x, current.gradient, step));
    const double slope = dot(current.gradient, step);
    const double rounding = 16 * std::numeric_limits<double>::epsilon() * std::abs(current.value);
    // Where the value can no longer tell better from worse the gradient still can.
    if ((-slope > rounding && backtrack(objective, step, slope, current, trial)) ||
        polish(objective, step, norm, current, trial)) {
      continue;
    }
    if (norm <= kMostAtStall * options.gradient_tolerance) {
      return NewtonResult{std::move(current.x), current.value, iteration, norm};
    }
    return failed_precondition(
        "newton: stuck after {} iterations (gradient {:.3g}, wanted {:.3g}): rounding errors, or a "
        "value and a gradient that disagree, hide any descent",
        iteration, norm, options.gradient_tolerance);
  }
}

std::optional<NewtonResult> minimise_chord(const ConvexObjective& objective,
                                           std::span<const double> start,
                                           const Cholesky& factor,
                                           const NewtonOptions& options) {
  // Slower than this, Newton's own steps are the better choice.
  constexpr double kWorstShrink = 0.3;
  NewtonResult result{.x = {start.begin(), start.end()}};
  std::vector<double> gradient(start.size());
  double norm = std::numeric_limits<double>::infinity();
  for (;; ++result.iterations) {
    objective.gradient(result.x, gradient);
    result.gradient_norm = objective.gradient_size(gradient);
    if (result.gradient_norm <= options.gradient_tolerance) {
      return result;
    }
    if (!(result.gradient_norm < kWorstShrink * norm) ||
        result.iterations == options.max_iterations) {
      return std::nullopt;
    }
    norm = result.gradient_norm;
    factor.solve_(gradient);
    for (size_t i = 0; i < gradient.size(); ++i) {
      result.x[i] -= gradient[i];
    }
  }
}

}  // namespace cupel::numeric
