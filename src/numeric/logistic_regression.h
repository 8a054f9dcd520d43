#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"

namespace cupel::numeric {

/// Observations of a logistic regression without an intercept: row i is 1 with probability
/// σ(x_i·w).
///
/// A label between 0 and 1 is a soft one: it counts as a row of 1 with weight label and a row of 0
/// with weight 1 − label.
struct LogisticData {
  Matrix features;              ///< [n, k], n ≥ 1, k ≥ 1, finite
  std::vector<double> labels;   ///< [n], in [0, 1]
  std::vector<double> weights;  ///< [n], ≥ 0 and finite, not all 0; empty: all 1

  [[nodiscard]] size_t rows() const { return features.rows(); }
  [[nodiscard]] double weight(size_t row) const { return weights.empty() ? 1.0 : weights[row]; }
};

/// Σ weight·[ln(1 + e^{x·w}) − label·x·w] over the rows, nats. `w` is [k].
double logistic_loss(const LogisticData& data, std::span<const double> w);

/// A fitted regression. It is only ever returned converged.
struct LogisticFit {
  std::vector<double> w;   ///< [k]
  double loss = 0;         ///< logistic_loss at w, without a penalty
  int64_t iterations = 0;  ///< Newton steps
};

/// The maximum-likelihood fit, without any penalty.
///
/// Errors: kInvalidArgument - a label, weight or size out of range (names the row);
/// kFailedPrecondition - the features are linearly dependent, or a combination of them tells the
///         labels apart without error, so that some weight would be infinite. Cost: O(n·k²) a step.
/// Source: Newton's method, numeric/newton.h.
Result<LogisticFit> fit_logistic(const LogisticData& data);

/// The fit with a penalty on the size of the weights: the minimum of ‖w‖₁ + cost·logistic_loss(w).
///
/// Large costs come near the unpenalised fit; below some cost all weights are exactly 0.
/// Stops:  no entry of the subgradient of least size exceeds 1e-10 of cost·Σ weight (or of 1).
/// Errors: kInvalidArgument - as above, or a cost that is not positive and finite; kDeadline - no
/// convergence in 1,000 steps. Linearly dependent features are fine. Cost: O(n·k²) a step.
/// Source: Yuan, Ho & Lin 2012, "An improved GLMNET for L1-regularized logistic regression": Newton
/// steps whose quadratic model is minimised by coordinate descent, with backtracking.
Result<LogisticFit> fit_logistic_l1(const LogisticData& data, double cost);

}  // namespace cupel::numeric
