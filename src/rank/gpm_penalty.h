#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/gpm_objective.h"
#include "rank/methods/gpm.h"
#include "rank/outcome_groups.h"

namespace cupel::rank {

/// The data of a fit and what is known before it starts.
struct GpmProblem {
  std::span<const PairTotal> pairs;
  std::vector<OutcomeGroup> groups;  ///< empty where the penalty is given
  std::vector<double> beta;          ///< of Bradley-Terry
  std::vector<uint64_t> places;      ///< models by their strength, the best first
  SkewStart skew;
};

/// The held-out loss under each penalty of the grid, largest penalty first; see `fit_gpm`.
Result<std::vector<GpmPenaltyTrial>> try_gpm_penalties(const BattleTable& table,
                                                       const GpmProblem& problem,
                                                       const GpmOptions& options);

/// The place of the lowest loss, ties to the larger penalty.
size_t best_gpm_trial(std::span<const GpmPenaltyTrial> trials);

}  // namespace cupel::rank
