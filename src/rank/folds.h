#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/outcome_groups.h"

namespace cupel::rank {

/// A number that stands for a name, the same in every run and on every machine (FNV-1a, 64 bits).
uint64_t name_key(std::string_view name);

/// Sends each battle to one of `folds` parts by a draw of its own.
///
/// Shapes: result [folds][groups], counts that add up to those of the groups. `model_keys` [M] say
///         who a model is, whatever its index: a draw depends on (seed, keys of the pair, outcome),
///         so neither the order of rows nor the sides change anything.
/// Draws are multinomial over the counts, which is what sending battles one by one gives: a split
/// that kept each outcome's share would hand the noise of the training part to the held-out one.
/// Cost:   O(groups·folds).
std::vector<std::vector<int64_t>> fold_counts(std::span<const OutcomeGroup> groups,
                                              size_t folds,
                                              uint64_t seed,
                                              std::span<const uint64_t> model_keys);

struct Fold {
  BattleTable training;
  BattleTable held_out;
};
/// The same as tables, keys made of the models' names. Clusters are dropped.
/// Errors: kInvalidArgument - folds outside 2 to 1,000.
Result<std::vector<Fold>> split_folds(const BattleTable& table, size_t folds, uint64_t seed);

}  // namespace cupel::rank
