#include "rank/pair_totals.h"

#include <algorithm>
#include <utility>

namespace cupel::rank {
namespace {

/// Up to here each pair has a place in one table (16 MB of places at most).
constexpr size_t kMostTabledModels = 2048;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// Adds a row to the total of its pair, seen from the side of the lower index.
void add_row(PairTotal& total, const Battle& battle) {
  const double outcome = battle.a > battle.b ? 1 - battle.outcome : battle.outcome;
  total.add(outcome, battle.weight, static_cast<double>(battle.count));
}

/// A table of places: the total of a pair is found without searching.
std::vector<PairTotal> tabled_totals(const BattleTable& table) {
  const size_t models = table.model_count();
  std::vector<int32_t> place(models * models, -1);
  std::vector<PairTotal> totals;
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.count == 0) {
      continue;
    }
    const auto [low, high] = std::minmax(battle.a, battle.b);
    int32_t& slot = place[at(low) * models + at(high)];
    if (slot < 0) {
      slot = static_cast<int32_t>(totals.size());
      totals.push_back({.a = low, .b = high});
    }
    add_row(totals[at(slot)], battle);
  }
  std::sort(totals.begin(), totals.end(), [](const PairTotal& x, const PairTotal& y) {
    return std::pair(x.a, x.b) < std::pair(y.a, y.b);
  });
  return totals;
}

/// Sorts the rows by their pair.
std::vector<PairTotal> sorted_totals(const BattleTable& table) {
  const size_t models = table.model_count();
  std::vector<std::pair<uint64_t, uint32_t>> keys;
  keys.reserve(table.rows());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.count > 0) {
      const auto [low, high] = std::minmax(battle.a, battle.b);
      keys.emplace_back(at(low) * models + at(high), static_cast<uint32_t>(i));
    }
  }
  std::sort(keys.begin(), keys.end());
  std::vector<PairTotal> totals;
  uint64_t current = 0;
  for (const auto& [key, row] : keys) {
    if (totals.empty() || key != current) {
      current = key;
      totals.push_back(
          {.a = static_cast<int32_t>(key / models), .b = static_cast<int32_t>(key % models)});
    }
    add_row(totals.back(), table.row(row));
  }
  return totals;
}

}  // namespace

std::vector<PairTotal> pair_totals(const BattleTable& table) {
  return table.model_count() <= kMostTabledModels ? tabled_totals(table) : sorted_totals(table);
}

}  // namespace cupel::rank
