#include "numeric/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>

#include "base/error.h"
#include "numeric/vector_ops.h"

namespace cupel::numeric {
namespace {

constexpr double kDecrease = 1e-4;    // share of the promised decrease that a step must bring
constexpr double kCurvature = 0.9;    // share of the slope that may remain after a step
constexpr int kMostEvaluations = 40;  // of one line search

struct Point {
  std::vector<double> x;
  std::vector<double> gradient;
  double value = 0;
};

/// What is known of one place along the direction.
struct Probe {
  double step = 0;
  double value = 0;
  double slope = 0;
};

/// Looks for a step along a direction of descent.
class LineSearch {
 public:
  LineSearch(SmoothFunction function, const Point& from, std::span<const double> direction)
      : function_(function), from_(from), direction_(direction) {
    zero_ = {.step = 0, .value = from.value, .slope = dot(from.gradient, direction)};
    // Values this close above the first are equal to rounding: Hager & Zhang's ε.
    slack_ = 1e-11 * std::abs(from.value) + 1e-300;
  }
  [[nodiscard]] double slope() const { return zero_.slope; }

  /// Writes the accepted point; false when no step helps.
  bool run(double first_step, Point& out) {
    std::optional<Probe> high;
    Probe low = zero_;
    double step = first_step;
    for (int i = 0; i < kMostEvaluations; ++i) {
      const Probe probe = evaluate(step, out);
      if (accepted(probe)) {
        return true;
      }
      const bool usable = std::isfinite(probe.value) && std::isfinite(probe.slope);
      if (usable && probe.slope < 0 && probe.value <= zero_.value + slack_) {
        low = probe;  // still going down: the step was too short
      } else {
        high = probe;
      }
      step = high.has_value() ? inside(low, *high) : 4 * step;
      if (!(step > low.step) || (high.has_value() && !(step < high->step))) {
        return false;  // the bracket is down to neighbouring numbers
      }
    }
    return false;
  }

 private:
  Probe evaluate(double step, Point& out) {
    for (size_t i = 0; i < direction_.size(); ++i) {
      out.x[i] = from_.x[i] + step * direction_[i];
    }
    out.value = function_(out.x, out.gradient);
    return {.step = step, .value = out.value, .slope = dot(out.gradient, direction_)};
  }
  [[nodiscard]] bool accepted(const Probe& probe) const {
    if (!(probe.slope >= kCurvature * zero_.slope)) {
      return false;
    }
    return probe.value <= zero_.value + kDecrease * probe.step * zero_.slope ||
           (probe.value <= zero_.value + slack_ &&
            probe.slope <= (2 * kDecrease - 1) * zero_.slope);
  }
  /// Where the slope would vanish between two probes, kept away from both ends.
  static double inside(const Probe& low, const Probe& high) {
    const double width = high.step - low.step;
    double share = 0.5;
    if (std::isfinite(high.slope) && high.slope > 0) {
      share = std::clamp(low.slope / (low.slope - high.slope), 0.1, 0.9);
    }
    return low.step + share * width;
  }

  SmoothFunction function_;
  const Point& from_;
  std::span<const double> direction_;
  Probe zero_;
  double slack_ = 0;
};

/// The last steps and what they did to the gradient: an estimate of the inverse Hessian.
class Memory {
 public:
  explicit Memory(size_t most) : most_(most) {}

  void clear() { pairs_.clear(); }
  void add(const Point& before, const Point& after) {
    Pair pair{.step = after.x, .change = after.gradient};
    for (size_t i = 0; i < pair.step.size(); ++i) {
      pair.step[i] -= before.x[i];
      pair.change[i] -= before.gradient[i];
    }
    const double curvature = dot(pair.step, pair.change);
    // Without positive curvature the estimate would lose its positive definiteness.
    if (!(curvature > 1e-14 * std::sqrt(dot(pair.step, pair.step)) *
                          std::sqrt(dot(pair.change, pair.change)))) {
      return;
    }
    pair.inverse_curvature = 1 / curvature;
    pairs_.push_back(std::move(pair));
    if (pairs_.size() > most_) {
      pairs_.pop_front();
    }
  }
  /// Writes minus the estimated inverse Hessian times the gradient (two-loop recursion).
  void direction(std::span<const double> gradient, std::span<double> out) {
    std::transform(gradient.begin(), gradient.end(), out.begin(), [](double g) { return -g; });
    for (size_t k = pairs_.size(); k-- > 0;) {
      Pair& pair = pairs_[k];
      pair.alpha = pair.inverse_curvature * dot(pair.step, out);
      add_scaled(out, -pair.alpha, pair.change);
    }
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      const double scale = 1 / (last.inverse_curvature * dot(last.change, last.change));
      for (double& value : out) {
        value *= scale;
      }
    }
    for (const Pair& pair : pairs_) {
      const double beta = pair.inverse_curvature * dot(pair.change, out);
      add_scaled(out, pair.alpha - beta, pair.step);
    }
  }
  [[nodiscard]] bool empty() const { return pairs_.empty(); }

 private:
  struct Pair {
    std::vector<double> step;
    std::vector<double> change;
    double inverse_curvature = 0;
    double alpha = 0;
  };
  static void add_scaled(std::span<double> out, double factor, std::span<const double> values) {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] += factor * values[i];
    }
  }
  size_t most_;
  std::deque<Pair> pairs_;
};

/// One minimisation in progress.
class Descent {
 public:
  Descent(SmoothFunction function, std::span<const double> start, const LbfgsOptions& options)
      : function_(function),
        options_(options),
        memory_(static_cast<size_t>(options.memory)),
        current_{.x = {start.begin(), start.end()}, .gradient = std::vector<double>(start.size())},
        next_(current_),
        direction_(start.size()) {
    current_.value = function(current_.x, current_.gradient);
  }
  [[nodiscard]] bool starts_finite() const {
    return std::isfinite(current_.value) && std::isfinite(max_abs(current_.gradient));
  }
  LbfgsResult run() {
    for (int64_t iteration = 0;; ++iteration) {
      const double norm = max_abs(current_.gradient);
      const bool done = norm <= options_.gradient_tolerance;
      if (done || iteration >= options_.max_iterations) {
        return result(iteration, norm, done);
      }
      if (!step(norm)) {
        // No descent left above rounding error: the gradient says whether this is a minimum.
        return result(iteration, norm, norm <= kMostAtStall * options_.gradient_tolerance);
      }
    }
  }

 private:
  /// Moves on; false when even the steepest descent leads nowhere.
  bool step(double norm) {
    memory_.direction(current_.gradient, direction_);
    if (!memory_.empty()) {
      LineSearch search(function_, current_, direction_);
      if (search.slope() < 0 && search.run(1, next_)) {
        accept();
        return true;
      }
      memory_.clear();
      memory_.direction(current_.gradient, direction_);
    }
    LineSearch search(function_, current_, direction_);
    if (!search.run(std::min(1.0, 1 / norm), next_)) {
      return false;
    }
    accept();
    return true;
  }
  void accept() {
    memory_.add(current_, next_);
    std::swap(current_, next_);
  }
  LbfgsResult result(int64_t iterations, double norm, bool converged) {
    return {.x = std::move(current_.x),
            .value = current_.value,
            .iterations = iterations,
            .gradient_norm = norm,
            .converged = converged};
  }

  SmoothFunction function_;
  const LbfgsOptions& options_;
  Memory memory_;
  Point current_;
  Point next_;
  std::vector<double> direction_;
};

}  // namespace

Result<LbfgsResult> minimise_lbfgs(SmoothFunction function,
                                   std::span<const double> start,
                                   const LbfgsOptions& options) {
  CUPEL_CHECK(options.memory >= 1 && options.memory <= 100, "memory is 1 to 100 pairs");
  Descent descent(function, start, options);
  if (!descent.starts_finite()) {
    return failed_precondition("lbfgs: the function is not finite at the start");
  }
  return descent.run();
}

}  // namespace cupel::numeric
