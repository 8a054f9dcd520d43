#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "numeric/dense.h"
#include "numeric/newton.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// All that the logistic likelihood of one pair of models depends on. Sums run over the pair's
/// battles, each `count` times; w is the weight and y the outcome for a.
struct PairTotal {
  int32_t a = 0;
  int32_t b = 0;
  double mass = 0;   ///< Σ w
  double won = 0;    ///< Σ w·y
  double mass2 = 0;  ///< Σ w²      (this and the next two: the score's variance)
  double won2 = 0;   ///< Σ w²·y
  double won22 = 0;  ///< Σ w²·y²
};

/// Sums a table up by pairs, a < b, sorted. Cost: O(N + M²) up to 1,024 models, else O(N log P).
std::vector<PairTotal> pair_totals(const BattleTable& table);

/// The one objective of the Bradley-Terry family: with δ = β_a − β_b and p = σ(δ),
///
///   f(β) = −Σ w·[y ln p + (1 − y) ln(1 − p)] + ½·ridge·‖β‖²
///
/// A constant added to β changes nothing but the penalty, so the Hessian has the direction 1 as its
/// null space; a rank-one term there keeps it invertible. Gradients are orthogonal to it, so steps
/// and covariances are those of the mean-zero gauge.
class PairwiseLogistic : public numeric::ConvexObjective {
 public:
  /// `pairs` must outlive the objective; ridge ≥ 0 in units of one battle.
  PairwiseLogistic(std::span<const PairTotal> pairs, size_t models, double ridge)
      : pairs_(pairs), models_(models), ridge_(ridge) {}

  [[nodiscard]] size_t dimension() const override { return models_; }
  double evaluate(std::span<const double> beta, std::span<double> gradient) const override;
  void hessian(std::span<const double> beta, numeric::Matrix& out) const override;

  /// −Σ w·[y ln p + (1 − y) ln(1 − p)], nats.
  [[nodiscard]] double negative_log_likelihood(std::span<const double> beta) const;
  /// G = Σ w²(y − p)²·ddᵀ [M, M]: the score's second moment when all battles are independent.
  [[nodiscard]] numeric::Matrix score_moment(std::span<const double> beta) const;

 private:
  std::span<const PairTotal> pairs_;
  size_t models_;
  double ridge_;
};

/// G = Σ_clusters s_c·s_cᵀ [M, M], s_c the summed score of a cluster: battles of one cluster may
/// depend on each other. Battles without a cluster count as independent.
numeric::Matrix clustered_score_moment(const BattleTable& table, std::span<const double> beta);

}  // namespace cupel::rank
