#include "rank/rows_by_cluster.h"

#include <numeric>

namespace cupel::rank {
namespace {

size_t place_of(const BattleTable& table, size_t row) {
  return static_cast<size_t>(table.row(row).cluster + 1);
}

}  // namespace

RowsByCluster::RowsByCluster(const BattleTable& table)
    : begin_(table.clusters().size() + 2), rows_(table.rows()) {
  // A counting sort.
  for (size_t i = 0; i < rows_.size(); ++i) {
    ++begin_[place_of(table, i) + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for (size_t i = 0; i < rows_.size(); ++i) {
    rows_[next[place_of(table, i)]++] = i;
  }
}

}  // namespace cupel::rank
