#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "numeric/dense.h"
#include "numeric/graph_laplacian.h"
#include "numeric/newton.h"
#include "rank/battle_table.h"
#include "rank/pair_totals.h"
#include "rank/tie_model.h"

namespace cupel::rank {

/// What a likelihood of pairs is made of. Spans must outlive the objective.
struct PairwiseModel {
  std::span<const PairTotal> items;       ///< one per pair, or per battle where features differ
  std::span<const double> features = {};  ///< [items, K] row-major; empty: none
  size_t models = 0;                      ///< M
  size_t feature_count = 0;               ///< K
  TieModel ties = TieModel::kHalfWin;
  bool estimate_tie_parameter = false;  ///< with kDavidson and kRaoKupper, where there are ties
  double ridge = 0;                     ///< ½·ridge·‖β‖² on the summed loss, ≥ 0
  double feature_ridge = 0;             ///< ½·feature_ridge·‖γ‖² likewise
};

/// The one objective of all ratings by likelihood. With δ = β_a − β_b + zᵀγ,
///
///   f(β, γ, θ) = −Σ w·ln P(outcome | δ, θ) + ½·ridge·‖β‖² + ½·feature_ridge·‖γ‖²
///
/// and P that of the tie model. Parameters are x = (β [M], γ [K], θ [0 or 1]).
/// A constant added to β changes nothing but the penalty, so the Hessian has that direction as its
/// null space; a rank-one term there keeps it invertible. Gradients are orthogonal to it, so steps
/// and covariances are those of the mean-zero gauge. Above `kMostDenseParameters` no Hessian is
/// held: steps come from conjugate gradients over the pairs.
class PairwiseObjective : public numeric::ConvexObjective {
 public:
  static constexpr size_t kMostDenseParameters = 1200;

  explicit PairwiseObjective(const PairwiseModel& model);

  [[nodiscard]] size_t dimension() const override {
    return model_.models + model_.feature_count + (has_theta() ? 1 : 0);
  }
  double evaluate(std::span<const double> x, std::span<double> gradient) const override;
  void gradient(std::span<const double> x, std::span<double> out) const override;
  /// The largest entry as a share of what it sums over: the weight of a model's battles (and its
  /// ridge), or of all battles. A model of few votes among millions is fitted as well as the
  /// others.
  [[nodiscard]] double gradient_size(std::span<const double> gradient) const override;
  void hessian(std::span<const double> x, numeric::Matrix& out) const override;
  Result<Ok> newton_step(std::span<const double> x,
                         std::span<const double> gradient,
                         std::span<double> step) const override;

  [[nodiscard]] const PairwiseModel& model() const { return model_; }
  [[nodiscard]] bool has_theta() const { return model_.estimate_tie_parameter; }
  /// −Σ w·ln P, nats.
  [[nodiscard]] double negative_log_likelihood(std::span<const double> x) const;
  /// G = Σ w²·s·sᵀ [P, P] over battles, s the score of one: its second moment when all battles are
  /// independent.
  [[nodiscard]] numeric::Matrix score_moment(std::span<const double> x) const;
  /// ∂(−ln P)/∂δ and ∂(−ln P)/∂θ of one battle without its weight.
  struct Score {
    double d = 0;
    double t = 0;
  };
  [[nodiscard]] Score score(std::span<const double> x,
                            const Battle& battle,
                            std::span<const double> features) const;
  /// The difference δ of an item.
  [[nodiscard]] double delta(std::span<const double> x, size_t item) const;
  /// The pairs with the curvatures Σ w·∂²/∂δ² [items]: the Hessian of β as a graph.
  [[nodiscard]] std::vector<numeric::GraphEdge> edges(std::span<const double> x) const;
  /// Σ w²(y − p)² of each item [items]: `score_moment` as weights of the same graph; half wins
  /// only.
  [[nodiscard]] std::vector<double> score_squares(std::span<const double> x) const;

 private:
  template <typename Link>
  double evaluate_with(std::span<const double> x, std::span<double> gradient) const;
  template <typename Link>
  void hessian_with(std::span<const double> x, numeric::Matrix& out) const;
  template <typename Link>
  void moment_with(std::span<const double> x, numeric::Matrix& out) const;
  void strength_gradient(std::span<const double> x, std::span<double> out) const;
  [[nodiscard]] std::span<const double> features(size_t item) const {
    return model_.features.empty()
               ? model_.features
               : model_.features.subspan(item * model_.feature_count, model_.feature_count);
  }
  [[nodiscard]] double theta(std::span<const double> x) const;
  double penalise(std::span<const double> x, std::span<double> gradient) const;

  PairwiseModel model_;
  std::vector<double> inverse_mass_;  // [P] 1 / what an entry of the gradient sums over
};

}  // namespace cupel::rank
