#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "rank/methods/method.h"
#include "rank/pairwise_objective.h"
#include "rank/ratings.h"

namespace cupel::rank {

/// A likelihood of pairs to be maximised, and what else is wanted.
struct LikelihoodProblem {
  PairwiseModel model{};
  std::vector<std::string> feature_names{};  ///< [K], for the coefficients
  Covariance covariance = Covariance::kNone;
  /// G of the sandwich at x [P, P]; none: all battles are independent. Needed with kFull only.
  std::function<numeric::Matrix(const PairwiseObjective&, std::span<const double> x)> moment{};
  int64_t max_iterations = 100;  ///< Newton steps; a usual fit takes 4 to 8
  /// Converged when the gradient is below this share of what it sums over
  /// (PairwiseObjective::gradient_size).
  double tolerance = 1e-10;
  const Ratings* start = nullptr;  ///< a fit of similar data to start from
  size_t threads = 0;              ///< of the variances of many models; 0: as many as CPUs
};

/// The one fit of all ratings by likelihood.
///
/// Units:  values in Elo points with mean `kEloMean`; coefficients in natural log-odds (features,
///         η) or as ν.
/// Covariance: the sandwich H⁻¹·G·H⁻¹, right even where the model or the weights are not; up to
///         `PairwiseObjective::kMostDenseParameters` parameters whole, above that the diagonal.
/// Errors: kDeadline - no convergence in time; kFailedPrecondition - values that are not finite, or
///         rounding hides the way to the optimum.
/// Source: sandwich: White 1982, "Maximum likelihood estimation of misspecified models"; Chiang et
///         al. 2024 (arXiv 2403.04132), section 4.
Result<Ratings> maximise_likelihood(const LikelihoodProblem& problem);

/// Penalties beyond that leave nothing of any votes.
inline constexpr double kMostRidge = 1e6;
/// The parameter of all methods by likelihood.
inline constexpr RatingParameter kRidgeParameter = {
    .name = "ridge",
    .value = 0,
    .low = 0,
    .high = kMostRidge,
    .summary = "penalty 0.5*ridge*|beta|^2 on the summed loss (log-odds units)"};

/// The usual problem of a method that looks at pairs alone: half wins or a tie parameter, a ridge,
/// clusters where the table names any.
///
/// Errors: kInvalidArgument - shades of outcomes with a tie parameter; kFailedPrecondition -
/// without
///         a ridge, strengths that would be infinite (see connectivity.h); those of
///         `maximise_likelihood`.
Result<Ratings> fit_pairs(const RatingInput& input,
                          TieModel ties,
                          double ridge,
                          const RatingOptions& options);

/// G = Σ_clusters s_c·s_cᵀ [P, P], s_c the summed score of a cluster: battles of one cluster may
/// depend on each other. Battles without a cluster count as independent. `features` [rows, K].
numeric::Matrix clustered_score_moment(const BattleTable& table,
                                       std::span<const double> features,
                                       const PairwiseObjective& objective,
                                       std::span<const double> x);

}  // namespace cupel::rank
