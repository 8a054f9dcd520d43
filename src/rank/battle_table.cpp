#include "rank/battle_table.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"

namespace cupel::rank {
namespace {

/// Puts `value` at the end of a column that is empty while all its entries equal `standard`.
template <typename T>
void append_sparse(std::vector<T>& column, size_t rows_before, T value, T standard) {
  if (column.empty()) {
    if (value == standard) {
      return;
    }
    column.assign(rows_before, standard);
  }
  column.push_back(value);
}

}  // namespace

Result<Ok> BattleTable::add(const Battle& battle) {
  const auto models = static_cast<int32_t>(models_.size());
  CUPEL_CHECK(battle.a >= 0 && battle.a < models && battle.b >= 0 && battle.b < models,
              "a battle names models of its table");
  CUPEL_CHECK(
      battle.cluster >= kNoCluster && battle.cluster < static_cast<int32_t>(clusters_.size()),
      "a battle names a cluster of its table");
  if (battle.a == battle.b) {
    return invalid_argument("model \"{}\" stands on both sides; a battle needs two models",
                            models_.name(battle.a));
  }
  if (!(battle.outcome >= 0 && battle.outcome <= 1)) {
    return invalid_argument("outcome is {:g}; expected the share of the first model, 0 to 1",
                            battle.outcome);
  }
  if (!(battle.weight > 0 && std::isfinite(battle.weight))) {
    return invalid_argument("weight is {:g}; expected a positive number", battle.weight);
  }
  if (battle.count < 1) {
    return invalid_argument("count is {}; expected at least 1", battle.count);
  }
  append(battle);
  return Ok{};
}

Result<Ok> BattleTable::add(std::string_view model_a, std::string_view model_b, double outcome) {
  if (model_a.empty() || model_b.empty()) {
    return invalid_argument("a model name is empty");
  }
  // Refuse before interning: a bad battle must not leave a model behind.
  if (model_a == model_b) {
    return invalid_argument("model \"{}\" stands on both sides; a battle needs two models",
                            model_a);
  }
  if (!(outcome >= 0 && outcome <= 1)) {
    return invalid_argument("outcome is {:g}; expected the share of the first model, 0 to 1",
                            outcome);
  }
  const int32_t a = intern_model(model_a);
  return add({.a = a, .b = intern_model(model_b), .outcome = outcome});
}

void BattleTable::append(const Battle& battle) {
  append_sparse(weight_, a_.size(), battle.weight, 1.0);
  append_sparse(count_, a_.size(), battle.count, int64_t{1});
  append_sparse(cluster_, a_.size(), battle.cluster, kNoCluster);
  a_.push_back(battle.a);
  b_.push_back(battle.b);
  outcome_.push_back(battle.outcome);
}

int64_t BattleTable::battle_count() const {
  if (count_.empty()) {
    return static_cast<int64_t>(rows());
  }
  int64_t sum = 0;
  for (const int64_t count : count_) {
    sum += count;
  }
  return sum;
}

std::vector<int64_t> BattleTable::battles_per_model() const {
  std::vector<int64_t> battles(model_count());
  for (size_t i = 0; i < rows(); ++i) {
    const Battle battle = row(i);
    battles[static_cast<size_t>(battle.a)] += battle.count;
    battles[static_cast<size_t>(battle.b)] += battle.count;
  }
  return battles;
}

BattleTable BattleTable::aggregated(ClusterUse use) const {
  const std::vector<int32_t> model_place = models_.alphabetical_places();
  const std::vector<int32_t> cluster_place = clusters_.alphabetical_places();
  std::vector<Battle> battles(rows());
  for (size_t i = 0; i < rows(); ++i) {
    Battle battle = row(i);
    if (model_place[static_cast<size_t>(battle.a)] > model_place[static_cast<size_t>(battle.b)]) {
      std::swap(battle.a, battle.b);
      battle.outcome = 1 - battle.outcome;
    }
    if (use == ClusterUse::kDrop) {
      battle.cluster = kNoCluster;
    }
    battles[i] = battle;
  }
  const auto key = [&](const Battle& x) {
    return std::tuple(
        model_place[static_cast<size_t>(x.a)], model_place[static_cast<size_t>(x.b)], x.outcome,
        x.weight,
        x.cluster == kNoCluster ? kNoCluster : cluster_place[static_cast<size_t>(x.cluster)]);
  };
  std::sort(battles.begin(), battles.end(),
            [&](const Battle& x, const Battle& y) { return key(x) < key(y); });
  BattleTable result = without_battles();
  for (size_t i = 0; i < battles.size();) {
    Battle joined = battles[i];
    for (++i; i < battles.size() && key(battles[i]) == key(joined); ++i) {
      joined.count += battles[i].count;
    }
    if (joined.count > 0) {
      result.append(joined);
    }
  }
  return result;
}

void BattleTable::set_counts(std::span<const int64_t> counts) {
  CUPEL_CHECK(counts.size() == rows(), "one count per row");
  count_.assign(counts.begin(), counts.end());
}

BattleTable BattleTable::without_battles() const {
  BattleTable empty;
  empty.models_ = models_;
  empty.clusters_ = clusters_;
  return empty;
}

Result<Ok> require_battles(const BattleTable& table) {
  if (table.battle_count() == 0) {
    return invalid_argument("there are no battles; a rating needs at least one between two models");
  }
  if (table.model_count() < 2) {
    return invalid_argument("there is {} model; a rating needs at least two", table.model_count());
  }
  return Ok{};
}

}  // namespace cupel::rank
