#include "rank/folds.h"

#include <bit>

#include "base/error.h"
#include "base/rng.h"
#include "numeric/sampling.h"

namespace cupel::rank {
namespace {

uint64_t stream_of(const OutcomeGroup& group, std::span<const uint64_t> model_keys) {
  uint64_t first = model_keys[static_cast<size_t>(group.a)];
  uint64_t second = model_keys[static_cast<size_t>(group.b)];
  double outcome = group.outcome;
  if (first > second) {
    std::swap(first, second);
    outcome = 1 - outcome;
  }
  uint64_t stream = mix64(first) ^ second;
  stream = mix64(stream) ^ std::bit_cast<uint64_t>(outcome);
  return mix64(stream) ^ std::bit_cast<uint64_t>(group.weight);
}

Result<Ok> add_group(BattleTable& table, const OutcomeGroup& group, int64_t count) {
  if (count == 0) {
    return Ok{};
  }
  return table.add({.a = group.a,
                    .b = group.b,
                    .outcome = group.outcome,
                    .weight = group.weight,
                    .count = count});
}

/// Where a group of some of the battles stands among those of all, from `first` on.
size_t place_of(std::span<const OutcomeGroup> groups, const OutcomeGroup& group, size_t first) {
  while (groups[first].a != group.a || groups[first].b != group.b ||
         groups[first].outcome != group.outcome || groups[first].weight != group.weight) {
    ++first;
  }
  return first;
}

/// Draws a part for each battle of `drawn`, which are some of `groups`.
void add_draws(std::span<const OutcomeGroup> groups,
               std::span<const OutcomeGroup> drawn,
               uint64_t seed,
               std::span<const uint64_t> model_keys,
               std::vector<std::vector<int64_t>>& counts) {
  for (size_t i = 0, g = 0; i < drawn.size(); ++i, ++g) {
    g = place_of(groups, drawn[i], g);
    Rng rng(seed, stream_of(drawn[i], model_keys));
    int64_t left = drawn[i].count;
    for (size_t fold = 0; fold < counts.size(); ++fold) {
      const auto parts_left = static_cast<double>(counts.size() - fold);
      const int64_t here = numeric::binomial(rng, left, 1 / parts_left);
      counts[fold][g] += here;
      left -= here;
    }
  }
}

/// Rows by the part that their cluster was drawn into; those without a cluster come last.
std::vector<std::vector<uint32_t>> rows_of_parts(const BattleTable& table,
                                                 const FoldOptions& options) {
  const auto folds = static_cast<size_t>(options.folds);
  std::vector<size_t> part;
  for (const std::string& name : table.clusters().names()) {
    part.push_back(Rng(options.seed, name_key(name)).below(folds));
  }
  std::vector<std::vector<uint32_t>> rows(folds + 1);
  for (size_t i = 0; i < table.rows(); ++i) {
    const int32_t cluster = table.row(i).cluster;
    rows[cluster == kNoCluster ? folds : part[static_cast<size_t>(cluster)]].push_back(
        static_cast<uint32_t>(i));
  }
  return rows;
}

/// The battles of `held_out` [groups] apart from the rest.
Result<Fold> make_fold(const BattleTable& table,
                       std::span<const OutcomeGroup> groups,
                       std::span<const int64_t> held_out) {
  Fold fold{table.without_battles(), table.without_battles()};
  for (size_t i = 0; i < groups.size(); ++i) {
    CUPEL_TRY_VOID(add_group(fold.held_out, groups[i], held_out[i]));
    CUPEL_TRY_VOID(add_group(fold.training, groups[i], groups[i].count - held_out[i]));
  }
  return fold;
}

}  // namespace

uint64_t name_key(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

std::vector<std::vector<int64_t>> fold_counts(const BattleTable& table,
                                              std::span<const OutcomeGroup> groups,
                                              std::span<const uint64_t> model_keys,
                                              const FoldOptions& options) {
  const auto folds = static_cast<size_t>(options.folds);
  std::vector<std::vector<int64_t>> counts(folds, std::vector<int64_t>(groups.size()));
  if (!options.clustered || !table.has_clusters()) {
    add_draws(groups, groups, options.seed, model_keys, counts);
    return counts;
  }
  const std::vector<std::vector<uint32_t>> rows = rows_of_parts(table, options);
  for (size_t fold = 0; fold < folds; ++fold) {
    const std::vector<OutcomeGroup> part = outcome_groups(table.subset(rows[fold]));
    for (size_t i = 0, g = 0; i < part.size(); ++i, ++g) {
      g = place_of(groups, part[i], g);
      counts[fold][g] += part[i].count;
    }
  }
  add_draws(groups, outcome_groups(table.subset(rows[folds])), options.seed, model_keys, counts);
  return counts;
}

Result<std::vector<Fold>> split_folds(const BattleTable& table, const FoldOptions& options) {
  if (options.folds < 2 || options.folds > 1000) {
    return invalid_argument("{} folds; expected 2 to 1,000", options.folds);
  }
  std::vector<uint64_t> keys;
  for (const std::string& name : table.models().names()) {
    keys.push_back(name_key(name));
  }
  const std::vector<OutcomeGroup> groups = outcome_groups(table);
  const auto counts = fold_counts(table, groups, keys, options);
  std::vector<Fold> result;
  for (const std::vector<int64_t>& held_out : counts) {
    CUPEL_TRY(Fold fold, make_fold(table, groups, held_out));
    result.push_back(std::move(fold));
  }
  return result;
}

}  // namespace cupel::rank
