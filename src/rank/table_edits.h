#pragma once

#include <cstdint>

#include "base/result.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// A copy whose battles weigh 1/max(n_ab, floor), n_ab the battles of their pair: pairs that met
/// often no longer drown those that met seldom.
///
/// Weights a table already has are multiplied.   Errors: kInvalidArgument - floor < 1.
/// Source: lmarena/arena-rank 0.1.1, min_pair_count (50 there).
Result<BattleTable> with_even_pairs(const BattleTable& table, int64_t floor);

/// A copy whose every two models have one tie of that weight more: with it no strength is infinite,
/// whoever met whom. It pulls all ratings together a little; whoever uses it says so. The ties are
/// prior weight and no battles (BattleTable::pseudo_ties).
///
/// Errors: kInvalidArgument - a weight that is not positive and finite, more than 2,000 models,
///         features or components.
/// Source: half a pseudo-count per pair (Agresti 2013, "Categorical Data Analysis", section 1.6).
Result<BattleTable> with_pseudo_ties(const BattleTable& table, double weight);

}  // namespace cupel::rank
