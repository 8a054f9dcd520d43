#pragma once

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/ratings.h"

namespace cupel::rank {

struct BradleyTerryOptions {
  /// Strength of the penalty ½·ridge·‖β‖² on the summed loss, β in natural log-odds with mean zero;
  /// ≥ 0. The same as a normal prior of variance 1/ridge. 0 (default): plain maximum likelihood.
  /// Whoever sets it says so beside the result.
  double ridge = 0;
  Covariance covariance = Covariance::kFull;
  bool clustered = true;  ///< covariance: sum scores by cluster, where the table names clusters
};

/// Fits Bradley-Terry strengths to pairwise battles by maximum likelihood: P(a beats b) = σ(β_a −
/// β_b).
///
/// Shapes: `table` N rows in any order, M models; result values [M] by model index, covariance [M,
/// M]. Units:  Elo points, 400/ln 10·β; the mean stands at `kEloMean`. The covariance is that of
/// the
///         mean-zero gauge in Elo points squared; an anchor would not change it.
/// Ties:   half a win for each side, kept as one observation of outcome ½.   Counts: c identical
/// battles. Covariance: sandwich H⁻¹·G·H⁻¹, right even where the model or the weights are not; its
/// difference entries
///         V_ii + V_jj − 2·V_ij are what claims about two models need. No small-sample factor.
///         Above 1,200 models only its diagonal (`Ratings::variances`).
/// Errors: kInvalidArgument - no battles, fewer than 2 models, a negative ridge;
/// kFailedPrecondition - models that
///         no battle links, or, without a ridge, a group that never lost to or never beat the rest
///         (its strength would be infinite; the group is named); kDeadline - no convergence.
/// Cost:   O(N) once, then O(pairs + M³) per step, 4 to 8 steps; above 1,200 models O(pairs) per
///         step of a few tens of steps; deterministic; thread-safe.
/// Source: Bradley & Terry 1952; sandwich: Chiang et al. 2024, "Chatbot Arena", §4 (arXiv
///         2403.04132). Checked against: tests/rank/bradley_terry_test.cpp.
Result<Ratings> fit_bradley_terry(const BattleTable& table,
                                  const BradleyTerryOptions& options = {});

}  // namespace cupel::rank
