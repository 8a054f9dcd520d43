#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "rank/battle_table.h"
#include "rank/methods/method.h"
#include "rank/ratings.h"

namespace cupel::rank {

struct GpmOptions {
  int64_t dim = 2;  ///< numbers in a model's vector, even, 0 to 16; 0 is Bradley-Terry
  /// Penalty ½·lambda_v·‖V‖² on the summed loss, ≥ 0; 0: chosen by held-out log-loss.
  double lambda_v = 0;
  double ridge = 0;       ///< penalty ½·ridge·‖β‖², ≥ 0; see BradleyTerryOptions::ridge
  int64_t starts = 4;     ///< seeded starts N(0, 0.1²) beside the spectral one, 0 to 100
  int64_t folds = 5;      ///< of the choice of lambda_v, 2 to 100
  uint64_t seed = 0;      ///< of starts and folds
  bool clustered = true;  ///< battles of one cluster go to one fold
  /// See RatingOptions::resample_of; lambda_v must be given then, as sums do not split into parts.
  const Ratings* resample_of = nullptr;
};

/// One penalty that was tried, and what battles that the fit had not seen cost under it.
struct GpmPenaltyTrial {
  double lambda_v = 0;
  double held_out_log_loss = 0;  ///< nats per unit of battle weight
};

struct GpmFit {
  std::vector<double> beta;  ///< [M] mean zero
  numeric::Matrix vectors;   ///< [M, dim]; only s_ij means anything: axes may be turned at will
  double lambda_v = 0;       ///< the penalty in force
  /// The penalties tried, largest first; empty where lambda_v was given. The first is so large that
  /// no vectors survive: where it wins, held-out battles show no cycles and the fit is
  /// Bradley-Terry.
  std::vector<GpmPenaltyTrial> trials;
  FitReport report;
  std::shared_ptr<const WarmStart> warm;  ///< what resamples start from

  /// s_ij, the log-odds that i beats j.
  [[nodiscard]] double log_odds(size_t i, size_t j) const;
  /// All of them [M, M].
  [[nodiscard]] numeric::Matrix preference() const;
};

/// Fits a general preference model: strengths as in Bradley-Terry plus a vector per model that lets
/// rock beat scissors, scissors paper and paper rock.
///
///   P(i beats j) = σ(s_ij),  s_ij = β_i − β_j + Σ_l (a_il·b_jl − b_il·a_jl)
///
/// Any antisymmetric matrix of log-odds can be written so with M/2 planes (dim = M).
/// Ties:   outcome ½, as in Bradley-Terry.   dim 0: `fit_bradley_terry`.
/// Starts: the loss is not convex and V = 0 is a saddle, so fits start from the leading planes of
///         Bradley-Terry's residuals and from seeded vectors; the lowest loss is kept. A resample
///         starts from the data's fit alone.
/// Penalty: where it is to be chosen, 2^-k times the residuals' largest singular value (k = 0..10),
///         by the log-loss of `folds` random parts held out in turn; ties go to the larger one.
/// Errors: kInvalidArgument - no battles, an odd dim, options out of range, more than 4,096 models
///         (the result is a matrix); kFailedPrecondition - as Bradley-Terry; kDeadline - no
///         convergence.
/// Cost:   O(N) once, O(pairs·dim) per evaluation, some 100 to 1,000 of them per start; times
///         11·folds where the penalty is chosen. Deterministic; thread-safe.
/// Source: Zhang et al. 2024, "Beyond Bradley-Terry models: a general preference model for language
///         model alignment" (arXiv 2410.02197), score of section 4; free vectors instead of
///         embeddings of texts are Cupel's. Checked against: tests/rank/gpm_test.cpp.
Result<GpmFit> fit_gpm(const RatingInput& input, const GpmOptions& options);
Result<GpmFit> fit_gpm(const BattleTable& table, const GpmOptions& options = {});

/// Mean over all models j, i itself included with s_ii = 0, of s_ij [M] in log-odds: for dim 0 the
/// β of Bradley-Terry.
std::vector<double> mean_log_odds(const numeric::Matrix& preference);
/// Mean over the others of σ(s_ij) [M]: the chance to beat a model drawn at random.
std::vector<double> mean_win_probability(const numeric::Matrix& preference);

}  // namespace cupel::rank
