#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// How the models of a table hang together.
struct Connectivity {
  /// Strongly connected groups of the graph "took at least part of a point from": model indices,
  /// each group sorted; a group stands before every group that it only ever beat. One group: all
  /// strengths are finite.
  std::vector<std::vector<int32_t>> groups;
  /// Groups linked by battles of any outcome. One group: all ratings are comparable.
  std::vector<std::vector<int32_t>> islands;
};

/// Finds the groups. Rows of count 0 are ignored; a model without battles is an island of its own.
///
/// Cost:   O(N log N) time, O(distinct pairs) memory.
/// Source: Tarjan 1972, "Depth-first search and linear graph algorithms".
Connectivity connectivity(const BattleTable& table);

/// In words, which models keep the table from being one group: `"x" was never beaten or tied by the
/// other 4 models`. Names the smallest such set; at most five names. Empty when there is one group.
std::string describe_separation(const BattleTable& table, const Connectivity& connectivity);

/// Errors: kFailedPrecondition - two islands, so ratings cannot be compared; names the smaller one.
Result<Ok> require_linked(const BattleTable& table);
/// Errors: kFailedPrecondition - several groups, so maximum likelihood gives infinite differences;
/// names the
///         separated group and the mend; or two islands, as above.
Result<Ok> require_finite_strengths(const BattleTable& table);

}  // namespace cupel::rank
