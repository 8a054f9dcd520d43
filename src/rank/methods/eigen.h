#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/name_index.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

enum class EigenDirection {
  kWinner,  ///< the right eigenvector of C: beating those who beat others counts more
  /// That of the transpose, as evalica 0.4.2 has it: the weakest model gets the largest entry. For
  /// comparison with it alone.
  kLoser,
};

struct EigenScores {
  std::vector<double> scores;  ///< [M], positive, Euclidean length 1
  double eigenvalue = 0;
  int64_t iterations = 0;
};

/// The dominant eigenvector of C, C_ij the points that i took from j: a model's score is in
/// proportion to the points it took, each weighed by the score of the one it took them from.
///
/// Not a measure of skill: points grow with how often a model is shown.
/// Ties:   half a point for each side.
/// Errors: kFailedPrecondition - a group that never took a point from the rest, or never gave one:
///         its scores or those of the rest would be zero (the group is named); kDeadline - no
///         convergence.
/// Cost:   O(pairs) an iteration.
/// Source: Kendall 1955, "Further contributions to the theory of paired comparisons"; Perron 1907
///         for one positive eigenvector. Power iteration on C + c·I: C itself may have eigenvalues
///         of equal size (two models that only met each other), the shifted one has not.
Result<EigenScores> eigenvector_scores(const NameIndex& names,
                                       std::span<const PairTotal> pairs,
                                       EigenDirection direction = EigenDirection::kWinner);
Result<EigenScores> eigenvector_scores(const BattleTable& table,
                                       EigenDirection direction = EigenDirection::kWinner);

}  // namespace cupel::rank
