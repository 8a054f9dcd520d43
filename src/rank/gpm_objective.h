#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "numeric/lbfgs.h"
#include "rank/outcome_groups.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

/// The pairs of some of the battles: each group `counts[g]` times; pairs without a battle are left
/// out.
std::vector<PairTotal> counted_totals(std::span<const OutcomeGroup> groups,
                                      std::span<const int64_t> counts);

/// The penalised negative log-likelihood of a general preference model,
///
///   f = −Σ w·[y ln σ(s_ab) + (1 − y) ln σ(−s_ab)] + ½·lambda_v·‖V‖² + ½·ridge·‖β‖²
///   s_ij = β_i − β_j + Σ_l (a_il·b_jl − b_il·a_jl)
///
/// Unknowns: x = β [M], then V [M, dim] row by row, a model's row being (a_1, b_1, a_2, b_2, …).
struct GpmObjective {
  std::span<const PairTotal> pairs;
  size_t models = 0;
  size_t dim = 0;  ///< even
  double lambda_v = 0;
  double ridge = 0;

  [[nodiscard]] size_t unknowns() const { return models * (1 + dim); }
  /// s_ij at x.
  [[nodiscard]] double log_odds(std::span<const double> x, size_t i, size_t j) const;
  /// The value; writes the gradient.
  double evaluate(std::span<const double> x, std::span<double> gradient) const;
  /// −Σ w·[…] of some pairs, without penalties, nats.
  [[nodiscard]] double negative_log_likelihood(std::span<const double> x,
                                               std::span<const PairTotal> of) const;
};

/// Twice the summed weight over the number of models.
double mean_mass_per_model(std::span<const PairTotal> pairs, size_t models);

/// `x` of β [M] and V [M, dim].
std::vector<double> gpm_unknowns(std::span<const double> beta, const numeric::Matrix& vectors);

/// Gradient, as a share of a model's mean battle weight, of fits that are only compared.
inline constexpr double kGpmCoarse = 1e-5;
/// A local minimum near `start`; `share` as above. Errors: as `minimise_lbfgs`.
Result<numeric::LbfgsResult> minimise_gpm(const GpmObjective& objective,
                                          std::span<const double> start,
                                          double share);

/// Where the residuals of a fit without vectors point: what the vectors have to explain.
struct SkewStart {
  numeric::Matrix vectors;  ///< [M, dim] orthonormal columns, the leading planes of R
  /// The largest singular value of R, R_ab = won − mass·σ(s_ab) antisymmetric: with a penalty above
  /// it V = 0 is a local minimum.
  double largest = 0;
};
/// Orthogonal iteration on R from a block of seeded normal numbers.
///
/// `places` [M] orders the models by what the data say of them, so that the numbers do not depend
/// on their indices. Source: Golub & Van Loan 2013, section 7.3.2; planes of a real skew-symmetric
/// matrix: x and Rᵀx/σ.
SkewStart skew_start(std::span<const PairTotal> pairs,
                     std::span<const double> beta,
                     size_t dim,
                     std::span<const uint64_t> places,
                     uint64_t seed);

}  // namespace cupel::rank
