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

struct FoldOptions {
  int64_t folds = 5;  ///< parts, 2 to 1,000
  uint64_t seed = 0;
  /// Battles of one cluster go to one part, where the table names any: a user's other votes say
  /// more about a held-out one than the votes of strangers do.
  bool clustered = true;
};

/// Sends each battle, or each cluster, to one of several parts by a draw of its own.
///
/// Shapes: `groups` those of the table; result [folds][groups], counts that add up to theirs.
///         `model_keys` [M] say who a model is, whatever its index: a draw depends on (seed, keys
///         of the pair, outcome), or on (seed, name of the cluster), so neither the order of rows
///         nor the sides change anything.
/// Draws are multinomial over the counts, which is what sending battles one by one gives: a split
/// that kept each outcome's share would hand the noise of the training part to the held-out one.
/// Cost:   O(groups·folds), with clusters O(N) more.
std::vector<std::vector<int64_t>> fold_counts(const BattleTable& table,
                                              std::span<const OutcomeGroup> groups,
                                              std::span<const uint64_t> model_keys,
                                              const FoldOptions& options);

struct Fold {
  BattleTable training;
  BattleTable held_out;
};
/// The same as tables, keys made of the models' names. Clusters, features and components are left
/// out.
/// Errors: kInvalidArgument - folds outside 2 to 1,000.
Result<std::vector<Fold>> split_folds(const BattleTable& table, const FoldOptions& options);

}  // namespace cupel::rank
