#pragma once

#include <cstdint>
#include <vector>

#include "rank/battle_table.h"

namespace cupel::rank {

/// Battles that are the same but for their order, their sides and their cluster.
struct OutcomeGroup {
  int32_t a = 0;  ///< a < b
  int32_t b = 0;
  double outcome = kTie;  ///< share of the point for a
  double weight = 1;      ///< of one battle
  int64_t count = 0;      ///< how many, ≥ 1
};

/// Joins identical battles; clusters are dropped. Sorted by (a, b, outcome, weight).
///
/// Cost: O(N + groups·log(groups)) for votes without weights of up to 1,024 models, O(N log N)
/// else.
std::vector<OutcomeGroup> outcome_groups(const BattleTable& table);

}  // namespace cupel::rank
