#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"

namespace cupel::rank {

/// The share of each model in the lottery that no single model beats on average: with shares p,
/// Σ_j s_ij·p_j ≤ 0 for every i. The equilibrium of the game "name a model, the better one wins".
/// A model that beats all others has share 1; in rock-paper-scissors each has a third.
///
/// Shapes: `preference` [M, M], s_ij = −s_ji (log-odds or margins); result [M], sum 1. No model
///         gains more than 1e-6 of the largest |s| against it. Where several lotteries do, the most
///         even one: equal models get equal shares.
/// Errors: kInvalidArgument - not square, not antisymmetric (names the entry), not finite;
///         kUnsupported - more than 1,000 models that only beat one another in circles; kDeadline -
///         not solved.
/// Cost:   O(M²), and about 100 linear systems over the smallest set of models each of which beats
///         all others; deterministic.
/// Source: Fishburn 1984, "Probabilistic social choice based on simple voting comparisons"; solved
/// by
///         following the logit equilibrium (McKelvey & Palfrey 1995) to zero temperature by
///         Newton's method.
Result<std::vector<double>> maximal_lottery(const numeric::Matrix& preference);

/// Three models that beat one another in a circle.
struct PreferenceCycle {
  int32_t i = 0;       ///< beats j
  int32_t j = 0;       ///< beats k
  int32_t k = 0;       ///< beats i
  double weakest = 0;  ///< the smallest of the three log-odds, > 0
};

/// The circles with the largest weakest link, strongest first; each once, led by its smallest
/// index.
///
/// Shapes: `preference` [M, M] log-odds; `models` the indices that are looked at.
/// Cost:   O(n³), n models: at most 512 are looked at, the first ones given.
std::vector<PreferenceCycle> preference_cycles(const numeric::Matrix& preference,
                                               std::span<const int32_t> models,
                                               size_t most);

}  // namespace cupel::rank
