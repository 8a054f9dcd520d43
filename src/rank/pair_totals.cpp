#include "rank/pair_totals.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace cupel::rank {
namespace {

/// Up to here each pair has a place in one table (16 MB of places at most).
constexpr size_t kMostTabledModels = 2048;
// A table of counts is walked to its end: it may have as many places as there are rows, and these.
constexpr size_t kSmallTable = 4096;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// Adds a row to the total of its pair, seen from the side of the lower index.
void add_row(PairTotal& total, const Battle& battle) {
  const double outcome = battle.a > battle.b ? 1 - battle.outcome : battle.outcome;
  total.add(outcome, battle.weight, static_cast<double>(battle.count));
}

/// Counts wins, ties and losses of each pair in one table, a fifth of the time of adding sums up;
/// nothing for outcomes with shades or a weight other than 1.
std::optional<std::vector<PairTotal>> counted_totals(const BattleTable& table) {
  if (!table.has_hard_outcomes()) {
    return std::nullopt;
  }
  const size_t models = table.model_count();
  std::vector<std::array<int64_t, 3>> votes(models * models);  // lost, tied, won by the lower index
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.weight != 1) {
      return std::nullopt;
    }
    const auto points = static_cast<size_t>(2 * battle.outcome);
    const bool swapped = battle.a > battle.b;
    const size_t pair =
        swapped ? at(battle.b) * models + at(battle.a) : at(battle.a) * models + at(battle.b);
    votes[pair][swapped ? 2 - points : points] += battle.count;
  }
  std::vector<PairTotal> totals;
  for (size_t pair = 0; pair < votes.size(); ++pair) {
    const auto& [lost, tied, won] = votes[pair];
    if (lost + tied + won > 0) {
      PairTotal total{.a = static_cast<int32_t>(pair / models),
                      .b = static_cast<int32_t>(pair % models)};
      total.add(kWinB, 1, static_cast<double>(lost));
      total.add(kTie, 1, static_cast<double>(tied));
      total.add(kWinA, 1, static_cast<double>(won));
      totals.push_back(total);
    }
  }
  return totals;
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

std::vector<PairTotal> battle_totals(const BattleTable& table) {
  const size_t models = table.model_count();
  if (models > kMostTabledModels) {
    return sorted_totals(table);
  }
  if (models * models <= table.rows() + kSmallTable) {
    if (auto totals = counted_totals(table); totals.has_value()) {
      return std::move(*totals);
    }
  }
  return tabled_totals(table);
}

std::vector<PairTotal> pair_totals(const BattleTable& table) {
  return with_prior_ties(battle_totals(table), table.model_count(), table.pseudo_ties());
}

std::vector<PairTotal> with_prior_ties(std::vector<PairTotal> pairs, size_t models, double weight) {
  if (weight == 0) {
    return pairs;
  }
  std::vector<PairTotal> all;
  all.reserve(models * (models - 1) / 2);
  size_t next = 0;
  for (int32_t a = 0; at(a) < models; ++a) {
    for (int32_t b = a + 1; at(b) < models; ++b) {
      const bool met = next < pairs.size() && pairs[next].a == a && pairs[next].b == b;
      all.push_back(met ? pairs[next++] : PairTotal{.a = a, .b = b});
      all.back().add_prior_tie(weight);
    }
  }
  return all;
}

}  // namespace cupel::rank
