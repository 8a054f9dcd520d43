#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "rank/name_index.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

/// The mean over the opponents that a model has met of its share of the points against each [M].
///
/// Every opponent counts once, however often it was met; opponents never met are skipped, so models
/// that met different opponents are only compared as well as those opponents are alike.
/// Units:  in [0, 1]; a tie is half a point.
/// Errors: kFailedPrecondition - a model without a battle (only in a bootstrap resample).
/// Cost:   O(pairs).   Source: as in evalica 0.4.2.
Result<std::vector<double>> average_win_rates(const NameIndex& names,
                                              std::span<const PairTotal> pairs);
Result<std::vector<double>> average_win_rates(const BattleTable& table);

}  // namespace cupel::rank
