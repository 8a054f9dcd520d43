#include "rank/battle_table.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

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

void BattleTable::make_soft() {
  soft_.reserve(std::max<size_t>(vote_.capacity(), 16));
  for (const uint8_t vote : vote_) {
    soft_.push_back(0.5 * static_cast<double>(vote));
  }
  vote_ = {};
}

void BattleTable::append(const Battle& battle) {
  CUPEL_CHECK(features_.names.empty() && components_.ids.empty(),
              "a table with features or components takes no more battles");
  append_sparse(weight_, a_.size(), battle.weight, 1.0);
  append_sparse(count_, a_.size(), battle.count, int64_t{1});
  append_sparse(cluster_, a_.size(), battle.cluster, kNoCluster);
  a_.push_back(battle.a);
  b_.push_back(battle.b);
  const double doubled = 2 * battle.outcome;
  const bool shade = doubled != std::floor(doubled);
  if (soft_.empty() && shade) {
    make_soft();
  }
  if (soft_.empty() && !shade) {
    vote_.push_back(static_cast<uint8_t>(doubled));
  } else {
    soft_.push_back(battle.outcome);
  }
}

void BattleTable::append_votes(std::span<const int32_t> a,
                               std::span<const int32_t> b,
                               std::span<const uint8_t> votes,
                               std::span<const int32_t> cluster) {
  CUPEL_CHECK(a.size() == b.size() && a.size() == votes.size() &&
                  (cluster.empty() || cluster.size() == a.size()),
              "columns of votes have one length");
  CUPEL_CHECK(weight_.empty() && count_.empty() && soft_.empty() && features_.names.empty() &&
                  components_.ids.empty(),
              "many votes are appended to plain votes only");
  if (cluster_.empty() && !cluster.empty()) {
    cluster_.assign(a_.size(), kNoCluster);
  }
  if (!cluster.empty()) {
    cluster_.insert(cluster_.end(), cluster.begin(), cluster.end());
  } else if (!cluster_.empty()) {
    cluster_.resize(a_.size() + a.size(), kNoCluster);
  }
  a_.insert(a_.end(), a.begin(), a.end());
  b_.insert(b_.end(), b.begin(), b.end());
  vote_.insert(vote_.end(), votes.begin(), votes.end());
}

Result<Ok> BattleTable::set_features(BattleFeatures features) {
  if (features.names.empty()) {
    return invalid_argument("features have no names");
  }
  if (features.values.size() != features.names.size() * rows()) {
    return invalid_argument("{} feature values for {} rows of {} features", features.values.size(),
                            rows(), features.names.size());
  }
  for (size_t i = 0; i < features.values.size(); ++i) {
    if (!std::isfinite(features.values[i])) {
      return invalid_argument("feature {} of battle {} is not a finite number",
                              features.names[i % features.names.size()],
                              i / features.names.size() + 1);
    }
  }
  features_ = std::move(features);
  return Ok{};
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

Result<Ok> BattleTable::set_components(BattleComponents components) {
  if (components.ids.size() != rows() || components.weights.size() != components.names.size()) {
    return invalid_argument("{} components of {} rows, {} weights of {} names",
                            components.ids.size(), rows(), components.weights.size(),
                            components.names.size());
  }
  for (size_t i = 0; i < components.weights.size(); ++i) {
    if (!(components.weights[i] > 0 && std::isfinite(components.weights[i]))) {
      return invalid_argument("component \"{}\" weighs {:g}; expected a positive number",
                              components.names.name(static_cast<int32_t>(i)),
                              components.weights[i]);
    }
  }
  components_ = std::move(components);
  return Ok{};
}

/// Counts of plain votes by pair and outcome, in one pass.
BattleTable BattleTable::aggregated_votes() const {
  const std::vector<int32_t> place = models_.alphabetical_places();
  const size_t models = model_count();
  std::vector<int64_t> counts(models * models * 3);
  for (size_t i = 0; i < rows(); ++i) {
    size_t first = static_cast<size_t>(place[static_cast<size_t>(a_[i])]);
    size_t second = static_cast<size_t>(place[static_cast<size_t>(b_[i])]);
    size_t vote = vote_[i];
    if (first > second) {
      std::swap(first, second);
      vote = 2 - vote;
    }
    counts[(first * models + second) * 3 + vote] += count_.empty() ? 1 : count_[i];
  }
  std::vector<int32_t> model_at(models);
  for (size_t i = 0; i < models; ++i) {
    model_at[static_cast<size_t>(place[i])] = static_cast<int32_t>(i);
  }
  BattleTable result = without_battles();
  for (size_t cell = 0; cell < counts.size(); ++cell) {
    if (counts[cell] > 0) {
      result.append({.a = model_at[cell / 3 / models],
                     .b = model_at[cell / 3 % models],
                     .outcome = 0.5 * static_cast<double>(cell % 3),
                     .count = counts[cell]});
    }
  }
  return result;
}

BattleTable BattleTable::aggregated(ClusterUse use) const {
  if (soft_.empty() && weight_.empty() && (cluster_.empty() || use == ClusterUse::kDrop) &&
      model_count() <= kMostCountedModels) {
    return aggregated_votes();
  }
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

Result<Ok> BattleTable::set_weights(std::vector<double> weights) {
  if (weights.size() != rows()) {
    return invalid_argument("{} weights for {} battles", weights.size(), rows());
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0 && std::isfinite(weights[i]))) {
      return invalid_argument("the weight of battle {} is {:g}; expected a positive number", i + 1,
                              weights[i]);
    }
  }
  weight_ = std::move(weights);
  return Ok{};
}

Result<Ok> BattleTable::set_pseudo_ties(double weight) {
  if (!(weight >= 0 && std::isfinite(weight))) {
    return invalid_argument("pseudo-ties weigh {:g}; expected a number >= 0", weight);
  }
  pseudo_ties_ = weight;
  return Ok{};
}

BattleTable BattleTable::without_battles() const {
  BattleTable empty;
  empty.models_ = models_;
  empty.clusters_ = clusters_;
  empty.pseudo_ties_ = pseudo_ties_;
  return empty;
}

BattleTable BattleTable::subset(std::span<const uint32_t> rows) const {
  BattleTable part = without_battles();
  BattleFeatures chosen{.names = features_.names, .values = {}};
  BattleComponents parts{.names = components_.names, .ids = {}, .weights = components_.weights};
  for (const uint32_t index : rows) {
    part.append(row(index));
    const auto values = features(index);
    chosen.values.insert(chosen.values.end(), values.begin(), values.end());
    if (!components_.ids.empty()) {
      parts.ids.push_back(components_.ids[index]);
    }
  }
  part.features_ = std::move(chosen);
  part.components_ = std::move(parts);
  return part;
}

BattleTable BattleTable::with_models_of(int64_t least) const {
  std::vector<bool> stays(model_count(), true);
  std::vector<uint32_t> kept(rows());
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i] = static_cast<uint32_t>(i);
  }
  for (bool changed = true; changed;) {
    std::vector<int64_t> battles(model_count());
    for (const uint32_t i : kept) {
      battles[static_cast<size_t>(a_[i])] += count_.empty() ? 1 : count_[i];
      battles[static_cast<size_t>(b_[i])] += count_.empty() ? 1 : count_[i];
    }
    changed = false;
    for (size_t model = 0; model < stays.size(); ++model) {
      if (stays[model] && battles[model] < least) {
        stays[model] = false;
        changed = true;
      }
    }
    std::erase_if(kept, [&](uint32_t i) {
      return !stays[static_cast<size_t>(a_[i])] || !stays[static_cast<size_t>(b_[i])];
    });
  }
  BattleTable part = subset(kept);
  NameIndex names;
  std::vector<int32_t> renumbered(model_count(), -1);
  for (size_t model = 0; model < stays.size(); ++model) {
    if (stays[model]) {
      renumbered[model] = names.intern(models_.name(static_cast<int32_t>(model)));
    }
  }
  for (size_t i = 0; i < part.rows(); ++i) {
    part.a_[i] = renumbered[static_cast<size_t>(part.a_[i])];
    part.b_[i] = renumbered[static_cast<size_t>(part.b_[i])];
  }
  part.models_ = std::move(names);
  return part;
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
