#include "rank/table_edits.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

Result<BattleTable> with_even_pairs(const BattleTable& table, int64_t floor) {
  if (floor < 1) {
    return invalid_argument("the least count of a pair is {}; expected at least 1", floor);
  }
  std::map<std::pair<int32_t, int32_t>, int64_t> battles;
  const auto key = [](const Battle& battle) {
    return std::pair(std::min(battle.a, battle.b), std::max(battle.a, battle.b));
  };
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    battles[key(battle)] += battle.count;
  }
  std::vector<double> weights(table.rows());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    weights[i] = battle.weight / static_cast<double>(std::max(battles.at(key(battle)), floor));
  }
  BattleTable result = table;
  CUPEL_TRY_VOID(result.set_weights(std::move(weights)));
  return result;
}

Result<BattleTable> with_pseudo_ties(const BattleTable& table, double weight) {
  constexpr size_t kMostModels = 2000;
  if (table.model_count() > kMostModels) {
    return invalid_argument("{} models are too many for a pseudo-tie of every pair; at most {} go",
                            table.model_count(), kMostModels);
  }
  if (!table.features().names.empty() || !table.components().ids.empty()) {
    return invalid_argument("a pseudo-tie has no style features and is of no kind; use a ridge");
  }
  if (!(weight > 0)) {
    return invalid_argument("pseudo-ties weigh {:g}; expected a positive number", weight);
  }
  BattleTable result = table;
  CUPEL_TRY_VOID(result.set_pseudo_ties(weight));
  return result;
}

}  // namespace cupel::rank
