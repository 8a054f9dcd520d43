#pragma once

#include <span>
#include <vector>

#include "rank/pair_totals.h"

namespace cupel::rank {

/// Points of each model [M]: its wins and half of its ties, weights and counts included.
///
/// Not a measure of skill: whoever was shown more often has more points.
/// Cost: O(pairs).   Source: tournament scoring, as in evalica 0.4.2.
std::vector<double> count_points(std::span<const PairTotal> pairs, size_t models);
std::vector<double> count_points(const BattleTable& table);

}  // namespace cupel::rank
