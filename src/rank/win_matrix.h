#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "numeric/dense.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// What chosen models took from one another.
struct WinMatrix {
  numeric::Matrix points;   ///< [n, n] weight of i's points against j: wins and half of the ties
  numeric::Matrix battles;  ///< [n, n] weight of the battles of i and j, symmetric

  /// The share of the points of i against j; absent where they never met.
  [[nodiscard]] std::optional<double> share(size_t i, size_t j) const {
    return battles(i, j) > 0 ? std::optional<double>(points(i, j) / battles(i, j)) : std::nullopt;
  }
};

/// The observed win rates of `models` (indices of the table), in the order given.
/// Cost: O(N + n²).
WinMatrix win_matrix(const BattleTable& table, std::span<const int32_t> models);

}  // namespace cupel::rank
