#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/name_index.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

struct NewmanOptions {
  double tolerance = 1e-12;         ///< converged when ln p and v change by less, > 0
  int64_t max_iterations = 10'000;  ///< ≥ 1; a few hundred are usual
  /// Go half of each step of ln p. Whole steps, which evalica takes, swing for ever between two
  /// values where two models, or two groups, only met each other and nothing was tied.
  bool damped = true;
};

struct NewmanFit {
  /// [M] strengths, positive and not normalised: only their ratios mean anything. With whole steps
  /// they are those that evalica 0.4.2 prints.
  std::vector<double> scores;
  std::vector<double> beta;  ///< [M] ln p less its mean: natural log-odds
  double v = 0;              ///< half of Davidson's tie parameter ν
  int64_t iterations = 0;
  double log_likelihood = 0;  ///< nats
};

/// Strengths and a tie parameter by Newman's fixed-point iteration, as evalica 0.4.2 does it.
///
/// P(i beats j) = p_i/D, P(tie) = 2v·√(p_i·p_j)/D, D = p_i + p_j + 2v·√(p_i·p_j): Davidson's model
/// with ν = 2v, so the result is its maximum of the likelihood. From all p = 1 and v = ½, both
/// updated from the same old values. A maximum-likelihood fit with intervals: method davidson.
/// Ties:   an outcome of their own, no half wins.
/// Errors: kInvalidArgument - no battles, a soft outcome, options out of range;
///         kFailedPrecondition - strengths or v would be infinite: a group that never lost to or
///         never beat or tied the rest, or more ties than wins can hold together (all ties);
///         kDeadline - no convergence.
/// Cost:   O(pairs) an iteration; deterministic; thread-safe.
/// Source: Newman 2023, "Efficient computation of rankings from pairwise comparisons", JMLR 24,
/// with
///         ties; Davidson 1970. Checked against: tests/rank/newman_test.cpp.
Result<NewmanFit> fit_newman(const NameIndex& names,
                             std::span<const PairTotal> pairs,
                             const NewmanOptions& options = {});
Result<NewmanFit> fit_newman(const BattleTable& table, const NewmanOptions& options = {});

}  // namespace cupel::rank
