#include "numeric/logistic_regression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "numeric/logistic.h"
#include "numeric/newton.h"
#include "numeric/vector_ops.h"

namespace cupel::numeric {
namespace {

constexpr double kTolerance = 1e-10;
constexpr int64_t kMostSteps = 1000;
constexpr double kArmijo = 1e-4;
constexpr int kMostHalvings = 60;
// A Newton step from a minimum is tiny; towards infinity each one still moves a logit by about 1.
constexpr double kDivergingLogit = 0.01;
// Determinant of the features' correlations below which they are taken for dependent.
constexpr double kDependent = 1e-12;

Result<Ok> check(const LogisticData& data) {
  const size_t n = data.rows();
  if (n == 0 || data.features.columns() == 0) {
    return invalid_argument("logistic regression: no rows or no features");
  }
  if (data.labels.size() != n || (!data.weights.empty() && data.weights.size() != n)) {
    return invalid_argument("logistic regression: {} rows, {} labels, {} weights", n,
                            data.labels.size(), data.weights.size());
  }
  double total = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!(data.labels[i] >= 0 && data.labels[i] <= 1)) {
      return invalid_argument("logistic regression: label {} of row {}; expected 0 to 1",
                              data.labels[i], i);
    }
    if (!(data.weight(i) >= 0) || !std::isfinite(data.weight(i))) {
      return invalid_argument("logistic regression: weight {} of row {}; expected 0 or more",
                              data.weight(i), i);
    }
    for (const double feature : data.features.row(i)) {
      if (!std::isfinite(feature)) {
        return invalid_argument("logistic regression: a feature of row {} is not finite", i);
      }
    }
    total += data.weight(i);
  }
  if (!(total > 0) || !std::isfinite(total)) {
    return invalid_argument("logistic regression: the weights sum to {}; expected more than 0",
                            total);
  }
  return Ok{};
}

/// The loss as Newton's method needs it.
class LogisticLoss : public ConvexObjective {
 public:
  explicit LogisticLoss(const LogisticData& data) : data_(data) {}
  [[nodiscard]] size_t dimension() const override { return data_.features.columns(); }

  double evaluate(std::span<const double> w, std::span<double> gradient) const override {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (size_t i = 0; i < data_.rows(); ++i) {
      const std::span<const double> x = data_.features.row(i);
      const double residual = data_.weight(i) * (sigmoid(dot(x, w)) - data_.labels[i]);
      for (size_t j = 0; j < x.size(); ++j) {
        gradient[j] += residual * x[j];
      }
    }
    return logistic_loss(data_, w);
  }

  void hessian(std::span<const double> w, Matrix& out) const override {
    for (size_t i = 0; i < data_.rows(); ++i) {
      const std::span<const double> x = data_.features.row(i);
      const double logit = dot(x, w);
      const double curvature = data_.weight(i) * sigmoid(logit) * sigmoid(-logit);
      for (size_t j = 0; j < x.size(); ++j) {
        for (size_t l = 0; l < x.size(); ++l) {
          out(j, l) += curvature * x[j] * x[l];
        }
      }
    }
  }

 private:
  const LogisticData& data_;
};

/// Below what the gradient counts as zero: 1e-9, more where its sums are so large that their
/// rounding alone comes near it.
double gradient_tolerance(const LogisticData& data) {
  double largest = 0;
  for (size_t j = 0; j < data.features.columns(); ++j) {
    double sum = 0;
    for (size_t i = 0; i < data.rows(); ++i) {
      sum += data.weight(i) * std::abs(data.features(i, j));
    }
    largest = std::max(largest, sum);
  }
  return std::max(1e-9, 1e-12 * largest);
}

/// Whether one column is a combination of the others over the rows that count.
bool dependent(const LogisticData& data) {
  const size_t k = data.features.columns();
  Matrix gram(k, k);
  for (size_t i = 0; i < data.rows(); ++i) {
    const std::span<const double> x = data.features.row(i);
    for (size_t j = 0; j < k; ++j) {
      for (size_t l = 0; l < k; ++l) {
        gram(j, l) += data.weight(i) * x[j] * x[l];
      }
    }
  }
  Matrix scaled(k, k);
  for (size_t j = 0; j < k; ++j) {
    for (size_t l = 0; l < k; ++l) {
      scaled(j, l) = gram(j, l) / std::sqrt(gram(j, j) * gram(l, l));
    }
  }
  const auto factor = Cholesky::factor(scaled);  // fails for NaN, so for a column of zeros
  return !factor.has_value() || factor->log_determinant() < std::log(kDependent);
}

/// Whether `w`, where the gradient has vanished, is no minimum but on the way to infinity.
Result<bool> diverging(const LogisticData& data, std::span<const double> w) {
  const LogisticLoss objective(data);
  std::vector<double> gradient(w.size());
  std::vector<double> step(w.size());
  objective.evaluate(w, gradient);
  CUPEL_TRY_VOID(objective.newton_step(w, gradient, step));
  for (size_t i = 0; i < data.rows(); ++i) {
    if (data.weight(i) > 0 && !(std::abs(dot(data.features.row(i), step)) < kDivergingLogit)) {
      return true;
    }
  }
  return false;
}

double l1_norm(std::span<const double> w) {
  double sum = 0;
  for (const double value : w) {
    sum += std::abs(value);
  }
  return sum;
}

/// The largest entry of the subgradient of ‖w‖₁ + f(w) that is nearest to 0.
double violation(std::span<const double> w, std::span<const double> gradient) {
  double worst = 0;
  for (size_t j = 0; j < w.size(); ++j) {
    const double entry = w[j] != 0 ? std::abs(gradient[j] + (w[j] > 0 ? 1 : -1))
                                   : std::max(std::abs(gradient[j]) - 1, 0.0);
    worst = std::max(worst, entry);
  }
  return worst;
}

/// Writes the step that minimises gradientᵀs + ½·sᵀHs + ‖w + s‖₁, by coordinate descent.
void model_step(const Matrix& hessian,
                std::span<const double> w,
                std::span<const double> gradient,
                std::span<double> step) {
  std::fill(step.begin(), step.end(), 0.0);
  for (int64_t sweep = 0; sweep < kMostSteps; ++sweep) {
    double moved = 0;
    double size = 0;
    for (size_t j = 0; j < w.size(); ++j) {
      const double curvature = hessian(j, j);
      if (!(curvature > 0)) {
        continue;  // a column of zeros: its weight stays where the penalty wants it, at 0
      }
      const double slope = gradient[j] + dot(hessian.row(j), step);
      // The minimum over this coordinate: soft thresholding of where the smooth part alone would
      // go.
      const double target = w[j] + step[j] - slope / curvature;
      const double shrunk = std::max(std::abs(target) - 1 / curvature, 0.0);
      const double next = (target > 0 ? shrunk : -shrunk) - w[j];
      moved = std::max(moved, std::abs(next - step[j]));
      step[j] = next;
      size = std::max(size, std::abs(next) + std::abs(w[j]));
    }
    if (moved <= 1e-15 * size) {
      return;
    }
  }
}

/// ‖w‖₁ + cost·loss and its smooth part's gradient at a point.
struct Iterate {
  std::vector<double> w;
  std::vector<double> gradient;
  double value = 0;
};

class L1Descent {
 public:
  L1Descent(const LogisticData& data, double cost)
      : objective_(data), cost_(cost), scale_(cost * total_weight(data)) {}

  Result<LogisticFit> run() {
    const size_t k = objective_.dimension();
    Iterate current{.w = std::vector<double>(k), .gradient = std::vector<double>(k)};
    Iterate trial = current;
    evaluate(current);
    for (int64_t iteration = 0; iteration < kMostSteps; ++iteration) {
      const double tolerance = kTolerance * std::max(1.0, scale_);
      const double excess = violation(current.w, current.gradient);
      if (excess > tolerance) {
        CUPEL_TRY(const bool moved, step(current, trial));
        if (moved) {
          continue;
        }
      }
      if (!(excess <= kMostAtStall * tolerance)) {
        return failed_precondition(
            "logistic regression: stuck at cost {:.3g} (subgradient {:.3g}, wanted {:.3g})", cost_,
            excess, tolerance);
      }
      const double loss = (current.value - l1_norm(current.w)) / cost_;
      return LogisticFit{std::move(current.w), loss, iteration};
    }
    return deadline_passed("logistic regression: no convergence in {} steps at cost {:.3g}",
                           kMostSteps, cost_);
  }

 private:
  static double total_weight(const LogisticData& data) {
    double sum = 0;
    for (size_t i = 0; i < data.rows(); ++i) {
      sum += data.weight(i);
    }
    return sum;
  }

  void evaluate(Iterate& at) const {
    at.value = l1_norm(at.w) + cost_ * objective_.evaluate(at.w, at.gradient);
    for (double& entry : at.gradient) {
      entry *= cost_;
    }
  }

  /// Moves `current` downhill; false when rounding hides any fall, so that it is the minimum.
  Result<bool> step(Iterate& current, Iterate& trial) const {
    const size_t k = current.w.size();
    Matrix hessian(k, k);
    objective_.hessian(current.w, hessian);
    for (double& entry : hessian.values()) {
      entry *= cost_;
    }
    std::vector<double> direction(k);
    model_step(hessian, current.w, current.gradient, direction);
    for (size_t j = 0; j < k; ++j) {
      trial.w[j] = current.w[j] + direction[j];
    }
    const double promised =
        dot(current.gradient, direction) + l1_norm(trial.w) - l1_norm(current.w);
    const double rounding =
        16 * std::numeric_limits<double>::epsilon() * (1 + std::abs(current.value));
    if (-promised <= rounding) {
      // The value can no longer tell better from worse, but the subgradient can.
      evaluate(trial);
      const bool better =
          violation(trial.w, trial.gradient) < violation(current.w, current.gradient);
      if (better) {
        std::swap(current, trial);
      }
      return better;
    }
    return backtrack(direction, promised, current, trial);
  }

  Result<bool> backtrack(std::span<const double> direction,
                         double promised,
                         Iterate& current,
                         Iterate& trial) const {
    double scale = 1;
    for (int halving = 0; halving < kMostHalvings; ++halving, scale *= 0.5) {
      for (size_t j = 0; j < direction.size(); ++j) {
        trial.w[j] = current.w[j] + scale * direction[j];
      }
      evaluate(trial);
      if (trial.value <= current.value + kArmijo * scale * promised) {
        std::swap(current, trial);
        return true;
      }
    }
    return failed_precondition("logistic regression: no descent along the step at cost {:.3g}",
                               cost_);
  }

  LogisticLoss objective_;
  double cost_;
  double scale_;  // cost·Σ weight: the size that gradient entries have
};

}  // namespace

double logistic_loss(const LogisticData& data, std::span<const double> w) {
  double sum = 0;
  for (size_t i = 0; i < data.rows(); ++i) {
    const double logit = dot(data.features.row(i), w);
    // Two terms of one sign each: label·ln(1 + e^{−logit}) + (1 − label)·ln(1 + e^{logit}).
    sum += data.weight(i) *
           (data.labels[i] * log1p_exp(-logit) + (1 - data.labels[i]) * log1p_exp(logit));
  }
  return sum;
}

Result<LogisticFit> fit_logistic(const LogisticData& data) {
  CUPEL_TRY_VOID(check(data));
  if (dependent(data)) {
    return failed_precondition(
        "logistic regression: the features are linearly dependent, so their weights are not "
        "determined; leave one out");
  }
  const LogisticLoss objective(data);
  const std::vector<double> start(objective.dimension());
  CUPEL_TRY(auto found,
            minimise_newton(objective, start, {.gradient_tolerance = gradient_tolerance(data)}));
  CUPEL_TRY(const bool infinite, diverging(data, found.x));
  if (infinite) {
    return failed_precondition(
        "logistic regression: the features tell the labels apart without error, so that the "
        "weights would be infinite; use a penalty");
  }
  return LogisticFit{std::move(found.x), found.value, found.iterations};
}

Result<LogisticFit> fit_logistic_l1(const LogisticData& data, double cost) {
  CUPEL_TRY_VOID(check(data));
  if (!(cost > 0) || !std::isfinite(cost)) {
    return invalid_argument("logistic regression: cost {}; expected more than 0", cost);
  }
  return L1Descent(data, cost).run();
}

}  // namespace cupel::numeric
