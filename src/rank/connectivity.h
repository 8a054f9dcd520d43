#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/name_index.h"
#include "rank/pair_totals.h"

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
/// Cost:   O(models + pairs) time and memory.
/// Source: Tarjan 1972, "Depth-first search and linear graph algorithms".
Connectivity connectivity(size_t models, std::span<const PairTotal> pairs);
Connectivity connectivity(const BattleTable& table);

/// In words, which models keep the table from being one group: `"x" was never beaten or tied by the
/// other 4 models`. Names the smallest such set, at most five names; of three or more islands all,
/// at most five. Empty when there is one group.
std::string describe_separation(const NameIndex& names, const Connectivity& connectivity);

/// In words, which ratings a prior sets where there are several groups: those of the models outside
/// the largest group (all, where no group has two models), at most five by name. Empty when there
/// is one group.
std::string describe_prior_ratings(const NameIndex& names, const Connectivity& connectivity);

/// Errors: kFailedPrecondition - two islands, so ratings cannot be compared; names the smaller one.
Result<Ok> require_linked(const NameIndex& names, std::span<const PairTotal> pairs);
/// Errors: kFailedPrecondition - several groups: `consequence: who was never beaten by whom; mend`.
Result<Ok> require_one_group(const NameIndex& names,
                             std::span<const PairTotal> pairs,
                             std::string_view consequence,
                             std::string_view mend);
/// Errors: kFailedPrecondition - several groups, so maximum likelihood gives infinite differences;
/// names the separated group and the mend; or two islands, as above.
Result<Ok> require_finite_strengths(const NameIndex& names, std::span<const PairTotal> pairs);
/// What a tie parameter needs besides: where there are ties, a circle of battles with more wins in
/// its direction than ties. Without one, ever larger differences between winners and losers and an
/// ever wider margin for ties would fit ever better: w wins, t ties and no loss of two models.
///
/// Errors: kFailedPrecondition - as above, or there are ties but no such circle.
/// Cost:   O(pairs) where two models beat each other; else O(models · pairs) at most.
/// Source: the recession directions of both likelihoods: v_i − v_j ≥ t for wins, |v_i − v_j| ≤ t
/// for
///         ties; a system of differences has a solution unless a circle of it is negative (Cormen,
///         Leiserson, Rivest & Stein 2022, section 22.4).
Result<Ok> require_finite_tie_strengths(const NameIndex& names, std::span<const PairTotal> pairs);
/// What a tie parameter needs where a ridge keeps strengths finite. Errors: kFailedPrecondition -
/// nothing but ties.
Result<Ok> require_finite_tie_parameter(std::span<const PairTotal> pairs);

}  // namespace cupel::rank
