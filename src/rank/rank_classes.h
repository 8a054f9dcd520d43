#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "numeric/statistics.h"

namespace cupel::rank {

/// Whether model i was shown to be better than model j: the interval of their paired difference
/// lies above zero.
using ShownBetter = std::function<bool(size_t i, size_t j)>;

/// Tied ranks: 1 + the number of models shown to be better. Two models that cannot be told apart
/// from anybody above them share a rank; never derived from two marginal intervals, which are too
/// wide for that.
///
/// Shapes: n models; result [n].
std::vector<int64_t> tied_ranks(size_t n, const ShownBetter& better);

/// Tied ranks where a model is shown to be better when its whole interval lies above the other's:
/// 1 + the number of lower ends above this upper end. Cost: O(n log n).
std::vector<int64_t> box_ranks(std::span<const numeric::Interval> intervals);

/// Classes from the best model down: a class holds its leader and the models that follow until one
/// is shown to be worse than the leader, which then leads the next. The leader is fixed, so
/// overlapping intervals do not chain a whole table into one class.
///
/// Shapes: `order` the n models best first; result [n] by model, counted from 1.
std::vector<int64_t> rank_classes(std::span<const size_t> order, const ShownBetter& better);

/// Indices of the values from the highest down; equal values by `before`, which must be a strict
/// order.
std::vector<size_t> best_first(std::span<const double> values,
                               const std::function<bool(size_t i, size_t j)>& before);

}  // namespace cupel::rank
