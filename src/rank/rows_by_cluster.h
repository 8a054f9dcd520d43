#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "rank/battle_table.h"

namespace cupel::rank {

/// The rows of a table by their cluster, in order within each. Cost: O(rows), 8 bytes each.
class RowsByCluster {
 public:
  explicit RowsByCluster(const BattleTable& table);

  /// Rows without a cluster: each battle is its own.
  [[nodiscard]] std::span<const size_t> loose() const { return part(0); }
  /// Clusters of the table, with rows or without.
  [[nodiscard]] size_t clusters() const { return begin_.size() - 2; }
  [[nodiscard]] std::span<const size_t> of(size_t cluster) const { return part(cluster + 1); }

 private:
  [[nodiscard]] std::span<const size_t> part(size_t place) const {
    return std::span(rows_).subspan(begin_[place], begin_[place + 1] - begin_[place]);
  }
  std::vector<size_t> begin_;  // [clusters + 2]; place 0: no cluster
  std::vector<size_t> rows_;
};

}  // namespace cupel::rank
