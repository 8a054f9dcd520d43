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

}  // namespace

uint64_t name_key(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

std::vector<std::vector<int64_t>> fold_counts(std::span<const OutcomeGroup> groups,
                                              size_t folds,
                                              uint64_t seed,
                                              std::span<const uint64_t> model_keys) {
  std::vector<std::vector<int64_t>> counts(folds, std::vector<int64_t>(groups.size()));
  const std::vector<int64_t> even(folds, 1);
  std::vector<int64_t> drawn(folds);
  for (size_t i = 0; i < groups.size(); ++i) {
    Rng rng(seed, stream_of(groups[i], model_keys));
    numeric::multinomial(rng, groups[i].count, even, drawn);
    for (size_t fold = 0; fold < folds; ++fold) {
      counts[fold][i] = drawn[fold];
    }
  }
  return counts;
}

Result<std::vector<Fold>> split_folds(const BattleTable& table, size_t folds, uint64_t seed) {
  if (folds < 2 || folds > 1000) {
    return invalid_argument("{} folds; expected 2 to 1,000", folds);
  }
  std::vector<uint64_t> keys;
  for (const std::string& name : table.models().names()) {
    keys.push_back(name_key(name));
  }
  const std::vector<OutcomeGroup> groups = outcome_groups(table);
  const auto counts = fold_counts(groups, folds, seed, keys);
  std::vector<Fold> result;
  for (size_t fold = 0; fold < folds; ++fold) {
    result.push_back({table.without_battles(), table.without_battles()});
    for (size_t i = 0; i < groups.size(); ++i) {
      const int64_t held_out = counts[fold][i];
      CUPEL_TRY_VOID(add_group(result.back().held_out, groups[i], held_out));
      CUPEL_TRY_VOID(add_group(result.back().training, groups[i], groups[i].count - held_out));
    }
  }
  return result;
}

}  // namespace cupel::rank
